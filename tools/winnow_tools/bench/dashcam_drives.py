"""What the gate drops on drives, and whether every plate that passed is still read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pyarrow.parquet as pq

from winnow_operators.dashcam.gate.gate import MotionGate
from winnow_operators.dashcam.scenes.drive_plan import DrivePlan
from winnow_operators.dashcam.tracks.alignment import distance
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, job_of
from winnow_runtime.video.file import Video
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings.dashcam import DashcamSettings, GateSettings
from winnow_tools.bench.load import Load
from winnow_tools.bench.processes import family_pss_mib
from winnow_tools.bench.rows import Row
from winnow_tools.dashcam.judging import judge
from winnow_tools.video.going import Watcher, go_through, open_stages
from winnow_tools.video.graphs import through_graphs

_GRAPHS = Path("dataflows")
_WANTED_PLATES = ("KAJS6312", "KA2128")
_SHORT_PLATE = "MAMM539"
"""In view for six frames only: reported, not asked for."""
_EMPTY_S = ((0.0, 4.2), (8.8, 14.2), (19.2, 25.0), (28.1, 30.2))
_CARS_S = ((4.4, 8.4), (14.6, 18.2), (15.1, 18.9), (25.3, 27.8))
"""Of the fixed camera: read off every fifth frame by eye. A car is in view in each of the second, none in the first."""
_DIFFERENT = 25
_LEAST_DIFFERENT = 0.005
"""The plain filter: grey levels, and the part of the picture, by which a frame must differ from the one before it."""


class Judgement(NamedTuple):
    """Gate and plain filter over one video."""

    times_s: list[float]
    kept: list[bool]
    plain: list[bool]

    def dropped(self, kept: list[bool]) -> float:
        return 1 - sum(kept) / len(kept)


def filters(path: Path) -> Judgement:
    """The gate with default thresholds, and a plain frame-difference filter on the same reduced frames."""
    gate = MotionGate(GateSettings())
    times, kept, plain = [], [], []
    before = None
    with Video(path) as video:
        for frame in video.small():
            times.append(frame.t_ns / 1e9)
            kept.append(gate.step(frame.t_ns, frame.gray).kept)
            smooth = cv2.GaussianBlur(frame.gray, (5, 5), 0)
            differs = (
                before is None
                or float(np.count_nonzero(cv2.absdiff(smooth, before) > _DIFFERENT))
                >= _LEAST_DIFFERENT * smooth.size
            )
            plain.append(differs)
            before = smooth
    return Judgement(times, kept, plain)


def generated_rows(plan: DrivePlan, clip: Path, load: Load) -> list[Row]:
    """The generated clip through both graphs under dora: memory, plates, positions."""
    if not (_GRAPHS / "jetson.yml").is_file():
        note = f"{_GRAPHS / 'jetson.yml'} is not below the current folder"
        return [Row("memory of jetson.yml, sum of PSS", None, "MB", "<= 1500", note=note)]
    load.say("the clip through jetson.yml and rtx4090.yml")
    most: dict[str, float] = {}

    def looking(name: str) -> None:
        most[name] = max(most.get(name, 0.0), family_pss_mib() * 1.048576)

    out = load.scratch / "graphs"
    try:
        through_graphs([clip], out, DashcamSettings(), _GRAPHS, Watcher(), looking)
    except UnavailableError as error:
        return [Row("memory of jetson.yml, sum of PSS", None, "MB", "<= 1500", note=_why(error, out))]
    job = job_of(clip, out)
    record = atomic.read_json(job.record) or {"plates": []}
    judged = judge(plan, record, pq.read_table(job.artifact).to_pylist())
    plain = filters(clip)
    errors = sorted(judged.position_errors_m)
    return [
        Row("memory of jetson.yml, sum of PSS", most["jetson"], "MB", "<= 1500", {"dora among it": "yes"}),
        Row("memory of rtx4090.yml, sum of PSS", most["rtx4090"], "MB"),
        Row(
            "generated drive: recall of legible plates",
            len(judged.right) / judged.legible,
            "ratio",
            "== 1",
            {
                "right": len(judged.right),
                "of": judged.legible,
                "false": len(judged.false),
                "frames dropped": judged.reduction,
                "dropped by a frame-difference filter": plain.dropped(plain.plain),
                "median position error, m": errors[len(errors) // 2] if errors else None,
            },
        ),
    ]


def _why(error: UnavailableError, out: Path) -> str:
    """The sentence, and the last that dora said: the logs go with the benchmark's folder."""
    logs = sorted((out / "dora").glob("*.log"), key=lambda path: path.stat().st_mtime)
    lines = logs[-1].read_text("utf-8", "replace").splitlines() if logs else []
    told = [line.strip() for line in lines if "ERROR" in line or line.startswith("winnow:")]
    return " ".join([str(error), *told[-2:]])[:600]


