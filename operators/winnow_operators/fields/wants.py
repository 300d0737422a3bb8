"""What is wanted of a message, arranged as the schema is, so that one pass can collect it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from winnow_operators.fields.path import Every, Index, Name, Step
from winnow_operators.fields.resolution import Form, Leaf


@dataclass(slots=True)
class Want:
    """What is wanted of one value; slots number the leaves of the decoder."""

    values: list[int] = field(default_factory=list)
    """Slots that take the value itself."""
    counts: list[int] = field(default_factory=list)
    """Slots that take the number of elements."""
    fields: dict[str, "Want"] = field(default_factory=dict)
    items: dict[int, "Want"] = field(default_factory=dict)
    every: "Want | None" = None

    def slots(self) -> list[int]:
        """All slots at and below this value."""
        below = [*self.fields.values(), *self.items.values(), *([self.every] if self.every else [])]
        return [*self.values, *self.counts, *(slot for want in below for slot in want.slots())]


def arrange(leaves: Sequence[Leaf]) -> Want:
    """Put the leaves, numbered from 0, into one tree."""
    root = Want()
    for slot, leaf in enumerate(leaves):
        want = root
        for step in leaf.steps:
            want = _step(want, step)
        (want.counts if leaf.form is Form.COUNT else want.values).append(slot)
    return root


def _step(want: Want, step: Step) -> Want:
    if isinstance(step, Name):
        return want.fields.setdefault(step.name, Want())
    if isinstance(step, Index):
        return want.items.setdefault(step.index, Want())
    assert isinstance(step, Every)
    if want.every is None:
        want.every = Want()
    return want.every
