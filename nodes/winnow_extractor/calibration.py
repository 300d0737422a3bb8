"""The calibration file that goes into every clip."""

from dataclasses import dataclass
from pathlib import Path

from winnow_schemas.errors import BadInputError

CALIBRATION_MAX_BYTES = 4 * 1024 * 1024
"""Of text: eight LiDARs and six cameras take 20 kB."""
_MEDIA_TYPES = {".yml": "application/yaml", ".yaml": "application/yaml", ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """The file as it is attached."""

    name: str
    """``calibration`` and the file's ending: by this name what is sent may keep it."""
    media_type: str
    data: bytes


def read_calibration(name: str, folder: Path) -> Calibration | None:
    """Read the file that the settings name, relative to the ``folder`` of the settings; None when they name none.

    Raises:
        BadInputError: it is missing, too large, or no text of a known kind.

    """
    if not name:
        return None
    path = folder / name
    media_type = _MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise BadInputError(
            f"The calibration {path} ends in none of {', '.join(_MEDIA_TYPES)}; it was not read. Correct clips.calibration."
        )
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= CALIBRATION_MAX_BYTES else b""
    except OSError as error:
        raise BadInputError(
            f"The calibration {path} cannot be read ({error.strerror}); correct clips.calibration or put it there."
        ) from None
    if size > CALIBRATION_MAX_BYTES:
        raise BadInputError(
            f"The calibration {path} has {size:,} bytes, the limit is {CALIBRATION_MAX_BYTES:,}; it was not read."
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInputError(f"The calibration {path} is no UTF-8 text; it was not read.") from None
    return Calibration(f"calibration{path.suffix.lower()}", media_type, data)
