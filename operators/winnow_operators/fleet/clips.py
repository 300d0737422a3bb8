"""Draws the fleet's clips: facts, samples of the signals, size, and the scenario."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.features import CATEGORY_OF, ClipFacts, Samples
from winnow_operators.classify.layout import CATEGORIES, LIDARS, WINDOW_S
from winnow_operators.classify.scenario import Scenario
from winnow_operators.fleet.habits import EFFECTS, FAILS, FIRES, OPTIONAL, ORDINARY, PRIORS, Effect, Level

Choice = TypeVar("Choice")

FLEET = "fleet-1"
"""Its name in cards: whatever changes a number of it gives it another."""
RATE_HZ = 2.0
"""Samples per second of every signal."""
START_NS = 1_775_865_600 * 1_000_000_000
"""2026-04-11 00:00 UTC."""
DAY_NS = 86_400 * 1_000_000_000
_AMBIGUOUS = 0.04
"""Clips of which two people would say two things: the label is the neighbour's."""
_SECONDS = {0: (45, 15), 1: (25, 10), 2: (25, 10), 3: (25, 10), 4: (60, 15), 5: (30, 8)}
"""Priority -> mean length and its spread, s (3.1)."""
_BYTES_PER_S = 3.0e7
"""Half of the full suite's 62 MB/s: compressed."""
_NEIGHBOUR = {
    Scenario.NORMAL_ROUTINE: Scenario.NORMAL_DIVERSE,
    Scenario.NORMAL_DIVERSE: Scenario.NORMAL_ROUTINE,
    Scenario.CALIBRATION_DRIFT: Scenario.SENSOR_DEGRADATION,
    Scenario.ADVERSE_WEATHER: Scenario.SENSOR_DEGRADATION,
    Scenario.RARE_MANEUVER: Scenario.NEAR_MISS,
}


@dataclass(frozen=True, slots=True)
class FleetClip:
    """One clip of the fleet."""

    clip_id: str
    vehicle: str
    day: int
    scenario: Scenario
    """What a person would call it."""
    facts: ClipFacts
    samples: dict[str, Samples]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Vehicle:
    name: str
    has: frozenset[str]
    shift: dict[str, float]
    """Its own habits: signal -> offset of the mean, in spreads."""


def fleet_clips(seed: int, count: int, vehicles: int = 12, days: int = 30) -> Iterator[FleetClip]:
    """``count`` clips in the order of time; the same arguments give the same clips."""
    generator = np.random.default_rng([seed, vehicles, days])
    fleet = [_vehicle(generator, number) for number in range(vehicles)]
    times = np.sort(generator.uniform(0, days, count))
    for number, moment in enumerate(times.tolist()):
        vehicle = fleet[int(generator.integers(vehicles))]
        yield _clip(generator, f"{FLEET}-{seed}-{number:06d}", vehicle, moment)


def _vehicle(generator: np.random.Generator, number: int) -> _Vehicle:
    has = {name for name in ORDINARY if generator.random() < OPTIONAL.get(name, 1.0)}
    shift = {name: float(generator.normal(0, 0.35)) for name in ORDINARY}
    return _Vehicle(f"adt3-{number + 1:03d}", frozenset(has), shift)


def _clip(generator: np.random.Generator, clip_id: str, vehicle: _Vehicle, moment: float) -> FleetClip:
    scenario = _drawn(generator, PRIORS)
    kind = _drawn(generator, FIRES[scenario])
    priority = CATEGORIES.index(CATEGORY_OF[kind])
    day = int(moment)
    hour = (
        float(generator.uniform(20.5, 28.5))
        if scenario is Scenario.NIGHT_OPERATION
        else float(generator.normal(13, 3.6))
    )
    t_ns = START_NS + day * DAY_NS + int((hour % 24) * 3600e9)
    mean_s, spread_s = _SECONDS[priority]
    duration_s = float(np.clip(generator.normal(mean_s, spread_s), 5, 180))
    strength = float(generator.uniform(0.35, 1.3))
    samples = _samples(generator, scenario, vehicle, t_ns, strength, night=_is_night(hour))
    facts = _facts(generator, kind, priority, t_ns, duration_s, strength)
    label = scenario
    if generator.random() < _AMBIGUOUS:
        label = _NEIGHBOUR.get(scenario, Scenario.NORMAL_ROUTINE)
    size = int(duration_s * _BYTES_PER_S * float(np.exp(generator.normal(0, 0.25))))
    return FleetClip(clip_id, vehicle.name, day, label, facts, samples, size)


