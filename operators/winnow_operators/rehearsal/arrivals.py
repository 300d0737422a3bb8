"""The document's trigger mix (3.5): how many clips a day, of which size, within the extraction budget."""

from dataclasses import dataclass

import numpy as np

from winnow_operators.clips.budget import ExtractionBudget, TopicCost
from winnow_operators.rehearsal.links import SHIFT_H
from winnow_operators.rehearsal.script import DAY_NS, HOUR_NS, Rules, Script, SimClip
from winnow_operators.sim.noise import generator
from winnow_operators.upload.score import upload_score
from winnow_schemas.priority import Priority


@dataclass(frozen=True, slots=True)
class Mix:
    """One row of table 3.5."""

    fewest: int
    most: int
    """Expected clips a day."""
    gb: float
    """Average size."""
    types: tuple[str, ...]
    """Of the taxonomy (3.1)."""


TABLE: dict[Priority, Mix] = {
    Priority.P0: Mix(
        0, 5, 5.0, ("estop", "collision", "cbf_intervention", "geofence_breach", "simplex_switch")
    ),
    Priority.P1: Mix(5, 20, 2.5, ("ood_spike", "tracking_failure", "novel_object", "sensor_degradation")),
    Priority.P2: Mix(2, 10, 2.0, ("gtsam_innovation_spike", "gps_denied_transition", "calibration_drift")),
    Priority.P3: Mix(2, 10, 1.5, ("frenet_exhaustion", "deadlock", "path_deviation", "unplanned_stop")),
    Priority.P4: Mix(0, 3, 7.5, ("operator_flag", "voice_flag")),
    Priority.P5: Mix(2, 5, 3.8, ("time_sample", "distance_sample", "weather_transition", "new_area")),
}
HEAVY_SAFETY_EVENTS = 10
"""6.1: 50 GB of safety clips on a heavy day."""
SIZE_SPREAD = (0.4, 1.6)
"""Clips differ by trigger and by what the sensors saw: between these times the average."""
READY_AFTER_S = (40.0, 150.0)
"""Post-roll, cutting, classifying, redacting."""
CAMERA_FRACTION = 0.3
"""Clips that keep pictures: the redactor withholds cameras, so few do."""


def make_arrivals(script: Script, rules: Rules) -> tuple[list[SimClip], dict[Priority, int]]:
    """Clips in the order in which they are ready, and how many windows the extraction budget refused."""
    random = generator(script.seed, "arrivals")
    drawn: list[SimClip] = []
    for day in range(script.days):
        for priority, mix in TABLE.items():
            count = int(random.integers(mix.fewest, mix.most + 1))
            if priority is Priority.P0 and day == script.safety_day:
                count = HEAVY_SAFETY_EVENTS
            drawn += [_draw(random, script, rules, day, priority, number) for number in range(count)]
    budget = ExtractionBudget(rules.extraction_bytes, rules.cap_bytes)
    clips: list[SimClip] = []
    refused: dict[Priority, int] = {}
    for clip in sorted(drawn, key=lambda one: (one.t_ns, one.clip_id)):
        cost = TopicCost("all", clip.size_bytes, clip.size_bytes, drop_order=0)
        if budget.rule(clip.priority, clip.t_ns, [cost]).cut:
            clips.append(clip)
        else:
            refused[clip.priority] = refused.get(clip.priority, 0) + 1
    return sorted(clips, key=lambda one: (one.ready_ns, one.clip_id)), refused


def _draw(
    random: np.random.Generator, script: Script, rules: Rules, day: int, priority: Priority, number: int
) -> SimClip:
    mix = TABLE[priority]
    hour = random.uniform(SHIFT_H[0] + 0.1, SHIFT_H[1] - 0.2)
    t_ns = script.start_ns + day * DAY_NS + int(hour * HOUR_NS)
    size = int(mix.gb * 1e9 * random.uniform(*SIZE_SPREAD))
    if priority is not Priority.P0:  # over its cap a clip leaves topics out (3.3)
        size = min(size, rules.cap_bytes.get(priority, size))
    worth, diversity, uncertainty = (float(value) for value in random.random(3))
    return SimClip(
        clip_id=f"d{day:02}-{priority.name}-{number:02}",
        type=str(random.choice(mix.types)),
        priority=priority,
        t_ns=t_ns,
        ready_ns=t_ns + int(random.uniform(*READY_AFTER_S) * 1e9),
        size_bytes=size,
        worth=worth,
        score=upload_score(priority.upload_class, worth, diversity, uncertainty),
        may_show_people=bool(random.random() < CAMERA_FRACTION),
        left_bytes=size,
    )
