"""The scene as upright boxes: what stands, and what the things consist of."""

import math

import numpy as np
from numpy.typing import NDArray

from winnow_operators.sim.render.raycast import Floats, Solids
from winnow_operators.sim.scene.bodies import ALBEDO, Body
from winnow_operators.sim.scene.things import ThingState
from winnow_operators.sim.tick import Tick
from winnow_schemas.simulation.airside import STRUCTURES, Structure

NEAR_M = 110.0
"""Nothing farther than the longest LiDAR range matters."""
COARSE_FROM_M = 60.0
"""From here on an aircraft's small parts are left out: they are narrower than two azimuth steps."""
COARSE_PARTS = 6
KEEP = 512
"""Boxes of things remembered; most things stand still."""


class SolidScene:
    """Builds the boxes of a tick; remembers those of what has not moved."""

    def __init__(self) -> None:
        self._known: dict[ThingState, NDArray[np.float32]] = {}
        self._built = _structures(STRUCTURES)

    def at(self, tick: Tick) -> Solids:
        """The boxes around the vehicle."""
        ego = tick.motion.pose
        rows = [self._built]
        if tick.unmapped:
            rows.append(_structures(tick.unmapped))
        for state in tick.things:
            away = math.hypot(state.x - ego.x, state.y - ego.y)
            if away - state.body.length_m < NEAR_M:
                boxes = self._boxes(state)
                rows.append(boxes[:COARSE_PARTS] if away > COARSE_FROM_M else boxes)
        table = np.concatenate(rows)
        half_diagonal = np.hypot(table[:, 3], table[:, 4])
        near = np.hypot(table[:, 0] - ego.x, table[:, 1] - ego.y) - half_diagonal < NEAR_M
        return solids(table[near])

    def _boxes(self, state: ThingState) -> NDArray[np.float32]:
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= KEEP:
                self._known.clear()
            known = self._known[state] = body_boxes(state.body, state.x, state.y, state.yaw)
        return known


def body_boxes(body: Body, x: float, y: float, yaw: float) -> NDArray[np.float32]:
    """The parts in the map frame; columns x, y, yaw, half length, half width, bottom, top, albedo."""
    cosine, sine = math.cos(yaw), math.sin(yaw)
    rows = [
        (
            x + part.x * cosine - part.y * sine,
            y + part.x * sine + part.y * cosine,
            yaw,
            part.length / 2,
            part.width / 2,
            part.bottom,
            part.top,
            ALBEDO[part.surface],
        )
        for part in body.parts
    ]
    return np.array(rows, np.float32)


def _structures(structures: tuple[Structure, ...]) -> NDArray[np.float32]:
    rows = [
        (each.x, each.y, 0.0, each.length / 2, each.width / 2, each.bottom, each.top, each.albedo)
        for each in structures
    ]
    return np.array(rows, np.float32)


def solids(table: NDArray[np.float32]) -> Solids:
    """Columns as separate contiguous arrays."""
    columns: list[Floats] = [np.ascontiguousarray(column) for column in table.T]
    return Solids(*columns)
