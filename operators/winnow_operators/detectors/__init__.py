"""Detectors: lists of objects, routes and maps in, signals out."""

from winnow_operators.detectors.detector import Detector, DetectorInputError, Output
from winnow_operators.detectors.registry import DETECTORS
from winnow_operators.detectors.sources import SignalSources

__all__ = ["DETECTORS", "Detector", "DetectorInputError", "Output", "SignalSources"]
