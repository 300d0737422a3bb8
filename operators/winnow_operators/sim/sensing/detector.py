"""The object detector: what is in sight, as seen with limited range, noise, misses and confusion."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.geometry import Pose, sight_blocked
from winnow_operators.sim.scene.bodies import CLASS_NAMES, LOOKALIKES, Body
from winnow_operators.sim.scene.things import Thing, footprints, positions
from winnow_operators.sim.scene.weather import Weather
from winnow_operators.sim.sensing.structures import Built

LOWEST_KNOWN = 0.42
"""Confidence of a trained class at its worst; below 0.3 for every class means an unknown one (3.1)."""
HIGHEST_UNKNOWN = 0.24
"""Highest score of any class on something that the detector was not trained on."""
_INDEX = {name: index for index, name in enumerate(CLASS_NAMES)}


class Detection(NamedTuple):
    """One detected object, position in the map frame."""

    thing: int
    """Number of the true thing behind it (known to the simulation only)."""
    body: Body
    x: float
    y: float
    yaw: float
    label: str
    confidence: float
    scores: NDArray[np.float32]
    """One per class of ``CLASS_NAMES``."""
    range_m: float


class InSight(NamedTuple):
    """A thing that nothing hides, and its distance."""

    thing: Thing
    range_m: float


def in_sight(ego: Pose, things: list[Thing], built: Built, reach_m: float = 110.0) -> list[InSight]:
    """Things within reach that are not hidden by structures, nor (when lower than 2 m) by other things."""
    if not things:
        return []
    places = positions(things)
    away = np.hypot(places[:, 0] - ego.x, places[:, 1] - ego.y)
    near = np.flatnonzero(away < reach_m)
    close = [things[index] for index in near]
    heights = np.array([thing.body.height_m for thing in close])
    boxes = built.boxes
    standing = boxes[boxes[:, 5] < 1.0]
    hidden = np.zeros(len(close), bool)
    for low, high in ((0.0, 2.0), (2.0, 5.0), (5.0, 99.0)):
        group = np.flatnonzero((heights >= low) & (heights < high))
        if not len(group):
            continue
        walls = standing[standing[:, 6] >= 0.9 * heights[group].max()]
        blocked = sight_blocked(ego.x, ego.y, places[near[group]], walls[:, :5])
        if high <= 2.0:
            screens = [thing for thing in close if thing.body.hides]
            blocked |= sight_blocked(ego.x, ego.y, places[near[group]], footprints(screens))
        hidden[group] = blocked
    return [
        InSight(thing, float(away[index]))
        for thing, index, gone in zip(close, near, hidden, strict=True)
        if not gone
    ]


def detect(seen: list[InSight], weather: Weather, random: np.random.Generator) -> list[Detection]:
    """One sweep's detections."""
    reach = 1.0 - 0.25 * weather.clutter
    found: list[Detection] = []
    noises = np.clip(random.standard_normal((len(seen), 4)), -2.5, 2.5).tolist()
    lucks = random.random(len(seen)).tolist()
    for (thing, range_m), noise, luck in zip(seen, noises, lucks, strict=True):
        body = thing.body
        share = range_m / max(body.detect_range_m * reach, 0.1)
        if share >= 1.0 or luck < 0.01 + 0.08 * share**2 + 0.12 * weather.clutter:
            continue
        sigma = 0.04 + 0.0015 * range_m
        scores = _scores(body, share, weather.clutter, noise[2])
        best = int(np.argmax(scores))
        found.append(
            Detection(
                thing.number,
                body,
                thing.pose.x + sigma * noise[0],
                thing.pose.y + sigma * noise[1],
                thing.pose.yaw + 0.01 * noise[3],
                CLASS_NAMES[best],
                float(scores[best]),
                scores,
                range_m,
            )
        )
    return found


def _scores(body: Body, share: float, clutter: float, noise: float) -> NDArray[np.float32]:
    count = len(CLASS_NAMES)
    if not body.label:
        flat = np.full(count, 0.5 / count)
        flat[_INDEX["person"]] = min(0.19 + 0.02 * noise, HIGHEST_UNKNOWN)
        flat[_INDEX["cone"]] = 0.16
        return flat.astype(np.float32)
    best = 0.93 - 0.22 * share - 0.15 * clutter - 0.3 * body.novelty + 0.02 * noise
    best = min(max(best, LOWEST_KNOWN), 0.99)
    others = LOOKALIKES[body.label]
    scores = np.full(count, 0.3 * (1.0 - best) / count)
    for name in others:
        scores[_INDEX[name]] += 0.6 * (1.0 - best) / len(others)
    scores[_INDEX[body.label]] = best
    return scores.astype(np.float32)


def novelty(seen: list[InSight]) -> float:
    """How unlike the training data the scene is, 0-1: its strangest part, from 40 m on and fully from 30 m."""
    parts = (thing.body.novelty * min(max((40.0 - away) / 10.0, 0.0), 1.0) for thing, away in seen)
    return max(parts, default=0.0)


def energy_score(strangeness: float, weather: Weather, noise: float) -> float:
    """Out-of-distribution score: about 1.2 for ordinary scenes, above 5 for strange ones (threshold of 3.2)."""
    return 1.2 + 0.3 * noise + 0.6 * weather.clutter + 9.0 * strangeness
