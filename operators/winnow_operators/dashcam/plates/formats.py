"""What a reading says once the formats have had their word.

A text is judged as a sender and a channel would: how probable is it that a plate says this (its format's
weight, shared evenly among the texts of the format), times how probable is this reading of that plate (the
recogniser's distribution per character, smoothed by the characters that look alike). A text of no known
format may be a plate as well, only less probably.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from winnow_operators.dashcam.plates.patterns import Template, log_size, templates_of
from winnow_operators.dashcam.text.finding import Floats
from winnow_operators.dashcam.text.recognising import ALPHABET, PLAIN
from winnow_schemas.library.plate_formats import PlateFormat, PlateFormats

UNKNOWN_SHARE = 0.05
"""How much of all plates is of no listed format: personal, diplomatic, old, elsewhere."""
FLOOR = 1e-4
"""Probability of a character that the recogniser rules out: it is wrong that often with full confidence."""
DROP_LOG = -3.5
"""Logarithm of how often a reading begins with what is none of the plate's (a coat of arms, a seal, a bolt, the
letters of a band): in 3 of 100, an estimate; a mark may then be read as any character."""


class Judged(NamedTuple):
    """What a reading most probably says."""

    text: str
    country: str
    """Empty when no known format fits."""
    format: str
    log_joint: float
    """Natural logarithm of the probability that a plate says this and is read like that."""
    log_reading: float
    """The reading's part of it."""
    start: int
    """How many characters of the reading were left out at the left."""


class _Entry(NamedTuple):
    template: Template
    allowed: Floats
    """Shape ``(places, len(ALPHABET))``: 1 where a character may stand."""
    log_prior: float
    """Of each text of the template."""
    of: PlateFormat


class Formats:
    """All formats that are looked for."""

    def __init__(self, data: PlateFormats, countries: Sequence[str] = ()) -> None:
        """``countries``: ISO codes of those to expect; empty = all."""
        chosen = [each for each in data.formats if not countries or each.country in countries]
        total = sum(each.weight for each in chosen) or 1.0
        self._entries: dict[int, list[_Entry]] = {}
        self._bands: dict[str, set[str]] = {}
        for each in chosen:
            templates = templates_of(each.pattern)
            share = math.log((1 - UNKNOWN_SHARE) * each.weight / total)
            # Even among lengths and orders, then even within: `A1` is not rarer than `AAA9999` for being few.
            for template in templates:
                prior = share - math.log(len(templates)) - log_size(template)
                entry = _Entry(template, _allowed(template), prior, each)
                self._entries.setdefault(len(template), []).append(entry)
            if each.band:
                self._bands.setdefault(each.band, set()).add(each.country)
        self._confusion = _confusion(data.confusables)

    def judge(self, probabilities: Floats) -> Judged:
        """What a reading says, from the distribution of each character, shape ``(n, len(ALPHABET))``."""
        smoothed = self._smoothed(probabilities)
        found = [self._unknown(smoothed)]
        found += self._fitting(smoothed, 0)
        most = min(3, len(smoothed) - 4)
        found += [each for start in range(1, most + 1) for each in self._after(smoothed, start)]
        return max(found, key=lambda judged: (judged.log_joint, judged.text))

    def expects(self, text: str) -> float:
        """Logarithm of how much likelier a plate says this text than chance among plain characters."""
        priors = [
            entry.log_prior
            for entry in self._entries.get(len(text), [])
            if all(character in each for character, each in zip(text, entry.template, strict=True))
        ]
        best = max(priors, default=-math.inf)
        chance = len(text) * math.log(len(PLAIN))
        return float(np.logaddexp(best + chance, math.log(UNKNOWN_SHARE)))

    def look_alike(self, row: Floats, character: str) -> float:
        """How much of one character's distribution lies on those that look like the given one."""
        column = self._confusion[:, ALPHABET.index(character)] > 0
        column[ALPHABET.index(character)] = False
        return float(np.asarray(row)[column].sum())

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """Characters of the shortest and of the longest plate that is known."""
        return (min(self._entries, default=2), max(self._entries, default=8))

    def _smoothed(self, probabilities: Floats) -> Floats:
        mixed = np.maximum(probabilities, 0) @ self._confusion
        total = mixed.sum(axis=1, keepdims=True)
        return np.asarray(np.log(np.maximum(mixed / np.maximum(total, FLOOR), FLOOR)), np.float32)

    def _unknown(self, smoothed: Floats) -> Judged:
        best = smoothed.argmax(axis=1)
        reading = float(smoothed.max(axis=1).sum())
        prior = math.log(UNKNOWN_SHARE) - len(smoothed) * math.log(len(PLAIN))
        return Judged("".join(ALPHABET[place] for place in best), "", "", reading + prior, reading, 0)

    def _fitting(self, smoothed: Floats, start: int) -> list[Judged]:
        rest = smoothed[start:]
        found = []
        for entry in self._entries.get(len(rest), []):
            masked = rest + entry.allowed
            best = masked.argmax(axis=1)
            reading = float(masked.max(axis=1).sum())
            text = "".join(ALPHABET[place] for place in best)
            joint = reading + entry.log_prior
            found.append(Judged(text, entry.of.country, entry.of.name, joint, reading, start))
        return found

    def _after(self, smoothed: Floats, start: int) -> list[Judged]:
        """What the rest says when the first characters are not the plate's: a band's letters, or one mark."""
        head = "".join(ALPHABET[place] for place in smoothed[:start].argmax(axis=1))
        countries = self._bands.get(head, set())
        found = []
        for judged in self._fitting(smoothed, start):
            if start == 1 or judged.country in countries:
                # What was left out must be paid for, or short formats would win by reading less.
                price = DROP_LOG - math.log(len(PLAIN)) * (judged.country not in countries)
                found.append(judged._replace(log_joint=judged.log_joint + price))
        return found


def _allowed(template: Template) -> Floats:
    rows = [[0.0 if character in each else -np.inf for character in ALPHABET] for each in template]
    return np.array(rows, np.float32)


def _confusion(pairs: dict[str, float]) -> Floats:
    """Shape ``(read, meant)``, rows sum to 1."""
    matrix = np.eye(len(ALPHABET), dtype=np.float32)
    for pair, part in pairs.items():
        first, second = ALPHABET.find(pair[0]), ALPHABET.find(pair[1])
        if first >= 0 and second >= 0:
            matrix[first, second] = matrix[second, first] = part
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), np.float32)
