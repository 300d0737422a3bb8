"""Records of the vehicles that a video passed, where the settings name a detector."""

from collections.abc import Callable, Sequence
from typing import Any

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.tracks.vehicles import (
    VehiclePass,
    VehicleSighting,
    carried_by,
    vehicle_passes,
)
from winnow_runtime.dashcam.job import Job
from winnow_schemas.ids import content_id

Place = Callable[[int], dict[str, Any] | None]
"""Time since the first frame -> position; None = there is none."""


def packed_vehicle(t_ns: int, klass: int, score: float, box: Box) -> dict[str, Any]:
    """A line of progress."""
    return {
        "vehicle": klass,
        "t_ns": t_ns,
        "score": round(score, 4),
        "box_xyxy": [round(side, 1) for side in box],
    }


def unpacked_vehicle(value: dict[str, Any]) -> VehicleSighting:
    """What :func:`packed_vehicle` made."""
    return VehicleSighting(value["t_ns"], value["vehicle"], value["score"], Box(*value["box_xyxy"]))


def vehicle_records(
    job: Job,
    sightings: Sequence[VehicleSighting],
    plates: list[dict[str, Any]],
    place: Place,
    most_gap_ns: int,
) -> list[dict[str, Any]]:
    """One record per vehicle; each plate is told its vehicle's id, each vehicle its plates."""
    passes = vehicle_passes(sightings, most_gap_ns=most_gap_ns)
    records = [_record(job, each, place) for each in passes]
    for plate in plates:
        boxes = [(each["t_ns"], Box(*each["box_xyxy"])) for each in plate["timeline"]]
        number = carried_by(boxes, passes)
        plate["vehicle"] = None if number is None else records[number]["id"]
        if number is not None:
            records[number]["plates"].append(plate["text"])
    return records


def _record(job: Job, one: VehiclePass, place: Place) -> dict[str, Any]:
    first, last, best = one.sightings[0], one.sightings[-1], one.best
    span_s = (last.t_ns - first.t_ns) / 1e9
    x, y = (b - a for a, b in zip(first.box_xyxy.centre, last.box_xyxy.centre, strict=True))
    return {
        "id": content_id(job.id, "vehicle", first.t_ns, *map(str, first.box_xyxy)),
        "class": one.klass,
        "confidence": round(one.confidence, 4),
        "frames": len(one.sightings),
        "video_id": job.id,
        "first_ns": first.t_ns,
        "last_ns": last.t_ns,
        "movement_px_s": [round(x / span_s, 2), round(y / span_s, 2)],
        "growth": round((last.box_xyxy.area / max(1.0, first.box_xyxy.area)) ** 0.5, 3),
        "best": {"t_ns": best.t_ns, "box_xyxy": list(best.box_xyxy)},
        "position": place(best.t_ns),
        "plates": [],
        "timeline": [
            {
                "t_ns": each.t_ns,
                "score": each.score,
                "box_xyxy": list(each.box_xyxy),
                "position": place(each.t_ns),
            }
            for each in one.sightings
        ],
    }
