"""What the language accepts and what it means."""

import pytest

from winnow_operators.condition import Condition, Scope, SignalSpec, check
from winnow_operators.condition.units import parse_unit
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalSettings, SignalType

T0 = 1_700_000_000_000_000_000
SIGNALS = {
    name: SignalSpec(name, kind, parse_unit(unit) if unit else None)
    for name, kind, unit in [
        ("speed", SignalType.NUMBER, "m/s"),
        ("distance", SignalType.NUMBER, "m"),
        ("gap", SignalType.NUMBER, "s"),
        ("heading", SignalType.NUMBER, "deg"),
        ("temperature", SignalType.NUMBER, "degC"),
        ("value", SignalType.NUMBER, ""),
        ("gear", SignalType.NUMBER, "1"),
        ("flag", SignalType.BOOL, ""),
        ("night", SignalType.BOOL, ""),
        ("fog", SignalType.BOOL, ""),
        ("status", SignalType.TEXT, ""),
        ("aircraft_type", SignalType.TEXT, ""),
    ]
}


def answer(text: str, values: dict, **options) -> bool | None:
    """The answer after one message of each signal."""
    condition = Condition(text, SIGNALS, **options)
    result = None
    for name, value in values.items():
        result = condition.update(T0, name, value)
    return result


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("speed > 3 m/s", {"speed": 3.1}, True),
        ("speed > 3", {"speed": 3.0}, False),
        ("speed > 30 km/h", {"speed": 8.34}, True),
        ("speed > 30 km/h", {"speed": 8.33}, False),
        ("speed>30km/h", {"speed": 9.0}, True),
        ("distance < 1e-1 km", {"distance": 99.0}, True),
        ("distance < .5m", {"distance": 0.4}, True),
        ("gap > 250 ms", {"gap": 0.26}, True),
        ("heading > 90 deg", {"heading": 91.0}, True),
        ("heading > 90°", {"heading": 89.0}, False),
        ("heading > 1.6 rad", {"heading": 91.0}, False),
        ("temperature < -5 degC", {"temperature": -6.0}, True),
        ("temperature < -5 degC", {"temperature": -4.0}, False),
        ("speed < -3 m/s", {"speed": -4.0}, True),
        ("speed / 2 s > 1 m/s2", {"speed": 3.0}, True),
        ("speed * 2 s > distance", {"speed": 3.0, "distance": 5.0}, True),
        ("speed**2 > 8 m/s * 1 m/s", {"speed": 3.0}, True),
        ("1 < speed < 3", {"speed": 2.0}, True),
        ("1 < speed < 3", {"speed": 3.0}, False),
        ("gear == 3", {"gear": 3}, True),
        ("gear in (1, 3)", {"gear": 3}, True),
        ("gear not in (1, 3)", {"gear": 2}, True),
        ("value % 10 == 3", {"value": 13.0}, True),
        ("abs(value) > 2", {"value": -3.0}, True),
        ("clamp(value, 0, 1) == 1", {"value": 7.0}, True),
        ("sqrt(value) == 3", {"value": 9.0}, True),
        ("hypot(value, 4) == 5", {"value": 3.0}, True),
        ("min(value, 2, 7) == 2", {"value": 3.0}, True),
        ("max(value, 2, 7) == 7", {"value": 3.0}, True),
        ("max(gap, 3) == 3", {"gap": 1.0}, True),
        ("-value > 2", {"value": -3.0}, True),
        ("+value > 2", {"value": 3.0}, True),
        ("not flag", {"flag": False}, True),
        ("flag == True", {"flag": True}, True),
        ("flag != false", {"flag": True}, True),
        ("night AND fog", {"night": True, "fog": True}, True),
        ("night Or fog", {"night": False, "fog": True}, True),
        ("NOT night and fog", {"night": False, "fog": True}, True),
        ("aircraft_type == widebody", {"aircraft_type": "widebody"}, True),
        ("widebody == aircraft_type", {"aircraft_type": "narrowbody"}, False),
        ("aircraft_type != 'widebody'", {"aircraft_type": "narrowbody"}, True),
        ("status in (breach, 'warning')", {"status": "warning"}, True),
        ("status not in (breach, 'warning')", {"status": "inside"}, True),
        ("status in (breach)", {"status": "breach"}, True),
        ("status == aircraft_type", {"status": "a", "aircraft_type": "a"}, True),
        ('has_word(status, "flag")', {"status": "Flag this, please"}, True),
        ("has_word(status, flag_)", {"status": "flags"}, False),
        ("(((speed > 3)))", {"speed": 4.0}, True),
        ("speed > 3 m/s\n  and\n\tflag", {"speed": 4.0, "flag": True}, True),
        ("speed > 3 m/s and flag or night", {"speed": 1.0, "flag": True, "night": True}, True),
    ],
)
def test_meaning(text: str, values: dict, expected: bool) -> None:
    assert answer(text, values) is expected


