"""Scripts that the tests of the simulator share; a run of a shipped script is made once."""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import pytest

from winnow_operators.sim import Simulator
from winnow_schemas.simulation import Script, load_script
from winnow_schemas.simulation.truth import GroundTruth

HEAVY = (
    *(f"/lidar/{number}/points" for number in range(8)),
    "/pointcloud_aggregator/output",
    *(f"/camera/{name}/compressed" for name in ("front", "left", "right", "rear")),
    "/thermal/front/compressed",
    "/thermal/rear/compressed",
    "/imu/data",
    "/perception/detections",
    "/perception/tracking_state",
    "/perception/radar_objects",
    "/planning/trajectory",
)
"""Topics that most tests need no message of."""
NEVER = 10**9


class Shift(NamedTuple):
    """A script that was played."""

    messages: dict[str, list[tuple[int, bytes]]]
    """Topic -> times and payloads."""
    truth: GroundTruth


@pytest.fixture(scope="session")
def make_script() -> Callable[..., Script]:
    """A short script on the west apron, with what the test needs."""

    def make(**changes: object) -> Script:
        legs = [{"to": "bay_1", "stop_s": 5}, {"to": "stand_2", "stop_s": 5}]
        values = {"name": "short", "duration_s": 5, "scale": 0.02, "route": {"legs": legs}}
        return Script.model_validate({**values, **changes})

    return make


@pytest.fixture(scope="session")
def shifts() -> dict[str, Shift]:
    """The shipped scripts, played once with seed 1: their light messages and their ground truth."""
    played = {}
    for name in ("quiet", "demo", "all28"):
        simulator = Simulator(load_script(name), 1, 0.01)
        messages: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for message in simulator.messages(dict.fromkeys(HEAVY, NEVER)):
            messages[message.channel.topic].append((message.t_ns, bytes(message.data)))
        played[name] = Shift(messages, simulator.ground_truth())
    return played


@pytest.fixture(scope="session")
def truths(shifts: dict[str, Shift]) -> dict[str, GroundTruth]:
    """Ground truth of the shipped scripts, with seed 1."""
    return {name: shift.truth for name, shift in shifts.items()}
