"""What moved between two pictures of a camera that moves itself.

Corners of the older picture are followed into the newer one (Lucas and Kanade, pyramidal); the largest set
that one similarity transform explains is the camera's own motion (RANSAC). What is left after undoing that
transform is the residual: things that move by themselves, and what came into view.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
MOST_CORNERS = 80
LEAST_CORNERS = 8
"""Below, no transform is estimated: a wall, fog, the night."""
LEAST_AGREEING = 0.25
"""Part of the corners that one transform must explain: less is a chance agreement of corners that were lost."""
_ENOUGH = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.03)
"""A thirtieth of a pixel: the median of dozens of corners is what counts, and following them is half of the gate's cost."""
CHANGED = 25
"""Grey levels by which a pixel must differ to count: video noise and compression stay below 15."""


class Motion(NamedTuple):
    """From an older picture to a newer one."""

    known: bool
    """Whether the camera's motion could be estimated."""
    shift: float
    """How far the picture's content moved, in parts of its diagonal, as the median corner did."""
    scale: float
    """By how much the content grew; forward motion makes it more than 1."""
    residual: float
    """Part of the compensated picture that still differs, 0 to 1."""
    blob: float
    """Part of the picture that the largest connected difference takes, 0 to 1."""


def motion_between(old: Gray, new: Gray) -> Motion:
    """Estimate the motion between two reduced frames of equal size."""
    lightened = np.asarray(cv2.add(old, _lighter(old, new)), np.uint8)
    changed = _changed(lightened, new)
    if not cv2.countNonZero(_without_specks(changed)):
        # Nothing differs as it is: corners on wet asphalt, which the tracker loses, must not say otherwise.
        return Motion(True, 0.0, 1.0, cv2.countNonZero(changed) / changed.size, 0.0)
    matrix, shift, scale = _transform(old, new)
    if matrix is not None:
        height, width = new.shape
        warped = cv2.warpAffine(lightened, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        inside = cv2.warpAffine(np.full((height, width), 255, np.uint8), matrix, (width, height))
        changed = np.asarray(cv2.bitwise_and(_changed(np.asarray(warped, np.uint8), new), inside), np.uint8)
    residual = cv2.countNonZero(changed) / changed.size
    return Motion(matrix is not None, shift, scale, residual, _largest(changed))


def _changed(old: Gray, new: Gray) -> Gray:
    """Where two pictures differ by more than noise: 255, elsewhere 0."""
    difference = cv2.absdiff(cv2.GaussianBlur(old, (5, 5), 0), cv2.GaussianBlur(new, (5, 5), 0))
    return np.asarray(cv2.threshold(difference, CHANGED, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _lighter(old: Gray, new: Gray) -> float:
    """By how many grey levels half of the picture became lighter at least; negative: darker.

    A camera that sets its exposure anew has moved nothing.
    """
    sampled = new[::4, ::4].astype(np.int16) - old[::4, ::4]
    return float(np.median(sampled))


def _without_specks(changed: Gray) -> Gray:
    return np.asarray(cv2.erode(changed, np.ones((2, 2), np.uint8)), np.uint8)


def _largest(changed: Gray) -> float:
    joined = cv2.dilate(_without_specks(changed), np.ones((7, 7), np.uint8))
    count, _, statistics, _ = cv2.connectedComponentsWithStats(joined)
    if count < 2:
        return 0.0
    return float(statistics[1:, cv2.CC_STAT_AREA].max()) / changed.size


def _transform(old: Gray, new: Gray) -> tuple[npt.NDArray[np.float64] | None, float, float]:
    corners = cv2.goodFeaturesToTrack(old, MOST_CORNERS, 0.01, 8)
    if corners is None or len(corners) < LEAST_CORNERS:
        return None, 0.0, 1.0
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        old, new, corners, None, winSize=(15, 15), maxLevel=3, criteria=_ENOUGH
    )
    good = status.ravel() == 1
    if good.sum() < LEAST_CORNERS:
        return None, 1.0, 1.0
    source, target = corners[good].reshape(-1, 2), moved[good].reshape(-1, 2)
    # RANSAC draws from OpenCV's own generator: set, so that equal frames give equal decisions.
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=2.0, maxIters=200)
    ways = np.linalg.norm(target - source, axis=1) / np.hypot(*new.shape)
    shift = float(np.median(ways))
    if matrix is None or not np.isfinite(matrix).all():
        return None, shift, 1.0
    agreeing = inliers.ravel() == 1
    if agreeing.sum() < max(LEAST_CORNERS, LEAST_AGREEING * len(source)):
        return None, shift, 1.0
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 0.5 < scale < 2.0:
        return None, shift, 1.0
    return matrix, shift, scale
