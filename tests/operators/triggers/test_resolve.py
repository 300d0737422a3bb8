"""The library and the settings put together, and what is wrong with them, with its place."""

import pytest

from winnow_operators.triggers import Inputs, resolve_triggers
from winnow_schemas.library import library_triggers
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import FileProblemsError, load_text

SUITE = "suite: standard\n"
FEW = """\
signals:
  estop: {topic: /stop, field: data, type: bool}
  ood_score: {topic: /ood, field: data}
  speed: {topic: /can, field: speed, unit: m/s}
"""


def resolve(text: str):
    document = load_text(text, "vehicle.yml")
    settings = validate(DeviceSettings, document)
    inputs = Inputs.of(settings.signals, settings.position, has_zones=bool(settings.zones))
    return resolve_triggers(settings.triggers, inputs, library_triggers(), document)


def messages(text: str) -> list[str]:
    return [str(problem) for problem in resolve(text).problems]


def test_the_whole_library_runs_on_the_standard_suite() -> None:
    resolution = resolve(SUITE)
    assert len(resolution.active) == 28
    assert resolution.inactive == {}
    assert resolution.require() == resolution.active


def test_triggers_without_their_signals_are_inactive_with_the_reason() -> None:
    resolution = resolve(FEW)
    assert set(resolution.active) == {"estop", "ood_spike", "time_sample"}
    assert len(resolution.inactive) == 25
    assert resolution.inactive["collision"] == (
        "it needs the signal 'collision_contact', not mapped under 'signals'"
    )
    assert resolution.inactive["deadlock"] == (
        "it needs the signal 'at_planned_stop', not mapped under 'signals'"
    )
    assert (
        resolution.inactive["distance_sample"]
        == "it needs the vehicle's position, not named under 'position'"
    )
    assert resolution.problems == []


def test_no_library() -> None:
    text = (
        FEW
        + "triggers:\n  library: none\n  set:\n    own: {when: estop, priority: P0, pre_roll_s: 1, post_roll_s: 1}\n"
    )
    assert set(resolve(text).active) == {"own"}


def test_changes_are_merged_param_by_param() -> None:
    active = resolve(
        SUITE
        + "triggers: {set: {ood_spike: {cooldown_s: 60, params: {threshold: 7}}, estop: {enabled: false}}}\n"
    )
    spike = active.active["ood_spike"]
    assert spike.params == {"threshold": 7.0, "ratio": 2.0, "floor": 0.1}
    assert (spike.cooldown_s, spike.pre_roll_s) == (60, 10)
    assert active.inactive == {"estop": "it is switched off in the settings"}


def test_a_library_trigger_with_another_condition() -> None:
    active = resolve(
        FEW + "triggers: {set: {deadlock: {when: 'for_at_least(speed < slow, 5 s)', params: {slow: 1}}}}\n"
    )
    assert active.problems == []
    assert active.active["deadlock"].priority.name == "P3"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            "ood_spike: {params: {treshold: 6}}",
            (
                "vehicle.yml:4:26: triggers.set.ood_spike.params.treshold: ood_spike has no such parameter; "
                "did you mean 'threshold'?"
            ),
        ),
        (
            "ood_spike: {params: {threshold: true}}",
            "vehicle.yml:4:26: triggers.set.ood_spike.params.threshold: True is not allowed; it must be a number",
        ),
        (
            "ood_spike: {cooldown: 6}",
            "vehicle.yml:4:17: triggers.set.ood_spike.cooldown: no such setting; did you mean 'cooldown_s'?",
        ),
        (
            "estop: {max_per_hour: 3}",
            (
                "vehicle.yml:4:5: triggers.set.estop: is not allowed; a P0 trigger is never limited; remove "
                "max_events, max_per_hour and max_per_day"
            ),
        ),
        (
            "estop: {params: 3}",
            "vehicle.yml:4:13: triggers.set.estop.params: 3 is not allowed; it must be a valid dictionary",
        ),
        (
            "'a b': {when: estop}",
            "vehicle.yml:4:5: 'a b' cannot be a trigger's name; letters, digits and '_', at most 64",
        ),
        (
            "own: {when: speed > 3 and sped > 1, priority: P1, pre_roll_s: 1, post_roll_s: 1}",
            (
                "vehicle.yml:4:31: triggers.set.own.when: There is no signal or parameter 'sped'; did you mean 'speed'?\n"
                "    speed > 3 and sped > 1\n"
                "                  ^^^^"
            ),
        ),
        (
            'own: {when: "speed > 3 m", priority: P1, pre_roll_s: 1, post_roll_s: 1}',
            (
                "vehicle.yml:4:18: triggers.set.own.when: A value in m/s cannot be compared with one in m.\n"
                "    speed > 3 m\n"
                "    ^^^^^^^^^^^"
            ),
        ),
        (
            "path_deviation: {clear_when: cross_track < spede}",
            (
                "vehicle.yml:4:48: triggers.set.path_deviation.clear_when: There is no signal or parameter 'spede'; "
                "did you mean 'speed'?\n"
                "    cross_track < spede\n"
                "                  ^^^^^"
            ),
        ),
    ],
)
def test_problems_have_places_and_suggestions(settings: str, expected: str) -> None:
    assert messages(SUITE + "triggers:\n  set:\n    " + settings + "\n") == [expected]


def test_a_condition_over_several_lines_has_the_place_of_its_key() -> None:
    text = SUITE + (
        "triggers:\n  set:\n    own:\n      priority: P1\n      pre_roll_s: 1\n      post_roll_s: 1\n"
        "      when: >-\n        speed > 3\n        and sped > 1\n"
    )
    (message,) = messages(text)
    assert message.startswith("vehicle.yml:8:7: triggers.set.own.when: There is no signal")
    assert message.endswith("    speed > 3 and sped > 1\n                  ^^^^")


def test_changing_a_trigger_that_cannot_run_is_a_problem() -> None:
    (message,) = messages(FEW + "triggers:\n  set:\n    collision: {cooldown_s: 3}\n")
    assert message == (
        "vehicle.yml:7:5: triggers.set.collision: it needs the signal 'collision_contact', not mapped under 'signals'; "
        "map it, or switch the trigger off (enabled: false)"
    )
    assert messages(FEW + "triggers:\n  set:\n    collision: {enabled: false}\n") == []


def test_a_misspelt_library_name_is_recognised() -> None:
    found = messages(FEW + "triggers:\n  set:\n    ood_spik: {cooldown_s: 3}\n")
    assert len(found) == 4
    assert all("did you mean the library's 'ood_spike'?" in message for message in found)
    off = messages(FEW + "triggers:\n  library: none\n  set:\n    ood_spike: {cooldown_s: 3}\n")
    assert all("the library is switched off" in message for message in off)


def test_all_problems_at_once() -> None:
    resolution = resolve(
        SUITE + "triggers: {set: {estop: {max_events: 1}, ood_spike: {x: 1}, a: {when: b}}}\n"
    )
    with pytest.raises(FileProblemsError) as caught:
        resolution.require()
    assert len(caught.value.problems) == len(resolution.problems) >= 5
