"""Proposers: where in a frame a plate may be."""

from pathlib import Path
from typing import Protocol

from winnow_operators.dashcam.boxes import Box, merged
from winnow_operators.dashcam.plates.reader import TextNetworks
from winnow_operators.dashcam.text.finding import Image, lines_in, network_input, network_size
from winnow_runtime.inference.detector import OnnxDetector
from winnow_runtime.inference.text import OnnxText
from winnow_runtime.inference.tflite import TfliteDetector
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import ProposerSettings


class Proposer(Protocol):
    """Gives regions of a whole picture."""

    def propose(self, image: Image) -> list[Box]:
        """Boxes in pixels of the picture; empty when there is nothing plausible in it."""
        ...


class WholeFrame:
    """Every frame is one region."""

    def propose(self, image: Image) -> list[Box]:
        return [Box(0.0, 0.0, float(image.shape[1]), float(image.shape[0]))]


class TextProposer:
    """Text at low resolution: what stands on a plate is text before it is legible."""

    SHAPE = (1.5, 14.0)
    """Width over height of a line that may be a plate: 520 x 110 mm seen from the side to the front, and grown."""

    def __init__(self, networks: TextNetworks, settings: ProposerSettings) -> None:
        self._networks = networks
        self._settings = settings

    def propose(self, image: Image) -> list[Box]:
        height, width = image.shape[:2]
        long_px = min(self._settings.long_side_px, max(width, height))
        size = network_size(height, width, short_side_px=1, long_side_px=long_px)
        text_map = self._networks.text_map(network_input(image, *size))[0]
        lines = lines_in(text_map, height, width, least_score=self._settings.least_score)
        shaped = [
            line
            for line in lines
            if self.SHAPE[0] <= line.width_px / max(1.0, line.height_px) <= self.SHAPE[1]
        ]
        best = sorted(shaped, key=lambda line: -line.score)[: self._settings.most_regions]
        boxes = [Box(*line.quad_px.min(axis=0).tolist(), *line.quad_px.max(axis=0).tolist()) for line in best]
        return merged([box.grown(self._settings.margin, width, height) for box in boxes])


class DetectorProposer:
    """Regions of vehicles, from a model of the user's."""

    def __init__(self, detector: OnnxDetector | TfliteDetector, settings: ProposerSettings) -> None:
        self._detector = detector
        self._settings = settings

    def propose(self, image: Image) -> list[Box]:
        (found,) = self._detector.detect([image], self._settings.least_score)
        wanted = [
            each for each in found if not self._settings.classes or each.klass in self._settings.classes
        ]
        height, width = image.shape[:2]
        best = wanted[: self._settings.most_regions]
        return merged([each.box_xyxy.grown(self._settings.margin / 3, width, height) for each in best], 0.3)


def proposer_of(settings: ProposerSettings, *, threads: int) -> Proposer:
    """The proposer that the settings ask for; their paths are absolute.

    Raises:
        BadInputError: a model is none.
        UnavailableError: a runtime or a device is missing.

    """
    if settings.kind == "none":
        return WholeFrame()
    if settings.kind == "text":
        return TextProposer(OnnxText(threads=threads), settings)
    if not settings.model:
        raise BadInputError(
            f"proposer.kind is {settings.kind}, which needs proposer.model; nothing was started."
        )
    path = Path(settings.model)
    if settings.kind == "onnx":
        return DetectorProposer(OnnxDetector(path, threads=threads), settings)
    detector = TfliteDetector(path, delegate=settings.delegate, device=settings.edge_tpu, threads=threads)
    return DetectorProposer(detector, settings)
