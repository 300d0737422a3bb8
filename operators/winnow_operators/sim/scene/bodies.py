"""Kinds of objects on an apron: size, shape, and how sensors see them.

Sizes are those of the manufacturers' ground-handling manuals, rounded. A body is made of upright boxes, in
its own frame (x forward, y left, z up, origin on the ground under the centre of its box).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Surface(StrEnum):
    """What a part is made of: its colour, its temperature and its reflectivity."""

    PAINT_WHITE = "paint_white"
    PAINT_YELLOW = "paint_yellow"
    PAINT_BLUE = "paint_blue"
    PAINT_RED = "paint_red"
    METAL = "metal"
    RUBBER = "rubber"
    GLASS = "glass"
    ENGINE = "engine"
    SKIN = "skin"
    VEST = "vest"
    TROUSERS = "trousers"
    FUR = "fur"
    PLASTIC = "plastic"
    LIVERY = "livery"
    CONCRETE = "concrete"
    STEEL_WALL = "steel_wall"


ALBEDO: dict[Surface, float] = {
    # Shares of 905 nm light that come back, from LiDAR calibration-target practice: 10 % dark, 80 % white.
    Surface.PAINT_WHITE: 0.8,
    Surface.PAINT_YELLOW: 0.7,
    Surface.PAINT_BLUE: 0.4,
    Surface.PAINT_RED: 0.5,
    Surface.METAL: 0.6,
    Surface.RUBBER: 0.08,
    Surface.GLASS: 0.15,
    Surface.ENGINE: 0.45,
    Surface.SKIN: 0.5,
    Surface.VEST: 0.95,
    Surface.TROUSERS: 0.25,
    Surface.FUR: 0.35,
    Surface.PLASTIC: 0.55,
    Surface.LIVERY: 0.5,
    Surface.CONCRETE: 0.4,
    Surface.STEEL_WALL: 0.55,
}


class Part(NamedTuple):
    """One box of a body; centre ``x``, ``y``, full ``length`` and ``width``, from ``bottom`` to ``top``."""

    x: float
    y: float
    length: float
    width: float
    bottom: float
    top: float
    surface: Surface
    warm: bool = False
    """Whether thermal cameras see it clearly warmer than the ground."""


@dataclass(frozen=True, slots=True)
class Body:
    """One kind of object."""

    kind: str
    length_m: float
    width_m: float
    height_m: float
    parts: tuple[Part, ...]
    label: str = ""
    """The detector's class for it; empty = it was not trained on it."""
    detect_range_m: float = 70.0
    """How far the detector finds it in clear weather; 0 = too small or too low to be found."""
    rcs_dbsm: float = 10.0
    """Radar cross section."""
    novelty: float = 0.0
    """How far it is from the training data, 0-1."""

    @property
    def hides(self) -> bool:
        """Whether one cannot see a person behind it."""
        return 2.0 <= self.height_m < 8.0


def _aircraft(kind: str, length: float, span: float, height: float, radius: float) -> Body:
    belly = 0.17 * height
    tail_x = -0.5 * length
    parts = (
        Part(0.02 * length, 0, 0.80 * length, 2 * radius, belly, belly + 2 * radius, Surface.PAINT_WHITE),
        Part(0.46 * length, 0, 0.08 * length, 1.2 * radius, belly + 0.3, belly + 1.4 * radius, Surface.GLASS),
        Part(
            tail_x + 0.06 * length,
            0,
            0.12 * length,
            0.9 * radius,
            belly + 0.8 * radius,
            belly + 2 * radius,
            Surface.PAINT_WHITE,
        ),
        Part(-0.02 * length, 0, 0.13 * length, span, belly + 0.4, belly + 1.1, Surface.METAL),
        Part(
            tail_x + 0.05 * length,
            0,
            0.08 * length,
            0.35 * span,
            belly + 1.5 * radius,
            belly + 1.8 * radius,
            Surface.METAL,
        ),
        Part(tail_x + 0.06 * length, 0, 0.11 * length, 0.5, belly + 2 * radius, height, Surface.LIVERY),
        *(
            Part(
                0.08 * length,
                side * 0.17 * span,
                0.11 * length,
                1.1 * radius,
                belly - 1.3,
                belly + 0.5,
                Surface.ENGINE,
                warm=True,
            )
            for side in (-1, 1)
        ),
        Part(0.38 * length, 0, 0.9, 0.6, 0, belly, Surface.RUBBER),
        *(Part(-0.05 * length, side * 0.1 * span, 2.4, 1.0, 0, belly, Surface.RUBBER) for side in (-1, 1)),
    )
    return Body(kind, length, span, height, parts, label=kind, detect_range_m=110.0, rcs_dbsm=30.0)


