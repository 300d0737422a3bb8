"""Recordings: MCAP files, ROS 1 bags and ROS 2 bags as one stream of original messages in time order."""

from winnow_runtime.recordings.container import Container
from winnow_runtime.recordings.faults import RecordingError
from winnow_runtime.recordings.limits import DEFAULT_LIMITS, Limits
from winnow_runtime.recordings.numbering import numbered
from winnow_runtime.recordings.recording import Recording, open_recording
from winnow_runtime.recordings.statistics import TopicStatistics
from winnow_runtime.recordings.summary import RecordingInfo, describe

__all__ = [
    "DEFAULT_LIMITS",
    "Container",
    "Limits",
    "Recording",
    "RecordingError",
    "RecordingInfo",
    "TopicStatistics",
    "describe",
    "numbered",
    "open_recording",
]
