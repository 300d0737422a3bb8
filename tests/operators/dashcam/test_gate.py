import cv2
import numpy as np
import pytest

from winnow_operators.dashcam.gate.gate import Mode, MotionGate, Reason
from winnow_operators.dashcam.gate.motion import motion_between
from winnow_operators.dashcam.gate.quality import quality_of
from winnow_schemas.settings.dashcam import GateSettings

FRAME_NS = 40_000_000
WORLD = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 255, (400, 1600), np.uint8), (0, 0), 2)
WORLD = cv2.normalize(WORLD, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


def view(x, y=100):
    """What a camera sees that looks at another part of a wall."""
    matrix = np.float32([[1, 0, -x], [0, 1, -y]])
    return cv2.warpAffine(WORLD, matrix, (320, 180))


def judged(frames, gate=None):
    gate = gate or MotionGate(GateSettings())
    return [gate.step(i * FRAME_NS, frame) for i, frame in enumerate(frames)]


def test_a_moving_camera_keeps_new_views_and_drops_the_rest():
    verdicts = judged([view(3 * i) for i in range(100)])
    kept = [each for each in verdicts if each.kept]
    assert 8 <= len(kept) <= 15
    assert verdicts[0].reason is Reason.FIRST
    assert all(each.mode is Mode.DRIVING for each in verdicts)
    assert verdicts[-1].travelled > 0.5


def test_a_parked_camera_keeps_only_what_moves():
    frames = [view(40).copy() for _ in range(150)]
    for i in range(100, 120):
        frames[i][60:110, 10 * (i - 100) : 10 * (i - 100) + 60] = 250
    verdicts = judged(frames)
    assert sum(each.kept for each in verdicts[1:100]) == 0
    assert any(each.kept and each.reason is Reason.MOVING_THING for each in verdicts[100:122])
    assert verdicts[99].mode is Mode.PARKED
    assert sum(each.kept for each in verdicts[125:]) <= 1


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (np.full((180, 320), 3, np.uint8), Reason.TOO_DARK),
        (np.full((180, 320), 252, np.uint8), Reason.TOO_BRIGHT),
        (np.full((180, 320), 120, np.uint8), Reason.NOTHING_IN_IT),
        (cv2.GaussianBlur(view(40), (0, 0), 4), Reason.BLURRED),
    ],
)
def test_bad_pictures_have_their_reason(frame, reason):
    assert judged([view(40), frame])[1].reason is reason


def test_the_gate_goes_on_from_its_state_as_if_nothing_had_happened():
    frames = [view(2 * i) for i in range(80)]
    whole = judged(frames)
    first = MotionGate(GateSettings())
    judged(frames[:37], first)
    second = MotionGate(GateSettings())
    second.restore(first.state())
    rest = [second.step(i * FRAME_NS, frames[i]) for i in range(37, 80)]
    assert [(v.kept, v.reason) for v in rest] == [(v.kept, v.reason) for v in whole[37:]]


def test_the_cameras_own_motion_is_undone():
    motion = motion_between(view(0), view(12))
    assert motion.known
    assert motion.shift * np.hypot(320, 180) == pytest.approx(12, abs=0.5)
    assert motion.residual < 0.01


def test_quality_falls_with_blur_and_darkness():
    good = quality_of(view(40)).confidence
    assert quality_of(cv2.GaussianBlur(view(40), (0, 0), 3)).confidence < good
    assert quality_of((view(40) * 0.1).astype(np.uint8)).confidence < good
