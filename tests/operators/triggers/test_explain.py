"""Triggers in words."""

import pytest
from tests.operators.triggers.rig import INPUTS, SIGNALS, trigger

from winnow_operators.triggers import Inputs, explain
from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.settings.triggers import TriggersSettings


def firing(when: str, **changes) -> str:
    return explain("t", trigger(when, **changes), INPUTS)[1]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("flag", "flag is true"),
        ("not flag", "flag is not true"),
        ("speed > 30 km/h", "speed is above 8.33333 m/s"),
        ("x >= limit", "x is at least limit (3)"),
        ("x > 2 * limit", "x is above 2 * limit (6)"),
        ("status in (a, b) and x != 3", "status is a or b and x is not 3"),
        ("flag or x > 1 and x < 2", "flag is true or (x is above 1 and x is below 2)"),
        ("x > 2 * median(x, 5 s, min_samples=10)", "x is above 2 times the median of x over the last 5 s (from 10 messages on)"),
        ("percentile(x, 90, 2 min) < x", "the value that 90 % stay below, of x over the last 2 min is below x"),
        ("count(x > 3, 1 h) > 2", "the number of messages with x is above 3 over the last 60 min is above 2"),
        ("rate(x, 5 s) < 3 Hz", "the rate of x in messages per second over the last 5 s is below 3 1/s"),
        ("for_at_least(x < 1, 10 s)", "for at least 10 s without a break, x is below 1"),
        ("falling(status == ok)", "that status is ok has just become false"),
        ("edge(status)", "status has just changed"),
        ("previous(x) < -x", "the previous x is below minus x"),
        ("stale(x, 2 s)", "x has not been heard of for 2 s"),
        ("every(30 min)", "another 30 min of message time have passed"),
        ('schedule("08:00", days="mon")', "it is 08:00 on Mondays"),
        ('time_of_day("22:00", "05:30")', "it is between 22:00 and 05:30"),
        ("distance_m(since=fired) > 5 km", "the distance travelled since it last fired is above 5000 m"),
        ("in_zone(kind=apron)", "the vehicle is in a zone of the kind 'apron'"),
        ("new_cell(50 m)", "the vehicle enters a square of 50 m for the first time"),
        ('has_word(status, "flag")', "status contains the word 'flag'"),
        ("hypot(x, y) > max(abs(x), 3)", "the length of x and y is above the largest of the magnitude of x and 3"),
    ],
)  # fmt: skip
def test_conditions_in_words(when: str, words: str) -> None:
    assert firing(when, params={"limit": 3.0}) == f"It fires when this becomes true: {words}."


def test_everything_that_a_trigger_does() -> None:
    settings = trigger(
        "speed > 30 km/h",
        clear_when="speed < 20 km/h",
        description="Too fast for the apron.",
        cooldown_s=10,
        min_gap_s=2,
        max_per_hour=3,
        topics=["/can"],
    )
    assert explain("fast", settings, INPUTS, TriggersSettings(), SIGNALS) == [
        "fast has priority P1: Too fast for the apron.",
        (
            "It fires when this becomes true: speed is above 8.33333 m/s; and again only after this has been true: "
            "speed is below 5.55556 m/s."
        ),
        "It reads speed, a number signal in km/h from speed of /can, unknown after 5 s without a message.",
        "It asks for a clip of 1 topic, from 10 s before to 5 s after.",
        "After firing it waits 10 s.",
        "It must have been clear for 2 s before it fires again.",
        "It fires at most 3 times in any hour.",
        "More than 12 events in a minute mute it for 5 min.",
    ]


def test_levels_and_p0_say_what_is_different() -> None:
    lines = explain("t", trigger("flag", mode="level", priority="P0"), INPUTS)
    assert "It fires at every message at which this holds: flag is true." in lines
    assert lines[-1] == "Nothing mutes or limits it."


@pytest.mark.parametrize("name", library_triggers())
def test_every_library_trigger_can_be_explained(name: str) -> None:
    suite = standard_suite()
    inputs = Inputs.of(suite.signals, suite.position, has_zones=True)
    lines = explain(name, library_triggers()[name].settings(), inputs, signals=suite.signals)
    assert len(lines) >= 4
    assert all(line.endswith(".") and "None" not in line for line in lines)
    for signal in library_triggers()[name].signals:
        assert any(line.startswith(f"It reads {signal},") for line in lines)
