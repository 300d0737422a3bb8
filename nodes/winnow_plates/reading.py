"""The regions of one whole frame, read."""

from collections.abc import Sequence
from pathlib import Path

from winnow_operators.dashcam.boxes import Box, merged, overlap
from winnow_operators.dashcam.detect.suppression import Detection
from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.plates.reader import PlateLook, PlateReader, Scale, moved, without_doubles
from winnow_operators.dashcam.text.finding import Image
from winnow_runtime.inference.detector import OnnxDetector
from winnow_runtime.inference.text import OnnxText
from winnow_schemas.library.plate_formats import load_plate_formats, plate_formats
from winnow_schemas.settings.dashcam import PlateSettings

REGION_SCALES = (1.0, 2.0)
"""A region is looked at as it is and twice as large: text of 10 to 100 px of height is found in one or the other."""
LEAST_SIDE_PX = 64
MOST_SIDE_PX = 1536
LEAST_SCORE = 0.3
"""Readier than for whole pictures: the proposer has already said that there may be something."""
SMALL_PX = 160
"""Regions are grown to this side at least: the text detector wants some surroundings."""


class RegionReader:
    """Reads plates in regions, with a detector of the user's first where there is one."""

    def __init__(self, settings: PlateSettings, *, threads: int = 0) -> None:
        """Open the networks.

        Raises:
            BadInputError: a model or a formats file cannot be used.
            UnavailableError: a runtime is missing.

        """
        data = load_plate_formats(Path(settings.formats)) if settings.formats else plate_formats()
        self.formats = Formats(data, settings.countries)
        networks = OnnxText(device=settings.device, threads=threads)
        self._reader = PlateReader(networks, self.formats, least_confidence=settings.least_look)
        self._settings = settings
        self.vehicle_classes = frozenset(settings.vehicle_classes)
        self._detector = (
            OnnxDetector(Path(settings.detector), device=settings.device, threads=threads)
            if settings.detector
            else None
        )

    def detected(self, image: Image) -> list[Detection]:
        """What the user's detector finds in a frame, best first; nothing without one."""
        if self._detector is None:
            return []
        (found,) = self._detector.detect([image], self._settings.least_detection)
        return found

    def read(
        self, image: Image, regions: list[Box], objects: Sequence[Detection] | None = None
    ) -> list[PlateLook]:
        """The plates of a frame, best first, in its own coordinates.

        ``objects``: what :meth:`detected` said of it already.
        """
        height, width = image.shape[:2]
        wanted = self._narrowed(regions, self.detected(image) if objects is None else objects)
        found: list[PlateLook] = []
        for region in merged([_roomy(each, width, height) for each in wanted]):
            x, y = int(region.x1), int(region.y1)
            crop = image[y : int(region.y2), x : int(region.x2)]
            if min(crop.shape[:2]) < 8:
                continue
            for scale in REGION_SCALES:
                looks = self._reader.looks(crop, self._reader.lines(crop, _scale(crop, scale)))
                found += [moved(look, x, y) for look in looks]
        return without_doubles(found)

    def _narrowed(self, regions: list[Box], found: Sequence[Detection]) -> list[Box]:
        """With a detector: its boxes that the proposals touch."""
        if self._detector is None:
            return regions
        classes = self._settings.detector_classes
        boxes = [each.box_xyxy for each in found if not classes or each.klass in classes]
        return [box for box in boxes if any(overlap(box, region) > 0 for region in regions)]


def _scale(crop: Image, times: float) -> Scale:
    short, long = sorted(crop.shape[:2])
    times = min(times, MOST_SIDE_PX / long)
    return Scale(max(LEAST_SIDE_PX, round(short * times)), MOST_SIDE_PX, LEAST_SCORE)


def _roomy(box: Box, width: int, height: int) -> Box:
    x, y = box.centre
    wide, high = max(SMALL_PX, box.x2 - box.x1) / 2, max(SMALL_PX / 2, box.y2 - box.y1) / 2
    return Box(
        max(0.0, x - wide), max(0.0, y - high), min(float(width), x + wide), min(float(height), y + high)
    )
