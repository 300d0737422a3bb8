"""A generated drive as a camera leaves it: a video, a GPS log beside it; and its truth apart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av

from winnow_operators.dashcam.scenes.drive import Drive
from winnow_operators.dashcam.scenes.drive_plan import FPS, HEIGHT_PX, START_NS, WIDTH_PX, DrivePlan
from winnow_operators.dashcam.text.finding import Image
from winnow_runtime import atomic
from winnow_tools.pages.writing import write_whole

NAME = "drive"
_OPTIONS = {"crf": "21", "preset": "veryfast", "g": "40"}
"""16 Mbit/s at 1080p, a key frame every two seconds: what dashcams write."""


def write_drive(plan: DrivePlan, folder: Path, truth: Path) -> Path:
    """Render, encode, and write the log; the video."""
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{NAME}.mp4"
    encode(Drive(plan).frames(), video)
    write_whole(folder / f"{NAME}.gpx", gpx(plan))
    told = [plan.truth(car)._asdict() for car in plan.cars]
    atomic.write_json(truth, {"seed": plan.seed, "frames": plan.frames, "fps": FPS, "plates": told})
    return video


def encode(frames: Iterator[Image], path: Path) -> None:
    """Encode as H.264, with the date that the camera believes in: whole seconds."""
    temporary = path.with_name(path.name + atomic.TEMPORARY)
    with av.open(str(temporary), "w", format="mp4") as sink:
        sink.metadata["creation_time"] = _moment(START_NS // 1_000_000_000 * 1_000_000_000)
        stream = sink.add_stream("libx264", rate=Fraction(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = _OPTIONS
        for image in frames:
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        sink.mux(stream.encode(None))
    atomic.publish(temporary, path)


def gpx(plan: DrivePlan) -> str:
    """The plan's fixes as a GPX 1.1 track."""
    points = "\n".join(
        f'<trkpt lat="{fix.latitude_deg:.7f}" lon="{fix.longitude_deg:.7f}"><time>{_moment(fix.t_ns)}</time></trkpt>'
        for fix in plan.fixes()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="winnow" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"<trk><trkseg>\n{points}\n</trkseg></trk>\n</gpx>\n"
    )


def _moment(t_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t_ns // 1000)
    return moment.isoformat().replace("+00:00", "Z")
