"""The model in use: swapped when a new file arrives, rolled back when that misbehaves, never half of either."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from winnow_classifier.model import ScenarioModel
from winnow_runtime.inference.onnx import Device
from winnow_schemas.errors import WinnowError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.stages import ClassifierMode

Array = NDArray[np.float32]
Stamp = tuple[int, int, int]
"""Inode, size and time of change."""


class ModelSlot:
    """Looks at the file before every clip; says in ``problem`` why a model does not speak."""

    def __init__(self, settings: DeviceSettings, base: Path) -> None:
        """``base``: the folder that a relative path starts from."""
        chosen = settings.classifier
        self.enabled = chosen.mode is ClassifierMode.MODEL
        self._path = base / chosen.model if chosen.model else None
        self._provider: Device = chosen.provider.value
        self._stamp: Stamp | None = None
        self._refused: set[str] = set()
        self._previous: ScenarioModel | None = None
        self.model: ScenarioModel | None = None
        self.problem = ""
        if self.enabled and self._path is None:
            self._load()

    def refresh(self) -> None:
        """Take up a file that is new or has changed; what cannot be used leaves the running one alone."""
        if not self.enabled or self._path is None:
            return
        try:
            stat = self._path.stat()
        except OSError as error:
            if self.model is None:
                self.problem = f"The model {self._path} cannot be read ({error.strerror}); the rules speak."
            return
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if stamp != self._stamp:
            self._stamp = stamp
            self._load()

    def _load(self) -> None:
        try:
            fresh = ScenarioModel.load(self._path, self._provider)
        except WinnowError as error:
            stays = f"{self.model.label} goes on" if self.model else "the rules speak"
            self.problem = f"{error} {stays.capitalize()}."
            return
        if fresh.card.sha256 in self._refused or (self.model and fresh.card.sha256 == self.model.card.sha256):
            return
        self._previous, self.model, self.problem = self.model, fresh, ""

    def judge(self, features: Array) -> tuple[ScenarioModel, Array, float] | None:
        """What the model says of a clip; None when none can: then the rules speak.

        A model that fails is put aside for good, and the one before it is asked.
        """
        while self.model is not None:
            try:
                found, priority = self.model.judge(features)
            except WinnowError as error:
                self._refused.add(self.model.card.sha256)
                self.model, self._previous = self._previous, None
                stays = f"{self.model.label} is used again" if self.model else "the rules speak"
                self.problem = f"{error} {stays.capitalize()}."
                continue
            return self.model, found, priority
        return None
