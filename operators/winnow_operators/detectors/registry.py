"""All detectors by name."""

from winnow_operators.detectors.aircraft_clearance import AircraftClearance
from winnow_operators.detectors.detection_matching import DetectionMatching
from winnow_operators.detectors.detector import Detector
from winnow_operators.detectors.lidar_consistency import LidarConsistency
from winnow_operators.detectors.lidar_radar import LidarRadar
from winnow_operators.detectors.novel_objects import NovelObjects
from winnow_operators.detectors.path_deviation import PathDeviation
from winnow_operators.detectors.track_continuity import TrackContinuity
from winnow_operators.detectors.weather_class import WeatherClass
from winnow_operators.detectors.zone_visits import ZoneVisits

DETECTORS: dict[str, type[Detector]] = {
    detector.name: detector
    for detector in (
        AircraftClearance,
        DetectionMatching,
        LidarConsistency,
        LidarRadar,
        NovelObjects,
        PathDeviation,
        TrackContinuity,
        WeatherClass,
        ZoneVisits,
    )
}
"""A signal's settings name one of these under ``detector``."""
