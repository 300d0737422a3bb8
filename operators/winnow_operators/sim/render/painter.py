"""Paints what a camera sees: ground, markings, and the faces of all boxes from far to near."""

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.geometry import Array
from winnow_operators.sim.render.markings import Ink, markings
from winnow_operators.sim.render.projection import (
    NEAR_M,
    SUBPIXEL_BITS,
    View,
    faces,
)
from winnow_operators.sim.scene.bodies import Surface
from winnow_operators.sim.scene.things import ThingState
from winnow_operators.sim.tick import Tick
from winnow_schemas.simulation.airside import STRUCTURES, Structure

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""

REACH_M = 160.0
"""Farther things are a few pixels high and are left out; what is built is painted at any distance."""
PIECE_M = 8.0
BUILDING_M = 60.0
MARKINGS_REACH_M = 60.0
MARKINGS = markings()
_MARKING_CENTRES: Array = MARKINGS.outlines.mean(axis=1)
_GLASS_FRONT = Structure("terminal_glass", 0.0, 164.8, 630.0, 0.4, 4.0, 9.0, 0.2)


class Boxes(NamedTuple):
    """Boxes to paint: columns x, y, yaw, half length, half width, bottom, top; and what they are made of."""

    table: Array
    surfaces: list[Surface]
    warm: list[bool]


def _structure_boxes(structures: tuple[Structure, ...], surface: Surface) -> Boxes:
    rows = [
        (each.x, each.y, 0.0, each.length / 2, each.width / 2, each.bottom, each.top) for each in structures
    ]
    return Boxes(np.array(rows, float).reshape(-1, 7), [surface] * len(rows), [False] * len(rows))


def _pieces(structure: Structure) -> list[Structure]:
    """A long fence in short pieces: painting far boxes first goes wrong with boxes that are near and far at once."""
    count = math.ceil(structure.length / PIECE_M) if structure.length < BUILDING_M else 1
    step = structure.length / count
    first = structure.x - structure.length / 2 + step / 2
    return [structure._replace(x=first + step * number, length=step) for number in range(count)]


class Stage:
    """The boxes of a tick; remembers those of what has not moved."""

    KEEP = 512

    def __init__(self) -> None:
        pieces = tuple(piece for each in STRUCTURES for piece in _pieces(each))
        built = _structure_boxes(pieces, Surface.CONCRETE)
        metal = ("mast", "fence", "bridge", "pen")
        surfaces = [Surface.METAL if each.name.startswith(metal) else Surface.CONCRETE for each in pieces]
        glass = _structure_boxes((_GLASS_FRONT,), Surface.GLASS)
        self._built = Boxes(
            np.concatenate([built.table, glass.table]), [*surfaces, Surface.GLASS], [*built.warm, False]
        )
        self._known: dict[ThingState, Array] = {}

    def at(self, tick: Tick) -> Boxes:
        """Everything that may be seen from the vehicle."""
        ego = tick.motion.pose
        extra = _structure_boxes(tick.unmapped, Surface.STEEL_WALL)
        tables = [self._built.table, extra.table]
        surfaces = [*self._built.surfaces, *extra.surfaces]
        warm = [*self._built.warm, *extra.warm]
        for state in tick.things:
            if math.hypot(state.x - ego.x, state.y - ego.y) < REACH_M:
                tables.append(self._table(state))
                surfaces += [part.surface for part in state.body.parts]
                warm += [part.warm for part in state.body.parts]
        return Boxes(np.concatenate(tables), surfaces, warm)

    def _table(self, state: ThingState) -> Array:
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= self.KEEP:
                self._known.clear()
            cosine, sine = math.cos(state.yaw), math.sin(state.yaw)
            rows = [
                (
                    state.x + part.x * cosine - part.y * sine,
                    state.y + part.x * sine + part.y * cosine,
                    state.yaw,
                    part.length / 2,
                    part.width / 2,
                    part.bottom,
                    part.top,
                )
                for part in state.body.parts
            ]
            known = self._known[state] = np.array(rows, float)
        return known


Tint = Callable[[int, float, float], Colour]
"""Colour of a box's face from its number, its shade and its distance in m."""


def paint_markings(image: Image, camera: View, ink: Callable[[Ink, float], Colour]) -> None:
    """Paint the ground markings that are near enough to be seen."""
    away = np.hypot(_MARKING_CENTRES[:, 0] - camera.position[0], _MARKING_CENTRES[:, 1] - camera.position[1])
    near = np.flatnonzero(away < MARKINGS_REACH_M)
    flat = MARKINGS.outlines[near]
    points = np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=2)
    in_camera = camera.to_camera(points)
    depth = in_camera[..., 2]
    aside = np.abs(in_camera[..., 0]) > camera.width / 2 / camera.focal_px * np.maximum(depth, 0.0) + 0.5
    visible = (depth.max(axis=1) > NEAR_M) & ~aside.all(axis=1)
    simple, outlines = camera.simple_outlines(in_camera)
    for place in np.flatnonzero(visible).tolist():
        outline = outlines[place] if simple[place] else camera.outline(in_camera[place])
        if outline is not None:
            index = int(near[place])
            colour = ink(MARKINGS.inks[index], float(away[index]))
            cv2.fillConvexPoly(image, outline, colour, cv2.LINE_8, SUBPIXEL_BITS)


def paint_boxes(image: Image, camera: View, boxes: Boxes, tint: Tint) -> None:
    """Paint all boxes, far ones first."""
    for face in faces(camera, boxes.table):
        colour = tint(face.box, face.shade, face.distance_m)
        cv2.fillConvexPoly(image, face.outline, colour, cv2.LINE_8, SUBPIXEL_BITS)
