"""Distances, zones and cells."""

import math

import pytest

from winnow_operators.condition import Condition, ConditionLimits, SignalSpec, make_zone
from winnow_operators.condition.units import parse_unit
from winnow_operators.condition.zones import check_zones
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalType

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
MAP = {"x": SignalSpec("x"), "y": SignalSpec("y")}
MAP_ROLES = {"x_m": "x", "y_m": "y"}
GEO = {
    "lat": SignalSpec("lat", SignalType.NUMBER, parse_unit("deg")),
    "lon": SignalSpec("lon", SignalType.NUMBER, parse_unit("deg")),
}
GEO_ROLES = {"latitude_deg": "lat", "longitude_deg": "lon"}


def drive(condition: Condition, places, step_ns: int = SECOND // 10, names=("x", "y")) -> list:
    answers = []
    for index, place in enumerate(places):
        t = T0 + index * step_ns
        condition.update(t, names[0], place[0])
        answers.append(condition.update(t, names[1], place[1]))
    return answers


def test_distance_is_that_of_the_path_and_unknown_before_the_first_fix() -> None:
    condition = Condition("distance_m(since=start) >= 30 m", MAP, position=MAP_ROLES)
    assert condition.update(T0, "x", 0.0) is None, "half a position is none"
    out = [(float(x), 0.0) for x in range(21)]
    back = [(20.0, float(y)) for y in range(1, 12)]
    answers = drive(condition, out + back)
    assert answers.index(True) == 30


def test_noise_at_rest_is_no_distance() -> None:
    condition = Condition("distance_m(since=start) > 1 m", MAP, position=MAP_ROLES)
    jitter = [(0.1 * math.sin(7 * i), 0.1 * math.cos(3 * i)) for i in range(3000)]
    assert not any(drive(condition, jitter))


def test_a_relocation_is_no_distance_but_is_counted() -> None:
    condition = Condition("distance_m(since=start) > 100 m", MAP, position=MAP_ROLES)
    assert not any(drive(condition, [(0.0, 0.0), (1.0, 0.0), (5000.0, 0.0), (5001.0, 0.0)]))
    assert condition.machine.position.relocations == 1


def test_distance_from_latitude_and_longitude() -> None:
    condition = Condition("distance_m(since=start) > 111 m", GEO, position=GEO_ROLES)
    north = [(52.0 + i * 1e-5, 10.0) for i in range(105)]
    answers = drive(condition, north, names=("lat", "lon"))
    # One degree of a great circle is 111.19 km; 1e-5 degrees are 1.11 m.
    assert answers.index(True) == 100
    east = Condition("distance_m(since=start) > 111 m", GEO, position=GEO_ROLES)
    answers = drive(
        east, [(60.0, 179.9995 + i * 1e-5 - 360 * (i > 49)) for i in range(205)], names=("lat", "lon")
    )
    assert answers.index(True) == 200, "cos 60 degrees is a half, and the date line is no wall"


def test_a_stale_position_is_unknown() -> None:
    signals = {**MAP, "z": SignalSpec("z")}
    condition = Condition("distance_m(since=start) < 1 km and z > 0", signals, position=MAP_ROLES)
    drive(condition, [(0.0, 0.0)])
    assert condition.update(T0, "z", 1.0) is True
    condition.advance(T0 + 6 * SECOND)
    assert condition.instants[0] == (T0 + 5 * SECOND, None)


SQUARE = make_zone("apron_1", "apron", [(0, 0), (10, 0), (10, 10), (0, 10)])
NOTCH = make_zone("apron_2", "apron", [(20, 0), (30, 0), (30, 10), (25, 5), (20, 10)])
STAND = make_zone("stand_1", "stand", [(5, 5), (8, 5), (8, 8), (5, 8)])


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("in_zone('apron_1')", (5.0, 5.0), True),
        ("in_zone(apron_1)", (11.0, 5.0), False),
        ("in_zone(kind=apron)", (25.0, 3.0), True),
        ("in_zone(kind=apron)", (25.0, 8.0), False),
        ("in_zone(kind='stand')", (6.0, 6.0), True),
        ("not in_zone(kind=runway)", (6.0, 6.0), True),
        ("in_zone(nowhere)", (6.0, 6.0), False),
    ],
)
def test_zones(text, place, expected) -> None:
    condition = Condition(text, MAP, position=MAP_ROLES)
    drive(condition, [place])
    assert condition.value() is None, "no map yet"
    condition.set_zones((SQUARE, NOTCH, STAND))
    assert condition.value() is expected


def test_zones_that_share_an_edge_leave_no_gap_and_do_not_overlap() -> None:
    west = make_zone("w", "a", [(0, 0), (5, 0), (5, 10), (0, 10)])
    east = make_zone("e", "a", [(5, 0), (10, 0), (10, 10), (5, 10)])
    assert [west.contains(5.0, 5.0), east.contains(5.0, 5.0)].count(True) == 1


@pytest.mark.parametrize(
    "points", [[], [(0, 0), (1, 1)], [(0, 0), (1, 0), (math.nan, 1)], [(0, 0), (1, 0), (1e300, 1)]]
)
def test_what_is_no_polygon_is_refused(points) -> None:
    with pytest.raises(BadInputError):
        make_zone("z", "a", points)


def test_a_map_has_limits() -> None:
    with pytest.raises(BadInputError, match="2001 zones"):
        check_zones([SQUARE] * 2001)


def test_new_cells_pulse_once_and_are_remembered() -> None:
    condition = Condition("new_cell(50 m)", MAP, position=MAP_ROLES)
    places = [(1.0, 1.0), (20.0, 1.0), (51.0, 1.0), (52.0, 1.0), (1.0, 1.0), (-1.0, 1.0)]
    assert drive(condition, places, step_ns=SECOND) == [True, False, True, False, False, True]


def test_new_cells_are_bounded() -> None:
    condition = Condition("new_cell(1 m)", MAP, position=MAP_ROLES, limits=ConditionLimits(max_cells=3))
    answers = drive(condition, [(float(x), 0.0) for x in (0, 1, 2, 3, 0)], step_ns=SECOND)
    assert answers == [True, True, True, True, True], "the first was forgotten for the fourth"
    assert condition.machine.overflowed == 2
