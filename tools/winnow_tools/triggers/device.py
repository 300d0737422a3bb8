"""The triggers of a device as its settings and, where asked, a campaign make them."""

from dataclasses import dataclass
from pathlib import Path

from winnow_operators.campaign import BareTriggers, Merged, merge
from winnow_operators.triggers.feeding import resolve
from winnow_schemas.campaign import read_campaign_file
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.yaml_source import YamlDocument


@dataclass(frozen=True, slots=True)
class Device:
    """Settings, and what they come to."""

    settings: DeviceSettings
    bare: BareTriggers
    merged: Merged
    """With the campaign."""


def load_device(settings: Path | None, campaign: Path | None = None) -> Device:
    """A device's triggers; without settings those of the standard suite.

    Raises:
        BadInputError: the settings or the campaign are not valid, or do not fit each other.

    """
    document: YamlDocument | None = None
    if settings is None:
        device = DeviceSettings(suite="standard")
    else:
        device, document = load_settings(settings)
    inputs, resolution = resolve(device, document)
    bare = BareTriggers(resolution, inputs, device.triggers, device.clips.max_length_s)
    active = resolution.require()
    if campaign is None:
        return Device(device, bare, Merged(active, inactive=resolution.inactive))
    return Device(device, bare, merge(read_campaign_file(campaign).campaign, bare))