def _drawn(generator: np.random.Generator, odds: dict[Choice, float]) -> Choice:
    place = float(generator.random()) * sum(odds.values())
    for each, part in odds.items():
        place -= part
        if place < 0:
            return each
    return next(reversed(odds))


def _is_night(hour: float) -> bool:
    return hour % 24 < 5.5 or hour % 24 > 20.5


def _facts(
    generator: np.random.Generator, kind: str, priority: int, t_ns: int, duration_s: float, strength: float
) -> ClipFacts:
    others = [kind]
    while generator.random() < 0.15 and len(others) < 6:
        others.append(kind if generator.random() < 0.6 else list(CATEGORY_OF)[int(generator.integers(28))])
    has_value = generator.random() < 0.7
    hour = t_ns % DAY_NS / 3600e9
    return ClipFacts(
        type=kind,
        priority=priority,
        t_ns=t_ns,
        duration_s=duration_s,
        types=tuple(others),
        value=float(np.exp2(abs(generator.normal(0, 0.4)) + 0.3 * strength)) if has_value else None,
        threshold=1.0 if has_value else None,
        pre_roll_s=duration_s * float(generator.uniform(0.55, 0.75)),
        missing_parts=int(generator.poisson(0.25)),
        topic_count=int(generator.integers(38, 47)),
        truncated=bool(generator.random() < 0.02),
        sun_elevation_deg=45.0 * math.cos((hour - 13) / 24 * 2 * math.pi) + 5.0
        if generator.random() < 0.95
        else None,
    )


def _samples(
    generator: np.random.Generator,
    scenario: Scenario,
    vehicle: _Vehicle,
    t_ns: int,
    strength: float,
    *,
    night: bool,
) -> dict[str, Samples]:
    count = int(WINDOW_S * RATE_HZ)
    before_s = np.arange(count)[::-1] / RATE_HZ
    times = t_ns - (before_s * 1e9).astype(np.int64)
    effects: dict[str, list[Effect]] = {}
    for effect in (*EFFECTS[scenario], *_nuisances(generator, night=night)):
        effects.setdefault(effect.signal, []).append(effect)
    series: dict[str, NDArray[np.float64]] = {}
    for name, level in ORDINARY.items():
        values = _ordinary(generator, level, vehicle.shift[name], count)
        for effect in effects.get(name, ()):
            values = values + effect.amount * strength * float(generator.uniform(0.6, 1.4)) * _shape(
                effect.shape, before_s
            )
        series[name] = np.clip(values, level.low, level.high)
    series["log_light"] = np.log10(np.maximum(series["ambient_light"], 0.1))
    series |= _steps(generator, scenario, count)
    series |= _health(generator, effects.get("health_min", []), strength, before_s)
    kept = {
        name: Samples(times, values)
        for name, values in series.items()
        if (name in vehicle.has or name not in ORDINARY) and generator.random() >= FAILS
    }
    return _consistent(kept)


def _consistent(kept: dict[str, Samples]) -> dict[str, Samples]:
    """What comes in one message is there together or not at all."""
    for first, others in (
        (
            "objects",
            (
                "aircraft",
                "personnel",
                "ground_equipment",
                "nearest_object",
                "nearest_aircraft",
                "min_confidence",
                "mean_confidence",
            ),
        ),
        ("tracks", ("tracks_lost", "tracks_new", "tracks_switched", "track_age")),
        ("ambient_light", ("log_light",)),
        (
            "lidar_0_health",
            ("health_min", *(f"{lidar}_{what}" for lidar in LIDARS for what in ("health", "points"))),
        ),
    ):
        if first not in kept:
            for name in others:
                kept.pop(name, None)
    return kept


