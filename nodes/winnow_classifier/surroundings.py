"""Weather and light at a clip's trigger, from the clip's own messages."""

from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from winnow_operators.classify.rules import Surroundings
from winnow_operators.classify.sun import sun_elevation_deg
from winnow_operators.fields import FieldDecoder, FieldError
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.sidecar import Sidecar

_WANTED = {"visibility": "visibility_m", "rain_rate": "rain_mm_h", "ambient_light": "ambient_light_lux"}
"""Standard signal -> field of Surroundings."""


def surroundings_of(clip: Path, sidecar: Sidecar, settings: DeviceSettings) -> Surroundings:
    """The newest values up to the trigger; what the clip does not say stays unknown."""
    t_ns = int(sidecar.timestamp_sec * 1e9) + 1_000_000
    values: dict[str, float] = {}
    for signal, field in _WANTED.items():
        source = settings.signals.get(signal)
        if source is not None and source.topic in sidecar.topics:
            value = _newest(clip, source.topic, source.field, t_ns)
            if value is not None:
                values[field] = value
    position = sidecar.position
    elevation = sun_elevation_deg(t_ns, position.latitude_deg, position.longitude_deg) if position else None
    return Surroundings(**values, sun_elevation_deg=elevation)


def _newest(clip: Path, topic: str, path: str, until_ns: int) -> float | None:
    try:
        with clip.open("rb") as file:
            messages = make_reader(file).iter_messages(topics=[topic], reverse=True, ending_before=until_ns)
            for schema, channel, message in messages:
                (value,) = FieldDecoder(channel_of(schema, channel), [path]).decode(message.data)
                return float(value) if isinstance(value, int | float) else None
    except (McapError, FieldError, OSError, ValueError):
        return None
    return None
