"""Whether the rings hold the triggers' windows where nothing else does: without the warm tier."""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from winnow_operators.graphs.model import Place
from winnow_operators.graphs.rules import Finding, Severity
from winnow_operators.triggers.resolve import Resolution
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.yaml_source import YamlDocument

SPARE_S = 5.0
"""A window is cut only when the watermark has passed its end: messages go on meanwhile."""
_MIB = 2**20


class Budget(Protocol):
    """What is asked of a ring."""

    @property
    def topic(self) -> str: ...

    @property
    def expected_mb_s(self) -> float: ...

    @property
    def hot_s(self) -> float | None: ...


def longest_window_s(resolution: Resolution) -> float:
    """The longest pre-roll and post-roll of a trigger that runs."""
    return max(
        (trigger.pre_roll_s + trigger.post_roll_s for trigger in resolution.active.values()), default=0.0
    )


def windows(
    settings: DeviceSettings,
    document: YamlDocument | None,
    resolution: Resolution | None,
    rings: Sequence[Budget],
) -> Iterator[Finding]:
    """Rings that hold less than the longest window while the recorder is off; those without a rate are passed."""
    if settings.recorder.enabled or document is None or resolution is None:
        return
    longest_s = longest_window_s(resolution)
    if not longest_s:
        return
    needed_s = longest_s + SPARE_S
    for ring in rings:
        if ring.hot_s is None or ring.hot_s >= needed_s:
            continue
        message = (
            f"topics.{ring.topic}: its ring holds {ring.hot_s:.3g} s, a trigger's window needs {needed_s:.4g} s "
            f"({longest_s:g} s and {SPARE_S:g} s to cut it) while the recorder is off; set ring_mib to "
            f"{_enough_mib(ring.expected_mb_s, needed_s)}"
        )
        problem = document.problem(("topics", ring.topic, "ring_mib"), message)
        yield Finding(Severity.WARNING, Place(problem.file, problem.line, problem.column), problem.message)


def _enough_mib(mb_s: float, seconds: float) -> str:
    """Whole MiB, or sixteenths of one below that."""
    mib = mb_s * 1e6 * seconds / _MIB
    return f"{math.ceil(mib) if mib > 1 else math.ceil(mib * 16) / 16:g}"
