"""Last touches to a placement: whatever already stands in line is moved as one, to straighten more lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from winnow_operators.graphs.layout.rows import Channel, Item, gap, offset, width_of

ROUNDS = 8
"""Passes over all lines; three or four do."""
ROUNDS_LARGE, LARGE = 2, 1500
"""Passes where there are more lines than this: the drawing is to come in seconds."""
MOST_MOVED = 150
"""Cells that are moved at once."""
_STRAIGHT = 0.01
"""px"""


@dataclass(frozen=True, slots=True)
class _Line:
    """Two ends that ought to stand above each other."""

    one: str
    other: str
    shift: float
    """What must be added to the difference of the cells' left edges: 0 in sum when straight."""
    weight: float


@dataclass(slots=True)
class _Board:
    rows: Sequence[Sequence[str]]
    items: Mapping[str, Item]
    x: dict[str, float]
    lines: list[_Line]
    at: dict[str, list[_Line]] = field(default_factory=dict)
    """Lines by cell."""
    spot: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Cell -> row and index."""

    def __post_init__(self) -> None:
        for line in self.lines:
            self.at.setdefault(line.one, []).append(line)
            self.at.setdefault(line.other, []).append(line)
        for row, cells in enumerate(self.rows):
            self.spot.update({cell: (row, index) for index, cell in enumerate(cells)})

    def slant(self, line: _Line) -> float:
        """How far the upper end stands right of the lower one."""
        return self.x[line.one] - self.x[line.other] + line.shift

    def group(self, cell: str, by: float, least: float) -> set[str] | None:
        """The cells that must move when ``cell`` does: those in line with it, and those in the way.

        Lines of a weight below ``least`` hold nothing together. None when too many would have to move.
        """
        moving, waiting = {cell}, [cell]
        while waiting:
            current = waiting.pop()
            for line in self.at.get(current, ()):
                other = line.other if line.one == current else line.one
                if other not in moving and line.weight >= least and abs(self.slant(line)) < _STRAIGHT:
                    moving.add(other)
                    waiting.append(other)
            row, index = self.spot[current]
            cells, ahead = self.rows[row], index + 1 if by > 0 else index - 1
            if 0 <= ahead < len(cells) and cells[ahead] not in moving:
                left, right = (current, cells[ahead]) if by > 0 else (cells[ahead], current)
                if abs(by) > self.room(left, right) + 1e-9:
                    moving.add(cells[ahead])
                    waiting.append(cells[ahead])
            if len(moving) > MOST_MOVED:
                return None
        return moving

    def room(self, left: str, right: str) -> float:
        """How far two neighbours may come nearer to each other."""
        return self.x[right] - self.x[left] - width_of(left, self.items) - gap(left, right)

    def free(self, cell: str, part: set[str]) -> float:
        """How far a cell may go left before it meets one outside ``part``."""
        row, index = self.spot[cell]
        if not index or self.rows[row][index - 1] in part:
            return float("inf")
        return self.room(self.rows[row][index - 1], cell)

    def gain(self, cells: set[str], by: float) -> float:
        """How much straighter the lines at the border of ``cells`` become."""
        total = 0.0
        for cell in cells:
            for line in self.at.get(cell, ()):
                if (line.one in cells) != (line.other in cells):
                    now = self.slant(line)
                    then = now + by if line.one in cells else now - by
                    total += line.weight * (abs(now) - abs(then))
        return total

    def move(self, cells: Iterable[str], by: float) -> None:
        for cell in cells:
            self.x[cell] += by


def straighten(
    rows: Sequence[Sequence[str]], channels: Sequence[Channel], items: Mapping[str, Item], x: dict[str, float]
) -> None:
    """Move groups of cells, pushing others along, where that makes lines straighter."""
    board = _board(rows, channels, items, x)
    ordered = sorted(board.lines, key=lambda line: -line.weight)
    for _ in range(ROUNDS_LARGE if len(ordered) > LARGE else ROUNDS):
        moved = False
        for line in ordered:
            slant = board.slant(line)
            if abs(slant) < _STRAIGHT:
                continue
            for cell, by in ((line.one, -slant), (line.other, slant)):
                group = board.group(cell, by, line.weight)
                if group and board.gain(group, by) > 1e-6:
                    board.move(group, by)
                    moved = True
                    break
        if not moved:
            return


def close_up(
    rows: Sequence[Sequence[str]], channels: Sequence[Channel], items: Mapping[str, Item], x: dict[str, float]
) -> None:
    """Move parts of the graph that nothing connects towards each other, to the left."""
    board = _board(rows, channels, items, x)
    parts = _parts(board)
    leftmost = min(x.values(), default=0.0)
    for part in sorted(parts, key=lambda part: min(x[cell] for cell in part)):
        free = min(board.free(cell, part) for cell in part)
        free = min(free, min(x[cell] for cell in part) - leftmost)
        if free > 0:
            board.move(part, -free)


def _parts(board: _Board) -> list[set[str]]:
    parts: list[set[str]] = []
    left = dict.fromkeys(cell for row in board.rows for cell in row)
    while left:
        cell = next(iter(left))
        part, waiting = {cell}, [cell]
        while waiting:
            for line in board.at.get(waiting.pop(), ()):
                for other in (line.one, line.other):
                    if other not in part:
                        part.add(other)
                        waiting.append(other)
        parts.append(part)
        for found in part:
            left.pop(found, None)
    return parts


def _board(
    rows: Sequence[Sequence[str]], channels: Sequence[Channel], items: Mapping[str, Item], x: dict[str, float]
) -> _Board:
    lines = []
    for channel in channels:
        for pairs, upper, lower in (
            (channel.across, False, True),
            (channel.above, False, False),
            (channel.below, True, True),
        ):
            for one, other, weight in pairs:
                if one.cell != other.cell:
                    shift = offset(one, items, upper=upper) - offset(other, items, upper=lower)
                    lines.append(_Line(one.cell, other.cell, shift, weight))
    return _Board(rows, items, x, lines)
