"""The settings that a clip carries."""

from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_schemas.errors import WinnowError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import load_text

ATTACHMENT = "settings.yml"
SETTINGS_MAX_BYTES = 4 * 1024 * 1024


def settings_inside(clip: Path) -> DeviceSettings:
    """Those with which a clip was cut; the defaults where it carries none that this version understands."""
    try:
        with clip.open("rb") as file:
            found = [each for each in make_reader(file).iter_attachments() if each.name == ATTACHMENT]
        if not found or len(found[0].data) > SETTINGS_MAX_BYTES:
            return DeviceSettings()
        return validate(DeviceSettings, load_text(found[0].data.decode(), str(clip)))
    except (McapError, WinnowError, OSError, ValueError, EOFError):
        return DeviceSettings()
