"""Detections in place of pictures: what leaves when the settings want as little as possible to leave (6.4)."""

import json

from winnow_redactor.inspection import FramePlan
from winnow_schemas.channel import Channel

SCHEMA_NAME = "winnow.FrameDetections"
_SCHEMA = {
    "type": "object",
    "properties": {
        "width_px": {"type": "integer"},
        "height_px": {"type": "integer"},
        "unseen": {"type": "string"},
        "found": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "subject": {"type": "string"},
                    "score": {"type": "number"},
                    "box_xyxy_px": {"type": "array", "items": {"type": "number"}},
                    "held": {"type": "boolean"},
                },
            },
        },
    },
}


def detections_channel(topic: str) -> Channel:
    """The channel that takes a camera's place."""
    data = json.dumps(_SCHEMA, sort_keys=True).encode()
    return Channel(f"{topic}/detections", "json", SCHEMA_NAME, "jsonschema", data)


def detections_payload(frame: FramePlan) -> bytes:
    """What was found in a frame; boxes include the margin."""
    width, height = frame.size or (0, 0)
    found = [
        {
            "subject": cover.subject.value,
            "score": round(cover.score, 4),
            "box_xyxy_px": [round(value, 1) for value in cover.box],
            "held": cover.held,
        }
        for cover in frame.covers
    ]
    value = {"width_px": width, "height_px": height, "unseen": frame.masked, "found": found}
    return json.dumps(value, separators=(",", ":")).encode()
