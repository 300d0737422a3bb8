"""Physical units: factors to SI, and dimensions, so that metres are never compared with seconds."""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from winnow_schemas.errors import BadInputError

_BASES = ("m", "kg", "s", "A", "K", "rad", "lx", "B", "px")
"""The base units conditions see. Angles, illuminance, bytes and pixels count as dimensions of their own."""

MAX_EXPONENT = 12
"""Of a base unit; a product that goes beyond it is no physical quantity."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Exponents of the base units."""

    exponents: tuple[int, ...] = (0,) * len(_BASES)

    def times(self, other: "Dimension", sign: int = 1) -> "Dimension":
        """Product (``sign`` 1) or quotient (-1)."""
        return Dimension(tuple(a + sign * b for a, b in zip(self.exponents, other.exponents, strict=True)))

    def power(self, exponent: int) -> "Dimension":
        return Dimension(tuple(a * exponent for a in self.exponents))

    def root(self) -> "Dimension | None":
        """Square root; None where it has no whole exponents."""
        if any(a % 2 for a in self.exponents):
            return None
        return Dimension(tuple(a // 2 for a in self.exponents))

    @property
    def is_sane(self) -> bool:
        return all(abs(a) <= MAX_EXPONENT for a in self.exponents)

    def __str__(self) -> str:
        """As a unit of the base units: ``m/s2``; ``1`` without dimension."""
        parts = [(name, power) for name, power in zip(_BASES, self.exponents, strict=True) if power]
        above = "*".join(name + (str(power) if power > 1 else "") for name, power in parts if power > 0)
        below = "/".join(name + (str(-power) if power < -1 else "") for name, power in parts if power < 0)
        return (above or "1") + (f"/{below}" if below else "")


class Unit(NamedTuple):
    """``si = value * factor + offset``."""

    name: str
    factor: float
    dimension: Dimension
    offset: float = 0.0


def _dimension(**exponents: int) -> Dimension:
    return Dimension(tuple(exponents.get(base, 0) for base in _BASES))


NONE = Dimension()
LENGTH = _dimension(m=1)
TIME = _dimension(s=1)
ANGLE = _dimension(rad=1)
SPEED = _dimension(m=1, s=-1)
FREQUENCY = _dimension(s=-1)
_FORCE = _dimension(kg=1, m=1, s=-2)
_POWER = _dimension(kg=1, m=2, s=-3)
_ENERGY = _dimension(kg=1, m=2, s=-2)
_VOLT = _dimension(kg=1, m=2, s=-3, A=-1)
_PRESSURE = _dimension(kg=1, m=-1, s=-2)
_MASS, _CURRENT, _TEMPERATURE = _dimension(kg=1), _dimension(A=1), _dimension(K=1)
_LIGHT, _DATA, _PIXEL = _dimension(lx=1), _dimension(B=1), _dimension(px=1)

# Exact factors by definition: SI brochure (9th edition), international foot, mile, nautical mile.
_TABLE: dict[Dimension, dict[str, float]] = {
    LENGTH: {"m": 1, "mm": 1e-3, "cm": 1e-2, "km": 1e3, "ft": 0.3048, "mi": 1609.344, "nmi": 1852},
    TIME: {"s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60, "h": 3600, "d": 86_400},
    ANGLE: {"rad": 1, "mrad": 1e-3, "deg": math.pi / 180, "°": math.pi / 180},
    SPEED: {"kmh": 1 / 3.6, "kph": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600},
    FREQUENCY: {"Hz": 1, "kHz": 1e3, "MHz": 1e6},
    _dimension(rad=1, s=-1): {"rpm": 2 * math.pi / 60},
    _MASS: {"kg": 1, "t": 1e3},  # no "g": 0.3 g of an acceleration would silently be 0.3 gram
    _FORCE: {"N": 1, "kN": 1e3},
    _POWER: {"W": 1, "mW": 1e-3, "kW": 1e3},
    _ENERGY: {"J": 1, "kJ": 1e3, "Wh": 3600, "kWh": 3.6e6, "Nm": 1},
    _VOLT: {"V": 1, "mV": 1e-3},
    _CURRENT: {"A": 1, "mA": 1e-3},
    _PRESSURE: {"Pa": 1, "hPa": 100, "kPa": 1e3, "mbar": 100, "bar": 1e5},
    _TEMPERATURE: {"K": 1},
    _LIGHT: {"lx": 1, "lux": 1},
    _DATA: {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3},
    _PIXEL: {"px": 1},
}
ATOMS: dict[str, Unit] = {
    name: Unit(name, float(factor), dimension)
    for dimension, names in _TABLE.items()
    for name, factor in names.items()
} | {
    "degC": Unit("degC", 1.0, _TEMPERATURE, 273.15),
    "°C": Unit("°C", 1.0, _TEMPERATURE, 273.15),
}
"""Every single unit; compound ones (`m/s2`, `rad/s`, `mm/h`) are quotients and powers of these."""

ATOM_PATTERN = r"[A-Za-zµ°]+"
UNIT_PATTERN = rf"{ATOM_PATTERN}(?:\^?[2-9]|[²³])?(?:/{ATOM_PATTERN}(?:\^?[2-9]|[²³])?)*"
_ATOM = re.compile(rf"({ATOM_PATTERN})\^?([2-9²³])?")
_POWERS = {"²": 2, "³": 3}
_MAX_UNIT_CHARS = 32


def parse_unit(text: str) -> Unit:
    """Read a unit as in settings: ``m/s2``, ``deg``, ``km/h``; ``1`` has no dimension.

    Raises:
        BadInputError: it is not one of the known units or a quotient of them.

    """
    if text == "1":
        return Unit("1", 1.0, NONE)
    if len(text) > _MAX_UNIT_CHARS or not re.fullmatch(UNIT_PATTERN, text):
        raise BadInputError(f"{text[:40]!r} is not a unit; write it like m, m/s2, deg/s, km/h or degC.")
    factor, dimension = 1.0, NONE
    atoms = text.split("/")
    for index, part in enumerate(atoms):
        name, power_text = _ATOM.fullmatch(part).groups()  # type: ignore[union-attr]  # UNIT_PATTERN matched
        atom = ATOMS.get(name)
        if atom is None:
            raise BadInputError(f"{name!r} is not a unit that is known here; known: {', '.join(ATOMS)}.")
        if atom.offset and (len(atoms) > 1 or power_text):
            raise BadInputError(f"{name!r} has an offset and cannot be part of {text!r}; use K instead.")
        power = _POWERS.get(power_text, 0) or int(power_text or 1)
        power = -power if index else power
        factor *= atom.factor**power
        dimension = dimension.times(atom.dimension.power(power))
        if atom.offset:
            return Unit(text, atom.factor, atom.dimension, atom.offset)
    return Unit(text, factor, dimension)