def drive_rows(drives: Path | None, load: Load) -> list[Row]:
    """The real drives that the user named."""
    if drives is None:
        return [
            Row(
                "kitti_plates: recall of KAJS6312 and KA2128",
                None,
                "ratio",
                "== 1",
                note="no --recordings with drive/",
            )
        ]
    return [
        *_kitti(drives / "kitti_plates" / "kitti_sfnd_plates.mp4", load),
        _overlay(drives / "udacity_solidYellowLeft_overlay.mp4", load),
        *_fixed(drives / "fixed_camera" / "intel_car_detection.mp4", load),
    ]


def _kitti(path: Path, load: Load) -> list[Row]:
    load.say(f"{path.name}: gate, reader, votes")
    out = load.scratch / "kitti"
    settings = DashcamSettings(archive=False)
    summary = go_through([path], out, settings, lambda: open_stages(settings), Watcher())
    record = atomic.read_json(Job(path, job_of(path, out).id, out).record) or {"plates": []}
    texts = [plate["text"] for plate in record["plates"]]
    once = [text for text in _WANTED_PLATES if texts.count(text) == 1]
    false = [text for text in texts if text not in (*_WANTED_PLATES, _SHORT_PLATE)]
    doubles = sum(max(0, texts.count(text) - 1) for text in (*_WANTED_PLATES, _SHORT_PLATE))
    plain = filters(path)
    return [
        Row(
            "kitti_plates: recall of KAJS6312 and KA2128",
            len(once) / len(_WANTED_PLATES),
            "ratio",
            "== 1",
            {
                f"{_SHORT_PLATE} (six frames)": "read" if _SHORT_PLATE in texts else "not read",
                "records": ", ".join(texts),
            },
        ),
        Row(
            "kitti_plates: frames dropped",
            1 - summary["kept"] / summary["frames"],
            "ratio",
            ">= 0.7",
            {
                "by the gate alone": plain.dropped(plain.kept),
                "by a frame-difference filter": plain.dropped(plain.plain),
            },
        ),
        Row("kitti_plates: false records", len(false) + doubles, "records", "<= 2"),
        _real_votes(record["plates"]),
    ]


def _real_votes(plates: Iterable[dict[str, Any]]) -> Row:
    """Votes beside the single best frame of each of the real passes."""
    known = [plate for plate in plates if plate["text"] in (*_WANTED_PLATES, _SHORT_PLATE)]
    best = [max(plate["timeline"], key=lambda each: each["confidence"])["text"] for plate in known]
    wrong = sum(one != plate["text"] for one, plate in zip(best, known, strict=True))
    readings = [(each["text"], plate["text"]) for plate in known for each in plate["timeline"]]
    return Row(
        "voting on kitti_plates: passes wrong",
        float(3 - len(known)),
        "passes of 3",
        "",
        {
            "by the single best frame": wrong + 3 - len(known),
            "single readings wrong": f"{sum(one != text for one, text in readings)} of {len(readings)}",
            "characters wrong in them": sum(distance(one, text) for one, text in readings),
        },
    )


def _overlay(path: Path, load: Load) -> Row:
    load.say(f"{path.name}: gate")
    judged = filters(path)
    beside = {"by a frame-difference filter": judged.dropped(judged.plain), "frames": len(judged.kept)}
    return Row(
        "solidYellowLeft_overlay: frames dropped", judged.dropped(judged.kept), "ratio", ">= 0.8", beside
    )


def _fixed(path: Path, load: Load) -> list[Row]:
    load.say(f"{path.name}: gate")
    judged = filters(path)
    empty = [place for place, t_s in enumerate(judged.times_s) if any(a <= t_s < b for a, b in _EMPTY_S)]
    cars = [
        sum(kept for t_s, kept in zip(judged.times_s, judged.kept, strict=True) if begin <= t_s < end)
        for begin, end in _CARS_S
    ]
    plain = sum(judged.plain[place] for place in empty)
    return [
        Row(
            "fixed camera: frames of empty stretches dropped",
            1 - sum(judged.kept[place] for place in empty) / len(empty),
            "ratio",
            ">= 0.95",
            {"by a frame-difference filter": 1 - plain / len(empty), "frames": len(empty)},
        ),
        Row(
            "fixed camera: passing cars kept",
            sum(count > 0 for count in cars) / len(cars),
            "ratio",
            "== 1",
            {
                "frames of each": ", ".join(map(str, cars)),
                "dropped of the whole clip": judged.dropped(judged.kept),
            },
        ),
    ]
