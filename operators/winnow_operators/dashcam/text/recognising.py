"""What stands in a line: a recogniser's answer reduced to the characters that plates have.

The recogniser (connectionist temporal classification, Graves et al. 2006) gives per time step a probability
for each of thousands of characters. Here lower case counts as upper case and full-width forms as plain
ones; separators and what no plate has count apart. Each character keeps its whole distribution: voting
needs what else it might have been.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from winnow_operators.dashcam.text.finding import Floats

PLAIN: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领警学港澳"
"""First (and, for the last six, also last) characters of plates of the People's Republic of China (GA 36-2018)."""
ALPHABET: Final = PLAIN + PROVINCES
SEPARATOR: Final = len(ALPHABET)
"""Space, dot, hyphen, colon: stand between a plate's groups."""
FOREIGN: Final = SEPARATOR + 1
"""Anything else: other scripts, punctuation that no plate has."""
BLANK: Final = FOREIGN + 1
CLASSES: Final = BLANK + 1

_SEPARATORS = frozenset(" .-·•:\u2013\u2014_'\"|,;°*~`^")
_ACCENTS = str.maketrans({"Ø": "O", "Đ": "D", "Ł": "L"})


def class_of(character: str) -> int:
    """The class of one of the recogniser's characters."""
    if character in _SEPARATORS or character.isspace():
        return SEPARATOR
    place = ALPHABET.find(character)
    if place >= 0:
        return place
    plain = unicodedata.normalize("NFKD", character).upper().translate(_ACCENTS)
    place = PLAIN.find(plain[:1]) if plain else -1
    return (
        place
        if place >= 0 and len(plain.rstrip("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327")) == 1
        else FOREIGN
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A line as it was read."""

    text: str
    """Characters of :data:`ALPHABET` only."""
    probabilities: Floats
    """Shape ``(len(text), len(ALPHABET))``: what each character is, as far as the recogniser tells."""
    groups: tuple[int, ...]
    """Places in ``text`` before which a separator stood."""
    foreign: int
    """How many characters no plate has."""
    centres: tuple[float, ...]
    """Where each character stands along the line, 0 to 1."""

    @property
    def confidence(self) -> float:
        """Mean probability of the characters; 0 for an empty text."""
        if not self.text:
            return 0.0
        return float(
            np.mean([row[ALPHABET.index(c)] for row, c in zip(self.probabilities, self.text, strict=True)])
        )


class Alphabet:
    """The recogniser's characters folded into the classes above."""

    def __init__(self, characters: Sequence[str]) -> None:
        """``characters`` in the order of the network's outputs, without the blank, which comes first."""
        classes = np.array([BLANK, *(class_of(character) for character in characters)])
        self._order = np.argsort(classes, kind="stable")
        ordered = classes[self._order]
        self._present, self._starts = np.unique(ordered, return_index=True)
        self.size = len(classes)

    def folded(self, probabilities: Floats) -> Floats:
        """Sum network outputs, shape ``(steps, characters)``, to shape ``(steps, CLASSES)``."""
        sums = np.zeros((len(probabilities), CLASSES), np.float32)
        sums[:, self._present] = np.add.reduceat(probabilities[:, self._order], self._starts, axis=1)
        return sums

    def read(self, probabilities: Floats, part: float = 1.0) -> Reading:
        """Read one line; ``part`` of the input's width held the line, the rest was padding."""
        steps = self.folded(probabilities)
        best = steps.argmax(axis=1)
        width = max(1.0, len(best) * part)
        text, rows, groups, centres = "", [], [], []
        foreign = 0
        for start, end in _runs(best):
            klass = int(best[start])
            if klass == SEPARATOR and text:
                groups.append(len(text))
            if klass == FOREIGN:
                foreign += 1
            if klass < SEPARATOR:
                text += ALPHABET[klass]
                peak = start + int(steps[start:end, klass].argmax())
                rows.append(_without_blank(steps[peak]))
                centres.append(min(1.0, (start + end) / 2 / width))
        matrix = np.array(rows, np.float32).reshape(len(rows), len(ALPHABET))
        kept = tuple(sorted({place for place in groups if place < len(text)}))
        return Reading(text, matrix, kept, foreign, tuple(centres))


def _without_blank(step: Floats) -> Floats:
    return step[: len(ALPHABET)]


def _runs(best: np.ndarray) -> list[tuple[int, int]]:
    """Runs of equal classes, blanks left out, as half-open ranges."""
    edges = np.flatnonzero(np.diff(best)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(best)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if best[start] != BLANK]
