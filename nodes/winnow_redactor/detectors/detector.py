"""A detector: pictures in, boxes out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from winnow_operators.privacy.boxes import Found
from winnow_schemas.settings.redaction import Subject

Picture = NDArray[np.uint8]
"""Shape ``(height, width, 3)``, BGR."""
MAX_MODEL_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """What a detector is: its measured recall belongs to exactly this."""

    name: str
    sha256: str
    """Of the model file; empty for what ships inside OpenCV or Winnow."""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": self.sha256}


class Detector(Protocol):
    """Finds one kind of subject."""

    identity: Identity
    subject: Subject

    def find(self, picture: Picture) -> list[Found]:
        """Boxes in pixels of the picture.

        Raises:
            BadInputError: the detector failed on this picture; it must be taken for unseen.

        """


def label(identity: Identity) -> str:
    """A name for sentences and tables."""
    return f"{identity.name} ({identity.sha256[:12]})" if identity.sha256 else identity.name


def model_name(path: Path) -> str:
    """How a model file is called in records: never by its folder, which may name a person."""
    return path.name
