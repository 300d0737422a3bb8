"""The uploader: what may leave, in which order, how fast, exactly once, verified."""

from winnow_uploader.results import Happened, Step
from winnow_uploader.worker import UploadStatus, UploadWorker

__all__ = ["Happened", "Step", "UploadStatus", "UploadWorker"]
