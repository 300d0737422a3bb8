"""What goes wrong in one upload of the benchmark ``upload``: seeded, at offsets spread evenly over its bytes."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from winnow_runtime.clock import Clock
from winnow_tools.faultproxy import FaultProxy, Faults

BLACK_HOLE_S = 4.0
"""Longer than the time-outs that are set here (2 s to connect and to send, 3 s to read)."""
LOOK_EVERY_S = 0.002


class Fault(StrEnum):
    """Kinds."""

    CUT = "cut"
    BLACK_HOLE = "black hole"
    FLIP = "flipped byte"
    RESTART = "server restart"
    KILL = "kill -9"


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault, and how many bytes clients have sent when it comes."""

    at_bytes: int
    fault: Fault


def planned(seed: int, size_bytes: int, counts: dict[Fault, int]) -> list[Planned]:
    """Offsets uniform over the size, in order; every one of them is reached before the upload can end."""
    generator = random.Random(seed)  # noqa: S311 - a load, no secret
    found = [
        Planned(generator.randrange(size_bytes), fault)
        for fault, count in counts.items()
        for _ in range(count)
    ]
    return sorted(found, key=lambda one: (one.at_bytes, one.fault))


def inflict(
    proxy: FaultProxy,
    plan: list[Planned],
    usual: Faults,
    clock: Clock,
    actions: dict[Fault, Callable[[], None]],
    *,
    going_on: Callable[[], bool],
) -> int:
    """Carry out the plan while ``going_on``; how many of the faults happened."""
    for number, one in enumerate(plan):
        # What is armed counts from now; a fault whose place has gone by hits the next byte.
        wait_bytes = max(one.at_bytes - proxy.up_bytes, 0)
        if one.fault is Fault.CUT:
            proxy.set_faults(usual.model_copy(update={"reset_after_bytes": wait_bytes}))
        elif one.fault is Fault.FLIP:
            proxy.set_faults(usual.model_copy(update={"flip_up_byte": wait_bytes}))
        goal = proxy.up_bytes + wait_bytes + 1
        while proxy.up_bytes < goal:
            if not going_on():
                proxy.set_faults(usual)
                return number
            clock.sleep_s(LOOK_EVERY_S)
        if one.fault is Fault.BLACK_HOLE:
            proxy.set_faults(usual.model_copy(update={"black_hole": True}))
            clock.sleep_s(BLACK_HOLE_S)
            proxy.set_faults(usual)
        elif one.fault in actions:
            actions[one.fault]()
    proxy.set_faults(usual)
    return len(plan)
