"""Settings: one YAML file per device, validated whole (vehicle document 7.1)."""

from winnow_schemas.settings.device import DeviceSettings, load_settings

__all__ = ["DeviceSettings", "load_settings"]