def _truck(kind: str, length: float, width: float, height: float, load: Surface, label: str) -> Body:
    cab = 0.22 * length
    parts = (
        Part(length / 2 - cab / 2, 0, cab, width, 0.5, min(height, 2.6), Surface.PAINT_WHITE, warm=True),
        Part(length / 2 - 0.3, 0, 0.6, 0.92 * width, 1.4, min(height, 2.4), Surface.GLASS),
        Part(-cab / 2, 0, length - cab, width, 0.7, height, load),
        *(
            Part(x * length, side * (width / 2 - 0.15), 0.95, 0.3, 0, 0.95, Surface.RUBBER)
            for x in (-0.3, 0.33)
            for side in (-1, 1)
        ),
    )
    return Body(kind, length, width, height, parts, label=label, detect_range_m=85.0, rcs_dbsm=20.0)


_PERSON_PARTS = (
    Part(0, 0.11, 0.2, 0.17, 0, 0.85, Surface.TROUSERS, warm=True),
    Part(0, -0.11, 0.2, 0.17, 0, 0.85, Surface.TROUSERS, warm=True),
    Part(0, 0, 0.26, 0.4, 0.85, 1.46, Surface.VEST, warm=True),
    *(Part(0.02, side * 0.26, 0.14, 0.11, 0.82, 1.42, Surface.PAINT_BLUE, warm=True) for side in (-1, 1)),
    Part(0, 0, 0.21, 0.17, 1.5, 1.72, Surface.SKIN, warm=True),
    Part(0, 0, 0.25, 0.2, 1.67, 1.76, Surface.PAINT_WHITE),
)

