"""One reading of one plate in one frame of a video."""

from typing import NamedTuple

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.text.finding import Floats


class Sighting(NamedTuple):
    """What a frame said about a plate."""

    t_ns: int
    """Since the video's first frame."""
    text: str
    confidence: float
    """Probability that it is a plate and says so, from this frame alone."""
    box_xyxy: Box
    height_px: float
    probabilities: Floats
    """Shape ``(len(text), len(ALPHABET))``."""
    quad_px: Floats
    """Corners, shape ``(4, 2)``."""
    sharpness: float = 0.0
    """Of the crop; only compares crops of one pass."""

    @property
    def key(self) -> tuple[int, str, Box]:
        """Order that does not depend on the order of arrival."""
        return self.t_ns, self.text, self.box_xyxy
