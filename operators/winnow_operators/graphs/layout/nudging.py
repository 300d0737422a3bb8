"""The last small bends: a pin moves a little along its box's edge, so that its line becomes straight."""

from collections.abc import Mapping, Sequence

from winnow_operators.graphs.layout.nets import End
from winnow_operators.graphs.layout.rows import Channel, Item, Pair, offset

FARTHEST = 24.0
"""px that a pin moves at most: a box's pins stay about evenly spread."""
_STRAIGHT = 0.01


def nudge_pins(channels: Sequence[Channel], items: Mapping[str, Item], x: Mapping[str, float]) -> None:
    """Straighten lines by moving pins within the room that texts leave; heavy lines first."""
    for channel in channels:
        at: dict[tuple[End, bool], list[Pair]] = {}
        for pair in channel.across:
            at.setdefault((pair.one, False), []).append(pair)
            at.setdefault((pair.other, True), []).append(pair)
        for pair in sorted(channel.across, key=lambda pair: -pair.weight):
            slant = _slant(pair, items, x)
            if not _STRAIGHT < abs(slant) <= FARTHEST:
                continue
            for end, upper, by in ((pair.other, True, slant), (pair.one, False, -slant)):
                item = items.get(end.cell)
                if (
                    item
                    and _gain(at[end, upper], by if upper else -by, items, x) > 0
                    and item.nudge(end.pin, by, upper=upper)
                ):
                    break


def _slant(pair: Pair, items: Mapping[str, Item], x: Mapping[str, float]) -> float:
    """How far the upper end stands right of the lower one."""
    one = x[pair.one.cell] + offset(pair.one, items, upper=False)
    return one - x[pair.other.cell] - offset(pair.other, items, upper=True)


def _gain(pairs: Sequence[Pair], less: float, items: Mapping[str, Item], x: Mapping[str, float]) -> float:
    """How much straighter lines get whose slants become smaller by ``less``."""
    slants = [(pair.weight, _slant(pair, items, x)) for pair in pairs]
    return sum(weight * (abs(slant) - abs(slant - less)) for weight, slant in slants)
