"""Noise that is a pure function of seed, purpose and index.

Each purpose has a generator of its own, so that a new sensor does not change what the others say, and
tables are read at an index, so that a skipped message costs nothing and changes nothing.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
"""Fractional part of the golden ratio: its multiples spread most evenly over the unit interval."""
TABLE_SIZE = 1 << 16
"""Entries of a noise table; a 32-beam sweep reads 38,400 of them."""
_STRIDE = 40_503
"""Odd, so that consecutive indices visit every start of the table before one comes again."""


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for a purpose."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


class Normal:
    """A table of normal noise, cut at three sigma: sensors have no unbounded errors."""

    def __init__(self, seed: int, purpose: str) -> None:
        values = generator(seed, purpose).standard_normal(TABLE_SIZE)
        self._table: NDArray[np.float32] = np.tile(np.clip(values, -3.0, 3.0).astype(np.float32), 2)

    def block(self, index: int, count: int) -> NDArray[np.float32]:
        """``count`` values for the ``index``-th use, shape ``(count,)``; ``count`` <= 65,536. A view: do not write."""
        start = (index * _STRIDE) % TABLE_SIZE
        return self._table[start : start + count]

    def at(self, index: int) -> float:
        """One value."""
        return float(self._table[(index * _STRIDE) % TABLE_SIZE])


class Even:
    """Noise in [-1, 1) whose neighbours are spread evenly (additive recurrence with the golden ratio).

    A monitored statistic such as an innovation norm needs it: among a handful of consecutive values there
    is always spread, so no value stands three standard deviations out by chance, and ground truth stays true.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._offset = float(generator(seed, purpose).random())

    def at(self, index: int) -> float:
        """The value at an index."""
        return 2.0 * math.modf(self._offset + index * GOLDEN)[0] - 1.0


class Drift:
    """Slow noise of amplitude 1: a sum of three sines with periods of 11 to 47 s and random phases.

    A smoothed estimate errs like this: far from white, so that its differences stay small.
    """

    _PERIODS_S = (11.0, 23.0, 47.0)

    def __init__(self, seed: int, purpose: str) -> None:
        self._phases = tuple(generator(seed, purpose).random(3) * 2 * math.pi)

    def at(self, t_s: float) -> float:
        """The value at a time."""
        waves = zip(self._PERIODS_S, self._phases, strict=True)
        return sum(math.sin(2 * math.pi * t_s / period + phase) for period, phase in waves) / 3.0