BODIES: dict[str, Body] = {
    body.kind: body
    for body in (
        _aircraft("aircraft_narrowbody", 37.6, 35.8, 11.8, 2.0),
        _aircraft("aircraft_widebody", 63.7, 60.3, 16.8, 2.9),
        Body(
            "person",
            0.5,
            0.6,
            1.76,
            _PERSON_PARTS,
            label="person",
            detect_range_m=48.0,
            rcs_dbsm=-5.0,
        ),
        Body(
            "baggage_tractor",
            3.2,
            1.6,
            1.9,
            (
                Part(0.7, 0, 1.8, 1.6, 0.3, 1.1, Surface.PAINT_YELLOW, warm=True),
                Part(-0.8, 0, 1.5, 1.5, 0.3, 1.9, Surface.PAINT_YELLOW),
                Part(-0.1, 0, 0.15, 1.4, 1.1, 1.8, Surface.GLASS),
            ),
            label="baggage_tractor",
        ),
        Body(
            "dolly",
            3.4,
            1.7,
            2.3,
            (
                Part(0, 0, 3.4, 1.7, 0.3, 0.55, Surface.METAL),
                Part(0, 0, 3.2, 1.6, 0.55, 2.3, Surface.PLASTIC),
            ),
            label="dolly",
        ),
        Body(
            "belt_loader",
            8.2,
            2.2,
            2.6,
            (
                Part(0, 0, 5.0, 2.2, 0.3, 1.2, Surface.PAINT_BLUE, warm=True),
                Part(0.8, 0, 7.6, 0.9, 1.2, 2.6, Surface.RUBBER),
            ),
            label="belt_loader",
            detect_range_m=85.0,
            rcs_dbsm=15.0,
        ),
        _truck("catering_truck", 9.0, 2.5, 3.9, Surface.PAINT_WHITE, "catering_truck"),
        _truck("fuel_truck", 10.5, 2.6, 3.3, Surface.METAL, "fuel_truck"),
        Body(
            "bus",
            13.2,
            3.0,
            3.1,
            (
                Part(0, 0, 13.2, 3.0, 0.35, 1.3, Surface.PAINT_RED, warm=True),
                Part(0, 0, 13.0, 2.96, 1.3, 2.5, Surface.GLASS),
                Part(0, 0, 13.2, 3.0, 2.5, 3.1, Surface.PAINT_WHITE),
            ),
            label="bus",
            detect_range_m=85.0,
            rcs_dbsm=22.0,
        ),
        Body(
            "container",
            3.2,
            1.6,
            1.65,
            (Part(0, 0, 3.2, 1.6, 0.1, 1.65, Surface.METAL),),
            label="container",
        ),
        Body(
            "tipped_container",
            2.8,
            3.4,
            1.6,
            (
                Part(-0.4, 0.3, 1.6, 2.6, 0, 1.6, Surface.METAL),
                Part(0.9, -0.6, 0.7, 1.1, 0, 0.5, Surface.PAINT_BLUE),
                Part(0.8, 0.6, 0.9, 0.6, 0, 0.4, Surface.PAINT_RED),
                Part(0.3, -1.4, 0.8, 0.6, 0, 0.35, Surface.FUR),
            ),
            label="container",
            rcs_dbsm=12.0,
            novelty=0.95,
        ),
        Body(
            "animal",
            1.3,
            0.45,
            1.0,
            (
                Part(0, 0, 0.9, 0.35, 0.5, 0.95, Surface.FUR, warm=True),
                Part(0.55, 0, 0.3, 0.2, 0.75, 1.0, Surface.FUR, warm=True),
                Part(0.3, 0, 0.12, 0.3, 0, 0.5, Surface.FUR, warm=True),
                Part(-0.3, 0, 0.12, 0.3, 0, 0.5, Surface.FUR, warm=True),
            ),
            detect_range_m=42.0,
            rcs_dbsm=-6.0,
            novelty=0.3,
        ),
        Body(
            "chock",
            0.55,
            0.3,
            0.2,
            (Part(0, 0, 0.55, 0.3, 0, 0.2, Surface.PAINT_YELLOW),),
            detect_range_m=0.0,
            rcs_dbsm=-30.0,
        ),
        Body(
            "cone",
            0.4,
            0.4,
            0.75,
            (
                Part(0, 0, 0.4, 0.4, 0, 0.06, Surface.RUBBER),
                Part(0, 0, 0.22, 0.22, 0.06, 0.75, Surface.PAINT_RED),
            ),
            label="cone",
            detect_range_m=35.0,
            rcs_dbsm=-12.0,
        ),
    )
}
"""Every kind by name."""

CLASS_NAMES: tuple[str, ...] = (
    "aircraft_narrowbody",
    "aircraft_widebody",
    "person",
    "baggage_tractor",
    "dolly",
    "belt_loader",
    "catering_truck",
    "fuel_truck",
    "bus",
    "container",
    "cone",
)
"""What the detector was trained on, in the order of its scores."""

LOOKALIKES: dict[str, tuple[str, ...]] = {
    "aircraft_narrowbody": ("aircraft_widebody",),
    "aircraft_widebody": ("aircraft_narrowbody",),
    "person": ("cone",),
    "baggage_tractor": ("dolly", "belt_loader"),
    "dolly": ("container", "baggage_tractor"),
    "belt_loader": ("baggage_tractor", "dolly"),
    "catering_truck": ("fuel_truck", "bus"),
    "fuel_truck": ("catering_truck", "bus"),
    "bus": ("fuel_truck", "catering_truck"),
    "container": ("dolly",),
    "cone": ("person",),
}
"""With what the detector confuses each class."""

EGO = BODIES["baggage_tractor"]
"""The vehicle itself: a baggage tractor."""
EGO_WHEELBASE_M = 1.8
EGO_MAX_SPEED_MPS = 7.0
"""Vehicle document 4.3: normalises speed by 7 m/s, about 25 km/h."""
