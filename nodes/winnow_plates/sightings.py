"""Sightings as lines of JSON, so that a reading that took seconds survives a kill."""

import base64
from typing import Any

import numpy as np

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.text.recognising import ALPHABET
from winnow_operators.dashcam.tracks.sighting import Sighting


def packed(sighting: Sighting) -> dict[str, Any]:
    """Plain values; probabilities as half floats, 3 digits are more than they are worth."""
    half = np.asarray(sighting.probabilities, np.float16).tobytes()
    return {
        "t_ns": sighting.t_ns,
        "text": sighting.text,
        "confidence": round(sighting.confidence, 5),
        "box_xyxy": [round(side, 2) for side in sighting.box_xyxy],
        "height_px": round(sighting.height_px, 2),
        "quad_px": [[round(float(x), 2), round(float(y), 2)] for x, y in sighting.quad_px],
        "sharpness": round(sighting.sharpness, 2),
        "probabilities": base64.b64encode(half).decode(),
    }


def unpacked(value: dict[str, Any]) -> Sighting:
    """What :func:`packed` made."""
    flat = np.frombuffer(base64.b64decode(value["probabilities"]), np.float16).astype(np.float32)
    return Sighting(
        value["t_ns"],
        value["text"],
        value["confidence"],
        Box(*value["box_xyxy"]),
        value["height_px"],
        flat.reshape(-1, len(ALPHABET)),
        np.array(value["quad_px"], np.float32),
        value["sharpness"],
    )
