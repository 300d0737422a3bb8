"""What a clip's messages said in the window before the trigger, as samples of the features' inputs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mcap.reader import make_reader

from winnow_operators.classify.features import Samples
from winnow_operators.classify.layout import LIDARS, WINDOW_S
from winnow_operators.condition.units import parse_unit
from winnow_operators.fields import FieldDecoder
from winnow_runtime.mcapfile.records import channel_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.sidecar import Sidecar

MAX_SAMPLES = 20_000
"""Of one input in the window: 2 kHz."""
_UNITS = {
    "speed": "m/s",
    "steering": "rad",
    "acceleration_x": "m/s2",
    "yaw_rate": "rad/s",
    "ambient_light": "lx",
    "visibility": "m",
    "rain_rate": "mm/h",
}
"""Standard signal -> the unit of its features."""
PLAIN = (
    *(
        "ood_score",
        "stl_robustness",
        "innovation_norm",
        "frenet_feasible",
        "trajectory_cost",
        "speed",
        "steering",
    ),
    *("drive_mode", "brake", "acceleration_x", "yaw_rate", "cbf_intervention", "ambient_light", "visibility"),
    *("rain_rate", "place_score", "temperature", "factors", "heading_std", "cross_track"),
)
"""Inputs that are signals of the same name."""
GPS = {"rtk_fixed": 0.0, "rtk_float": 1.0, "dgps": 2.0, "standalone": 3.0, "denied": 4.0}
"""4.3."""
Values = dict[str, float]
Maker = Callable[[tuple[Any, ...]], Values]


def samples_of(clip: Path, sidecar: Sidecar, settings: DeviceSettings, t_ns: int) -> dict[str, Samples]:
    """Samples of every input that the clip has; what it does not say is left out.

    Raises:
        BadInputError: the file cannot be read at all.

    """
    wanted = {topic: readings for topic, readings in _readings(settings).items() if topic in sidecar.topics}
    rows: dict[str, list[tuple[int, float]]] = {}
    decoders: dict[tuple[int, int], FieldDecoder | None] = {}
    try:
        with clip.open("rb") as file:
            found = make_reader(file).iter_messages(
                topics=list(wanted), starting_at=max(0, t_ns - int(WINDOW_S * 1e9)), ending_before=t_ns + 1
            )
            for schema, channel, message in found if wanted else ():
                for number, (paths, make) in enumerate(wanted[channel.topic]):
                    key = channel.id, number
                    if key not in decoders:
                        decoders[key] = _decoder(channel_of(schema, channel), paths)
                    decoder = decoders[key]
                    for name, value in _made(decoder, make, message.data):
                        series = rows.setdefault(name, [])
                        if len(series) < MAX_SAMPLES:
                            series.append((message.log_time, value))
    except Exception as error:  # noqa: BLE001 - a damaged clip brings errors of many kinds
        raise BadInputError(
            f"{clip.name} cannot be read ({str(error)[:120] or type(error).__name__}); it has no features."
        ) from None
    return {name: _samples(series) for name, series in rows.items()}


def _decoder(channel: Any, paths: tuple[str, ...]) -> FieldDecoder | None:
    try:
        return FieldDecoder(channel, list(paths))
    except BadInputError:
        return None  # another type than the settings think: the input is missing


def _made(decoder: FieldDecoder | None, make: Maker, data: bytes) -> Iterator[tuple[str, float]]:
    if decoder is None:
        return
    try:
        values = make(tuple(decoder.decode(data)))
    except Exception:  # noqa: BLE001 - one bad message is a missing sample
        return
    yield from values.items()


def _samples(series: list[tuple[int, float]]) -> Samples:
    series.sort(key=lambda row: row[0])
    return Samples(
        np.array([t for t, _ in series], np.int64), np.array([value for _, value in series], np.float64)
    )


def _readings(settings: DeviceSettings) -> dict[str, list[tuple[tuple[str, ...], Maker]]]:
    """Topic -> fields, and what is made of them."""
    found: dict[str, list[tuple[tuple[str, ...], Maker]]] = {}

    def add(topic: str, paths: tuple[str, ...], make: Maker) -> None:
        if topic:
            found.setdefault(topic, []).append((paths, make))

    signals = settings.signals
    for name in PLAIN:
        signal = signals.get(name)
        if signal is not None and signal.topic:
            add(signal.topic, (signal.field,), _number(name, _scale(signal.unit, _UNITS.get(name))))
    gps = signals.get("gps_status")
    if gps is not None and gps.topic:
        add(gps.topic, (gps.field,), lambda row: {"gps_status": GPS[str(row[0])]})
    offset_x, offset_y = signals.get("map_offset_x"), signals.get("map_offset_y")
    if offset_x is not None and offset_y is not None and offset_x.topic == offset_y.topic:
        add(
            offset_x.topic,
            (offset_x.field, offset_y.field),
            lambda row: {"map_offset": float(np.hypot(row[0], row[1]))},
        )
    latitude = signals.get("latitude")
    if latitude is not None and latitude.topic:
        add(latitude.topic, ("position_covariance[0]",), lambda row: {"position_std": float(row[0]) ** 0.5})
    add(_input(settings, "unmatched_detections", "detections"), _DETECTIONS, _detections)
    add(_input(settings, "lost_tracks", "tracks"), _TRACKS, _Tracks())
    add(
        _input(settings, "lidar_residual", "consistency"),
        ("max(residual_m[])",),
        _number("lidar_residual", 1.0),
    )
    health = signals.get("sensor_health_level")
    if health is not None and health.topic:
        add(health.topic, _HEALTH, _health)
    return found


def _input(settings: DeviceSettings, signal: str, name: str) -> str:
    found = settings.signals.get(signal)
    return str(found.inputs.get(name, "")) if found is not None else ""


def _scale(recorded: str, wanted: str | None) -> float:
    """Factor from the recorded unit; NaN (no sample) when they do not measure the same."""
    if wanted is None or not recorded:
        return 1.0
    try:
        have, want = parse_unit(recorded), parse_unit(wanted)
    except BadInputError:
        return float("nan")
    return have.factor / want.factor if have.dimension == want.dimension else float("nan")


def _number(name: str, scale: float) -> Maker:
    def make(row: tuple[Any, ...]) -> Values:
        value = float(row[0]) * scale
        more = {"log_light": float(np.log10(max(value, 0.1)))} if name == "ambient_light" else {}
        return {name: value, **more}

    return make


_DETECTIONS = (
    "detections[].label",
    "detections[].confidence",
    "detections[].position.x",
    "detections[].position.y",
)
_PEOPLE = ("person", "personnel", "worker", "ground_crew", "marshaller", "pedestrian")
_EQUIPMENT = (
    "gse",
    "tug",
    "tractor",
    "loader",
    "cart",
    "dolly",
    "bus",
    "truck",
    "belt",
    "stairs",
    "car",
    "van",
    "fuel",
    "cater",
)


def _detections(row: tuple[Any, ...]) -> Values:
    labels = [str(each).lower() for each in row[0]]
    confidence = np.asarray(row[1], np.float64)
    away = np.hypot(np.asarray(row[2], np.float64), np.asarray(row[3], np.float64))
    aircraft = np.array([each.startswith("aircraft") for each in labels], bool)
    values = {
        "objects": float(len(labels)),
        "aircraft": float(aircraft.sum()),
        "personnel": float(sum(each.startswith(_PEOPLE) for each in labels)),
        "ground_equipment": float(sum(any(word in each for word in _EQUIPMENT) for each in labels)),
    }
    if labels:
        values |= {
            "nearest_object": float(away.min()),
            "min_confidence": float(confidence.min()),
            "mean_confidence": float(confidence.mean()),
        }
    if aircraft.any():
        values["nearest_aircraft"] = float(away[aircraft].min())
    return values


_TRACKS = ("tracks[].id", "tracks[].age_s", "tracks[].position.x", "tracks[].position.y")
_SAME_PLACE_M = 1.0


class _Tracks:
    """Counts what appears, is lost, and changes its number in place, from one message to the next."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[float, float]] | None = None

    def __call__(self, row: tuple[Any, ...]) -> Values:
        places = {
            int(number): (float(x), float(y)) for number, x, y in zip(row[0], row[2], row[3], strict=True)
        }
        before, self._before = self._before, places
        values = {"tracks": float(len(places))}
        if places:
            values["track_age"] = float(np.mean(np.asarray(row[1], np.float64)))
        if before is not None:
            new, lost = places.keys() - before.keys(), before.keys() - places.keys()
            switched = sum(
                any(
                    np.hypot(places[one][0] - before[other][0], places[one][1] - before[other][1])
                    < _SAME_PLACE_M
                    for other in lost
                )
                for one in new
            )
            values |= {
                "tracks_new": float(len(new) - switched),
                "tracks_lost": float(len(lost) - switched),
                "tracks_switched": float(switched),
            }
        return values


_HEALTH = ("status[].name", "status[].values[].key", "status[].values[].value")


def _health(row: tuple[Any, ...]) -> Values:
    """Statuses have the same keys in the same order, so that the joined lists can be cut."""
    names, keys, texts = ([str(each) for each in column] for column in row)
    per = len(keys) // max(1, len(names))
    values: Values = {}
    scores = []
    for number, name in enumerate(names):
        pairs = dict(
            zip(
                keys[number * per : (number + 1) * per], texts[number * per : (number + 1) * per], strict=True
            )
        )
        score, points = float(pairs["health_score"]), float(pairs["point_count_ratio"])
        scores.append(score)
        short = name.rpartition("/")[2]
        if short in LIDARS:
            values |= {f"{short}_health": score, f"{short}_points": points}
    if scores:
        values["health_min"] = min(scores)
    return values
