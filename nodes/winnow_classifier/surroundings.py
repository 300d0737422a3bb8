"""Weather and light at a clip's trigger, from the clip's own messages."""

import math
from pathlib import Path

from mcap.reader import make_reader

from winnow_operators.classify.rules import Surroundings
from winnow_operators.classify.sun import sun_elevation_deg
from winnow_operators.condition.units import parse_unit
from winnow_operators.fields import FieldDecoder
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.sidecar import Sidecar, SidecarTrigger

_WANTED = {
    "visibility": ("visibility_m", "m"),
    "rain_rate": ("rain_mm_h", "mm/h"),
    "ambient_light": ("ambient_light_lux", "lx"),
}
"""Standard signal -> field of Surroundings, and its unit."""


def surroundings_of(clip: Path, sidecar: Sidecar, settings: DeviceSettings) -> Surroundings:
    """The newest values up to the trigger; what the clip does not say stays unknown."""
    t_ns = lead_of(sidecar).t_ns + 1
    values: dict[str, float] = {}
    for signal, (field, unit) in _WANTED.items():
        source = settings.signals.get(signal)
        if source is not None and source.topic in sidecar.topics:
            value = _newest(clip, source.topic, source.field, t_ns)
            scale = _scale(source.unit or unit, unit)
            if value is not None and scale is not None:
                values[field] = value * scale
    position = sidecar.position
    elevation = sun_elevation_deg(t_ns, position.latitude_deg, position.longitude_deg) if position else None
    return Surroundings(**values, sun_elevation_deg=elevation)


def _scale(recorded: str, wanted: str) -> float | None:
    """Factor from one unit to another; None when they do not measure the same."""
    try:
        have, want = parse_unit(recorded), parse_unit(wanted)
    except BadInputError:
        return None
    return have.factor / want.factor if have.dimension == want.dimension else None


def lead_of(sidecar: Sidecar) -> SidecarTrigger:
    """The event that names the clip: the most urgent one, the earliest among equals.

    Raises:
        BadInputError: the sidecar names no trigger.

    """
    if not sidecar.triggers:
        raise BadInputError(f"The sidecar of {sidecar.name} names no trigger; the clip was passed over.")
    return min(sidecar.triggers, key=lambda trigger: (trigger.priority, trigger.t_ns, trigger.type))


def _newest(clip: Path, topic: str, path: str, until_ns: int) -> float | None:
    try:
        with clip.open("rb") as file:
            messages = make_reader(file).iter_messages(topics=[topic], reverse=True, ending_before=until_ns)
            for schema, channel, message in messages:
                (value,) = FieldDecoder(channel_of(schema, channel), [path]).decode(message.data)
                known = isinstance(value, int | float) and math.isfinite(value)
                return float(value) if known else None
    except Exception:  # noqa: BLE001 - a damaged clip brings errors of many kinds; what it does not say is unknown
        return None
    return None
