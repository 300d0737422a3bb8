"""An artifact in, the video's plates out: full frames sought, regions read, passes voted, places added."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.detect.suppression import Detection
from winnow_operators.dashcam.gps.track import GpsTrack
from winnow_operators.dashcam.text.finding import Image
from winnow_operators.dashcam.text.straightening import straight, widened
from winnow_operators.dashcam.tracks.passes import PlatePass, passes_of
from winnow_operators.dashcam.tracks.sighting import Sighting
from winnow_operators.dashcam.tracks.voting import Vote
from winnow_plates.reading import RegionReader
from winnow_plates.sightings import packed, unpacked
from winnow_plates.vehicles import packed_vehicle, unpacked_vehicle, vehicle_records
from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job, PausedError
from winnow_runtime.dashcam.lines import Progress
from winnow_runtime.video.file import Video
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import content_id
from winnow_schemas.settings.dashcam import DashcamSettings, PlateSettings

Watch = Callable[[int, int], bool]
"""Kept frames done, sightings so far -> whether to go on."""
JPEG_QUALITY = 92


def read_plates(
    job: Job, settings: DashcamSettings, reader: RegionReader, gps: GpsTrack | None, watch: Watch
) -> dict[str, Any]:
    """Read the plates of a video that was preprocessed; the record that is also written.

    Raises:
        BadInputError: the video or its artifact cannot be read.
        PausedError: ``watch`` said so.

    """
    summary = atomic.read_json(job.artifact.with_suffix(".json"))
    if not isinstance(summary, dict):
        raise BadInputError(f"{job.artifact} is not whole; no plate of {job.video.name} was read.")
    wanted = _wanted(job)
    with Progress(job.scratch, "plates") as progress:
        with Video(job.video, threads=settings.threads) as video:
            _frames(video, wanted, reader, progress, watch)
        lines = list(progress.lines())
    sightings = [unpacked(value) for value in lines if "vehicle" not in value]
    seen = [unpacked_vehicle(value) for value in lines if "vehicle" in value]
    most_gap_ns = round(settings.plates.most_gap_s * 1e9)
    voted = passes_of(sightings, reader.formats, most_gap_ns=most_gap_ns)
    good = [pair for pair in voted if _counts(pair, settings.plates)]
    plates = [_plate(job, plate_pass, vote, gps) for plate_pass, vote in good]
    _crops(job, good, plates, settings)
    left_out = [_left_out(pair) for pair in voted if not _counts(pair, settings.plates)]
    vehicles = vehicle_records(job, seen, plates, lambda t_ns: _place(gps, t_ns), most_gap_ns)
    found = {"plates": plates, "left_out": left_out, "vehicles": vehicles}
    record = {**summary, "gps": gps.describe() if gps else None, **found}
    job.record.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_json(job.record, record)
    return record


def _wanted(job: Job) -> dict[int, list[Box]]:
    """Time of each kept frame -> its regions."""
    try:
        table = pq.read_table(job.artifact, columns=["t_ns", "kept", "regions_xyxy"])
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{job.artifact} cannot be read ({error}); no plate of {job.video.name} was read."
        ) from None
    found = {}
    for row in table.to_pylist():
        if row["kept"]:
            sides = row["regions_xyxy"]
            found[row["t_ns"]] = [Box(*sides[at : at + 4]) for at in range(0, len(sides), 4)]
    return found


def _frames(
    video: Video, wanted: dict[int, list[Box]], reader: RegionReader, progress: Progress, watch: Watch
) -> None:
    done_ns = int(progress.state.get("t_ns", -1))
    left = sorted(t_ns for t_ns in wanted if t_ns > done_ns)
    count, seen = len(wanted) - len(left), int(progress.state.get("seen", 0))
    for t_ns, image in video.pictures(left):
        found = reader.detected(image)
        for each in found:
            if each.klass in reader.vehicle_classes:
                progress.add(packed_vehicle(t_ns, each.klass, each.score, each.box_xyxy))
        for sighting in sightings_of(t_ns, image, wanted[t_ns], reader, found):
            progress.add(packed(sighting))
            seen += 1
        count += 1
        # Each frame costs a second or so on a CPU: none is read twice.
        progress.save({"t_ns": t_ns, "seen": seen})
        if not watch(count, seen):
            raise PausedError


def sightings_of(
    t_ns: int,
    image: Image,
    regions: list[Box],
    reader: RegionReader,
    found: Sequence[Detection] | None = None,
) -> Iterator[Sighting]:
    """What one frame says."""
    for look in reader.read(image, regions, found):
        crop = straight(image, look.quad_px)
        sharpness = (
            0.0
            if crop is None
            else float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())
        )
        yield Sighting(
            t_ns,
            look.text,
            look.confidence,
            look.box_xyxy,
            look.height_px,
            look.probabilities,
            look.quad_px,
            sharpness,
        )


def _counts(pair: tuple[PlatePass, Vote], settings: PlateSettings) -> bool:
    plate_pass, vote = pair
    frames = len({each.t_ns for each in plate_pass.sightings})
    return frames >= settings.least_frames and vote.confidence >= settings.least_record


def _left_out(pair: tuple[PlatePass, Vote]) -> dict[str, Any]:
    plate_pass, vote = pair
    return {
        "text": vote.text,
        "confidence": vote.confidence,
        "frames": len({each.t_ns for each in plate_pass.sightings}),
        "t_ns": plate_pass.sightings[0].t_ns,
    }


def best_crop(plate_pass: PlatePass, text: str) -> Sighting:
    """The crop to show: one that says what was voted, large, sharp, certain, in this order."""
    return max(
        plate_pass.sightings,
        key=lambda each: (
            each.text == text,
            round(each.height_px / 4),
            each.confidence * each.sharpness,
            each.key,
        ),
    )


def _plate(job: Job, plate_pass: PlatePass, vote: Vote, gps: GpsTrack | None) -> dict[str, Any]:
    ordered = plate_pass.sightings
    best = best_crop(plate_pass, vote.text)
    first, last = ordered[0], ordered[-1]
    span_s = (last.t_ns - first.t_ns) / 1e9
    x = last.box_xyxy.centre[0] - first.box_xyxy.centre[0]
    y = last.box_xyxy.centre[1] - first.box_xyxy.centre[1]
    return {
        "id": content_id(job.id, vote.text, first.t_ns),
        "text": vote.text,
        "confidence": vote.confidence,
        "country": vote.country,
        "frames": len({each.t_ns for each in ordered}),
        "video": str(job.video),
        "video_id": job.id,
        "first_ns": first.t_ns,
        "last_ns": last.t_ns,
        "movement_px_s": [round(x / span_s, 2), round(y / span_s, 2)] if span_s else None,
        "growth": round(last.height_px / max(1.0, first.height_px), 3),
        "votes": {
            "agreeing": vote.agreeing,
            "shares": [round(share, 4) for share in vote.shares],
            "losers": [loser._asdict() for loser in vote.losers],
        },
        "best": {"t_ns": best.t_ns, "box_xyxy": list(best.box_xyxy), "text": best.text},
        "position": _place(gps, best.t_ns),
        "timeline": [
            {
                "t_ns": each.t_ns,
                "text": each.text,
                "confidence": round(each.confidence, 4),
                "box_xyxy": list(each.box_xyxy),
                "position": _place(gps, each.t_ns),
            }
            for each in ordered
        ],
    }


def _place(gps: GpsTrack | None, t_ns: int) -> dict[str, Any] | None:
    place = gps.at(t_ns) if gps else None
    return place._asdict() if place else None


def _crops(
    job: Job, good: list[tuple[PlatePass, Vote]], plates: list[dict[str, Any]], settings: DashcamSettings
) -> None:
    """Write the best crop of each plate, straightened, and its frame, small."""
    best = {
        plate["id"]: best_crop(plate_pass, vote.text)
        for (plate_pass, vote), plate in zip(good, plates, strict=True)
    }
    if not best:
        return
    job.crops.mkdir(parents=True, exist_ok=True)
    with Video(job.video, threads=settings.threads) as video:
        for t_ns, image in video.pictures([each.t_ns for each in best.values()]):
            for plate in plates:
                sighting = best[plate["id"]]
                if sighting.t_ns != t_ns:
                    continue
                crop = straight(image, widened(sighting.quad_px, along=0.4, across=0.4))
                plate["crop"] = _picture(job, f"{plate['text']}-{plate['id'][:8]}.jpg", crop)
                scale = min(1.0, 640 / image.shape[1])
                small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                plate["frame_picture"] = _picture(job, f"frame-{t_ns:015d}.jpg", np.asarray(small, np.uint8))


def _picture(job: Job, name: str, image: Image | None) -> str:
    if image is None:
        return ""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    atomic.write_bytes(job.crops / name, data, durable=False)
    return str((job.crops / name).relative_to(job.out))