def _nuisances(generator: np.random.Generator, *, night: bool) -> list[Effect]:
    """What also happens, whatever the scenario is: weather, darkness, a crowd, a bad GPS corner."""
    found = []
    if night and generator.random() < 0.9:
        found.append(Effect("ambient_light", "level", -27_900))
    if generator.random() < 0.05:
        found += [Effect("rain_rate", "level", 2.0), Effect("visibility", "level", -3_500)]
    if generator.random() < 0.08:
        found += [
            Effect("objects", "level", 9),
            Effect("personnel", "level", 6),
            Effect("nearest_object", "level", -9),
        ]
    if generator.random() < 0.06:
        found += [Effect("position_std", "level", 0.2), Effect("innovation_norm", "level", 0.7)]
    if generator.random() < 0.05:
        found += [Effect("ood_score", "spike", 3.5)]
    if generator.random() < 0.06:
        found += [
            Effect("brake", "spike", 0.5),
            Effect("acceleration_x", "spike", -2.5),
            Effect("speed", "ramp", -2),
        ]
    if generator.random() < 0.05:
        found += [Effect("health_min", "level", -0.2)]
    return found


def _ordinary(generator: np.random.Generator, level: Level, shift: float, count: int) -> NDArray[np.float64]:
    mean = level.mean + level.spread * (shift + float(generator.normal()))
    values: NDArray[np.float64] = mean + level.noise * generator.standard_normal(count)
    return values


def _shape(shape: str, before_s: NDArray[np.float64]) -> NDArray[np.float64]:
    if shape == "level":
        return np.ones_like(before_s)
    if shape == "ramp":
        ramp: NDArray[np.float64] = np.clip(1 - before_s / 6.0, 0, 1)
        return ramp
    return (before_s <= 2.0).astype(np.float64)


def _steps(generator: np.random.Generator, scenario: Scenario, count: int) -> dict[str, NDArray[np.float64]]:
    """Signals that jump between a few values."""
    bad_gps = {Scenario.MAPPING_DISCREPANCY: 0.55, Scenario.CALIBRATION_DRIFT: 0.15}.get(scenario, 0.12)
    gps = np.zeros(count)
    if generator.random() < bad_gps:
        gps[int(generator.integers(count)) :] = int(generator.integers(1, 5))
    mode = np.zeros(count)
    taken_over = {Scenario.RARE_MANEUVER: 0.35, Scenario.NEAR_MISS: 0.25}.get(scenario, 0.05)
    if generator.random() < taken_over:
        mode[int(generator.integers(count)) :] = int(generator.integers(1, 5))
    return {"gps_status": gps, "drive_mode": mode}


def _health(
    generator: np.random.Generator, effects: list[Effect], strength: float, before_s: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Health and part of the points of each LiDAR; what makes one ill is one LiDAR, or all in bad weather."""
    count = len(before_s)
    ill = int(generator.integers(len(LIDARS)))
    series: dict[str, NDArray[np.float64]] = {}
    for number, lidar in enumerate(LIDARS):
        health = 0.97 + 0.01 * generator.standard_normal(count) - abs(float(generator.normal(0, 0.02)))
        for effect in effects:
            if number == ill or effect.amount > -0.15:
                health = health + effect.amount * strength * _shape(effect.shape, before_s)
        series[f"{lidar}_health"] = np.clip(health, 0, 1)
        points = health + 0.02 * generator.standard_normal(count)
        series[f"{lidar}_points"] = np.clip(points, 0, 1)
    series["health_min"] = np.min([series[f"{lidar}_health"] for lidar in LIDARS], axis=0)
    return series
