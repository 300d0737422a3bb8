"""How much a line of text looks like a plate.

The weights are those of a log-odds sum: each says by how much one observation changes the odds. They were
set by what the observation means (a telephone number is all digits) and tried on generated scenes with
shop signs, badges, telephone numbers and time stamps; `tests/operators/dashcam` keeps those scenes.
"""

import math
import re
from typing import NamedTuple

import numpy as np

from winnow_operators.dashcam.plates.formats import FLOOR, Formats, Judged
from winnow_operators.dashcam.text.finding import TextLine
from winnow_operators.dashcam.text.recognising import Reading

LENGTHS = range(4, 11)
"""Characters of a plate; outside of it the odds fall."""
PITCH = (0.28, 1.25)
"""Width of a character and its gap over the line's height: 0.3 (seven on a narrow plate) to 1.2 (wide gaps)."""
LEAST_HEIGHT_PX = 7.0
"""Below, readings were noise: 24 px crops are 67 % right, and a line's box is a third higher than its letters."""
_STAMP = re.compile(r"(19|20)[0-9]{2}(0[1-9]|1[0-2])([0-3]?[0-9]?)([0-9]{4,6})?$")
_DAY = re.compile(r"(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])(19|20)[0-9]{2}([0-9]{4,6})?$")
_WORD = re.compile(r"(?=[A-Z]{0,4}[AEIOU])[A-Z]{5}")
_TIME = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]$")


class Weights(NamedTuple):
    """Changes of the log odds."""

    base: float = 1.7
    per_format: float = 0.55
    """Per nat by which the formats expect the text more than chance."""
    letters_only: float = -3.5
    digits_only: float = -2.0
    stamp: float = -6.0
    word: float = -1.5
    """Five letters in a row with a vowel among them: a word or part of one; plates have few of those."""
    length: float = -2.0
    """Per character outside of :data:`LENGTHS`."""
    foreign: float = -0.8
    pitch: float = -6.0
    """Per unit of relative pitch outside of :data:`PITCH`."""
    doubt: float = 6.0
    """Times the mean logarithm of the characters' probabilities, which is negative."""
    small: float = -0.5
    """Per pixel of height that is missing."""
    left_out: float = -0.5
    """Per character left out at the left."""


WEIGHTS = Weights()


class Looks(NamedTuple):
    """A line judged as a plate."""

    log_odds: float
    judged: Judged

    @property
    def confidence(self) -> float:
        """Probability that this is a plate and says so."""
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, self.log_odds))))


def looks_of(line: TextLine, reading: Reading, formats: Formats, weights: Weights = WEIGHTS) -> Looks | None:
    """Judge a line; None when there is nothing to judge."""
    if not reading.text or line.height_px < 1:
        return None
    judged = formats.judge(reading.probabilities)
    odds = weights.base + _of_text(judged.text, reading.text, formats, weights)
    odds += weights.doubt * float(np.log(np.maximum(reading.probabilities.max(axis=1), FLOOR)).mean())
    odds += weights.foreign * reading.foreign + weights.left_out * judged.start
    pitch = line.width_px / line.height_px / (len(reading.text) + reading.foreign)
    odds += weights.pitch * max(0.0, PITCH[0] - pitch, pitch - PITCH[1])
    odds += weights.small * max(0.0, LEAST_HEIGHT_PX - line.height_px)
    return Looks(odds, judged)


def _of_text(text: str, as_read: str, formats: Formats, weights: Weights) -> float:
    odds = weights.length * max(0, LENGTHS.start - len(text), len(text) - LENGTHS.stop + 1)
    if as_read.isdecimal():
        # What a format makes of digits (`2O14`) does not make a date a plate.
        odds += weights.digits_only
        if _STAMP.match(as_read) or _DAY.match(as_read) or _TIME.match(as_read):
            odds += weights.stamp
    elif not any(character.isdecimal() for character in as_read):
        odds += weights.letters_only
    elif _WORD.search(as_read):
        odds += weights.word
    return odds + weights.per_format * formats.expects(text)