def test_the_documents_own_forms() -> None:
    aliases = {"msg.data": "value"}
    assert answer("msg.data > 0.1", {"value": 0.2}, aliases=aliases) is True
    assert answer("msg.data == True", {"flag": True}, aliases={"msg.data": "flag"}) is True
    both = Condition("msg.data > 5.0 and msg.data > 2.0 * rolling_median", SIGNALS, aliases=aliases)
    for step in range(9):
        both.update(T0 + step, "value", 3.0)
    assert both.update(T0 + 9, "value", 7.0) is True, "the tenth sample in 5 s"
    assert both.update(T0 + 10, "value", 5.5) is False, "not twice the median"


def test_params_are_constants_of_their_type() -> None:
    params = {"threshold": 5, "on": True, "word": "breach", "hold": 2.0}
    assert answer("value > threshold", {"value": 5.5}, params=params) is True
    assert answer("on and flag", {"flag": True}, params=params) is True
    assert answer("status == word", {"status": "breach"}, params=params) is True
    held = Condition("for_at_least(flag, hold)", SIGNALS, params=params)
    held.update(T0, "flag", True)
    held.advance(T0 + 3_000_000_000)
    assert held.instants == [(T0 + 2_000_000_000, True)]


def test_equal_parts_have_equal_keys_however_they_are_written() -> None:
    scope = Scope(SIGNALS)
    one = check("speed>36km/h AND flag", scope)
    two = check("(speed > 10 m/s) and flag", scope)
    assert one.key == two.key


def test_units_of_signals_are_converted_and_unit_arithmetic_is_checked() -> None:
    kmh = {"v": SignalSpec("v", SignalType.NUMBER, parse_unit("km/h"))}
    condition = Condition("v > 10 m/s", kmh)
    assert condition.update(T0, "v", 35.9) is False
    assert condition.update(T0 + 1, "v", 36.1) is True
    assert str(parse_unit("m/s2").dimension) == "m/s2"
    assert parse_unit("mm/h").factor == pytest.approx(1e-3 / 3600)


@pytest.mark.parametrize("unit", ["parsec", "m/", "m//s", "m s", "", "m/degC", "m^", "3m", "m" * 40])
def test_bad_units_are_refused(unit: str) -> None:
    with pytest.raises(BadInputError):
        parse_unit(unit)


def test_a_unit_belongs_to_a_number_signal() -> None:
    from winnow_operators.condition import signal_specs

    settings = {"s": SignalSettings(topic="/s", field="data", type=SignalType.TEXT, unit="m")}
    with pytest.raises(BadInputError, match="'s' is of type text and cannot have the unit 'm'"):
        signal_specs(settings)


def test_values_as_they_arrive() -> None:
    import numpy as np

    condition = Condition("value > 3 and flag and status == ok", SIGNALS)
    condition.update(T0, "value", np.float32(4.0))
    condition.update(T0, "flag", np.uint8(1))
    assert condition.update(T0, "status", np.str_("ok")) is True
    assert condition.update(T0, "flag", 2) is None, "2 is no yes or no"
    assert condition.update(T0, "flag", True) is True
    assert condition.update(T0, "value", "4") is None, "a text is no number"
    assert condition.update(T0, "value", 4) is True
    assert condition.update(T0, "status", "x" * 300) is None
    assert condition.update(T0, "status", b"ok") is None
    assert condition.machine.mistyped == 4
