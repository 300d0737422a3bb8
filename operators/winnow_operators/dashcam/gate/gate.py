"""The gate for a camera that moves: keeps frames that show something new, well, and says why not otherwise.

While driving every pixel changes, so a plain difference keeps everything. A new frame is compared with the
frame that was kept last, after undoing the camera's own motion; it is worth keeping once the view has
grown, shifted or changed enough. A plate is legible for longer than the shortest interval, so a higher rate
adds frames and no plates.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from winnow_operators.dashcam.gate.motion import Motion, motion_between
from winnow_operators.dashcam.gate.quality import Quality, quality_of
from winnow_schemas.settings.dashcam import GateSettings

Gray = npt.NDArray[np.uint8]
_SECOND_NS = 1_000_000_000
_MEMORY = 0.05
"""Weight of a new frame in the usual sharpness: about a second at 25 frames per second."""


class Reason(StrEnum):
    """Why a frame was kept or not."""

    FIRST = "first"
    NEW_VIEW = "new_view"
    MOVING_THING = "moving_thing"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    NOTHING_IN_IT = "nothing_in_it"
    TOO_SOON = "too_soon"
    NEAR_DUPLICATE = "near_duplicate"
    NOTHING_MOVES = "nothing_moves"
    NO_PROPOSAL = "no_proposal"
    """Said by the proposer, not by the gate."""


class Mode(StrEnum):
    """What the camera does."""

    PARKED = "parked"
    DRIVING = "driving"


class Verdict(NamedTuple):
    """One frame, judged."""

    kept: bool
    reason: Reason
    mode: Mode
    quality: Quality
    motion: Motion | None
    """Since the frame kept last; None when that was not asked."""
    travelled: float
    """Sum of shifts and growth since the start, in picture diagonals."""


class MotionGate:
    """Judges frames one after the other; the same frames give the same verdicts."""

    def __init__(self, settings: GateSettings) -> None:
        self.settings = settings
        self._kept: Gray | None = None
        self._kept_ns = 0
        self._looked: Gray | None = None
        self._looked_ns = 0
        self._still_ns = 0
        """For how long the camera has not moved."""
        self._mode = Mode.DRIVING
        self._sharpness = 0.0
        self._travelled = 0.0

    def step(self, t_ns: int, gray: Gray) -> Verdict:
        """Judge the next frame, reduced; sizes must not change within a video."""
        quality = quality_of(gray)
        refused = self._refused_by_quality(quality)
        self._sharpness += (
            _MEMORY * (quality.sharpness - self._sharpness) if self._sharpness else quality.sharpness
        )
        if refused is not None:
            return self._said(False, refused, quality, None)
        if self._kept is None or t_ns < self._kept_ns:
            return self._keep(t_ns, gray, quality, Reason.FIRST, None)
        if t_ns - self._kept_ns < self.settings.least_interval_ms * 1_000_000:
            return self._said(False, Reason.TOO_SOON, quality, None)
        if self._looked is not None and 0 <= t_ns - self._looked_ns < self.settings.look_every_ms * 1_000_000:
            return self._said(False, Reason.NEAR_DUPLICATE, quality, None)
        just_kept = self._looked_ns == self._kept_ns
        recent = self._follow(t_ns, gray)
        motion = recent if recent is not None and just_kept else motion_between(self._kept, gray)
        if self._mode is Mode.PARKED:
            # Something must move now, beside having moved since the last frame that was kept.
            alive = recent is None or recent.blob >= self.settings.parked_blob / 2
            if motion.blob >= self.settings.parked_blob and alive:
                return self._keep(t_ns, gray, quality, Reason.MOVING_THING, motion)
            return self._said(False, Reason.NOTHING_MOVES, quality, motion)
        if self._is_new(motion):
            return self._keep(t_ns, gray, quality, Reason.NEW_VIEW, motion)
        return self._said(False, Reason.NEAR_DUPLICATE, quality, motion)

    def _refused_by_quality(self, quality: Quality) -> Reason | None:
        settings = self.settings
        if quality.brightness < settings.least_brightness:
            return Reason.TOO_DARK
        if quality.brightness > settings.most_brightness:
            return Reason.TOO_BRIGHT
        if quality.contrast < settings.least_contrast:
            return Reason.NOTHING_IN_IT
        if quality.sharpness < max(settings.least_sharpness, settings.relative_sharpness * self._sharpness):
            return Reason.BLURRED
        return None

    def _is_new(self, motion: Motion) -> bool:
        settings = self.settings
        if not motion.known:
            return self._differs(motion)
        return (
            motion.shift >= settings.new_shift
            or abs(motion.scale - 1) >= settings.new_scale
            or motion.residual >= settings.new_residual
        )

    def _differs(self, motion: Motion) -> bool:
        """Without corners that could be followed (wet asphalt, fog, the night) only a difference can tell."""
        return motion.shift > 0 or motion.blob >= self.settings.parked_blob

    def _follow(self, t_ns: int, gray: Gray) -> Motion | None:
        """Estimate the camera's own motion since the last look: driven distance and mode."""
        motion = None
        if self._looked is not None:
            motion = motion_between(self._looked, gray)
            moves = motion.shift > self.settings.still_shift if motion.known else self._differs(motion)
            self._travelled += motion.shift + abs(motion.scale - 1)
            self._still_ns = 0 if moves else self._still_ns + t_ns - self._looked_ns
            if moves:
                self._mode = Mode.DRIVING
            elif self._still_ns >= self.settings.parked_after_s * _SECOND_NS:
                self._mode = Mode.PARKED
        self._looked, self._looked_ns = gray.copy(), t_ns
        return motion

    def _keep(
        self, t_ns: int, gray: Gray, quality: Quality, reason: Reason, motion: Motion | None
    ) -> Verdict:
        self._kept, self._kept_ns = gray.copy(), t_ns
        return self._said(True, reason, quality, motion)

    def _said(self, kept: bool, reason: Reason, quality: Quality, motion: Motion | None) -> Verdict:
        return Verdict(kept, reason, self._mode, quality, motion, self._travelled)

    def state(self) -> dict[str, Any]:
        """All that later verdicts depend on, as plain values."""
        return {
            "kept": _packed(self._kept),
            "kept_ns": self._kept_ns,
            "looked": _packed(self._looked),
            "looked_ns": self._looked_ns,
            "still_ns": self._still_ns,
            "mode": self._mode.value,
            "sharpness": self._sharpness,
            "travelled": self._travelled,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
        self._kept, self._looked = (_unpacked(state[name]) for name in ("kept", "looked"))
        self._kept_ns, self._looked_ns = int(state["kept_ns"]), int(state["looked_ns"])
        self._still_ns, self._mode = int(state["still_ns"]), Mode(state["mode"])
        self._sharpness, self._travelled = float(state["sharpness"]), float(state["travelled"])


def _packed(gray: Gray | None) -> list[Any] | None:
    return None if gray is None else [*gray.shape, gray.tobytes().hex()]


def _unpacked(value: list[Any] | None) -> Gray | None:
    if value is None:
        return None
    height, width, text = value
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(int(height), int(width))
