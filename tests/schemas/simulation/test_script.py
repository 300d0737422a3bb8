import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation import load_script, read_script
from winnow_schemas.simulation.script import SHIPPED
from winnow_schemas.yaml_source import FileProblemsError, load_text

GOOD = """\
name: mine
duration_s: 60
start: 2026-05-01T06:00:00+02:00
route:
  start: stand_2
  legs:
    - {to: bay_1}
    - {to: stand_2}
incidents:
  - {kind: estop_button, at_s: 5}
  - {kind: weather_change, at_s: 6, sky: fog}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(FileProblemsError) as caught:
        read_script(load_text(text, "mine.yml"))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scripts_load(name: str) -> None:
    script = load_script(name)
    assert script.name == name
    assert script.description


def test_a_script_of_ones_own_loads_from_a_file(tmp_path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(GOOD)
    script = load_script(path)
    assert script.start_ns == 1_777_608_000 * 1_000_000_000
    assert script.end_ns - script.start_ns == 60 * 1_000_000_000
    assert [incident.kind for incident in script.incidents] == ["estop_button", "weather_change"]


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(BadInputError, match=r"no script .dmo.; .*all28, demo, quiet"):
        load_script("dmo")


def test_all_problems_come_at_once_with_lines_and_what_is_allowed() -> None:
    text = GOOD.replace("duration_s: 60", "duration_s: -1").replace("start: stand_2", "start: stand_22")
    text = text.replace("kind: estop_button, at_s: 5", "kind: estop_buton, at_s: 5")
    text = text.replace("sky: fog", "sky: hail, strenght: 2")
    found = problems(text)
    assert len(found) == 5
    for line, words in (
        ("mine.yml:2:1: duration_s", "it must be >= 1"),
        ("mine.yml:5:3: route.start", "did you mean 'stand_2'?"),
        ("mine.yml:10:5: incidents.0", "kind 'estop_buton' is not known; did you mean 'estop_button'?"),
        ("mine.yml:11:37: incidents.1.sky", "'hail' is not allowed; allowed: 'rain', 'fog' or 'spray'"),
        ("mine.yml:11:48: incidents.1.strenght", "no such setting; did you mean 'strength'?"),
    ):
        assert any(each.startswith(line) and words in each for each in found), (line, found)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("{kind: estop_button, at_s: 5}", "{at_s: 5}"), "the setting 'kind' is required"),
        (
            ("{kind: estop_button, at_s: 5}", "{kind: estop_button}"),
            "incidents.0.at_s: this setting is required",
        ),
        (("at_s: 5", "at_s: 61"), "incident 1 (estop_button) begins at 61 s, but the run ends at 60 s"),
        (("2026-05-01T06:00:00+02:00", "2026-05-01T06:00:00"), "start:"),
        (("    - {to: bay_1}\n    - {to: stand_2}", "    []"), "it needs at least one leg"),
        (("{to: bay_1}", "{to: stand_2}"), "a leg from 'stand_2' to itself needs 'via'"),
        (("{to: bay_1}", "{to: south_240w}"), "there is no stop of that name"),
        (("{to: bay_1}", "{to: bay_1, via: [south]}"), "there is no station of that name"),
        (("name: mine", "name: ../mine"), "name:"),
        (("estop_button, at_s: 5", "lidar_dirt, at_s: 5, lidar: 8"), "incidents.0.lidar: 8 is not allowed"),
        (("name: mine", "nmae: mine"), "did you mean 'name'?"),
    ],
)
def test_what_cannot_be_is_refused(change: tuple[str, str], complaint: str) -> None:
    assert change[0] in GOOD
    found = problems(GOOD.replace(*change))
    assert any(complaint in each for each in found), found


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
@settings(deadline=None, max_examples=100)
def test_hostile_text_gives_a_sentence_and_never_anything_else(text: str) -> None:
    with pytest.raises(BadInputError):
        read_script(load_text(text, "x.yml"))


def test_too_many_incidents_are_refused() -> None:
    many = GOOD + "".join("  - {kind: flag_button, at_s: 1}\n" for _ in range(1001))
    assert any("incidents" in each for each in problems(many))
