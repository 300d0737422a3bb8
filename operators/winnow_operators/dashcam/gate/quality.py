"""How good a picture is: light, sharpness, exposure, and one number for all three."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

SHARP_VARIANCE = 400.0
"""Laplacian variance at 320 pixels of width from which sharpness counts as full: daylight drives had 300 to 3,000,
a night drive 30 (measured on public dashcam clips)."""


class Quality(NamedTuple):
    """Measures of one reduced frame."""

    brightness: float
    """Mean, 0 to 255."""
    contrast: float
    """Standard deviation, 0 to 128."""
    sharpness: float
    """Variance of the Laplacian."""
    clipped: float
    """Part of the pixels that are black or white through and through, 0 to 1."""

    @property
    def confidence(self) -> float:
        """0 to 1: the product of what light, sharpness and exposure allow."""
        light = min(1.0, self.brightness / 50, (255 - self.brightness) / 30)
        sharp = min(1.0, self.sharpness / SHARP_VARIANCE)
        return float(max(0.0, light) * sharp**0.5 * (1 - min(1.0, self.clipped)))


def quality_of(gray: npt.NDArray[np.uint8]) -> Quality:
    """Measure a reduced frame of at most a few hundred pixels of width."""
    mean, deviation = cv2.meanStdDev(gray)
    _, edges = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))
    dark = cv2.countNonZero(cv2.compare(gray, 4, cv2.CMP_LE))
    white = cv2.countNonZero(cv2.compare(gray, 251, cv2.CMP_GE))
    return Quality(
        float(mean[0, 0]), float(deviation[0, 0]), float(edges[0, 0]) ** 2, (dark + white) / gray.size
    )
