"""The tables of the documentation are those of the code."""

import re
from pathlib import Path

import pytest

from winnow_operators.condition import Scope, check, signal_specs
from winnow_operators.condition.functions import ALL
from winnow_schemas.errors import BadInputError
from winnow_schemas.library import standard_suite
from winnow_tools.reference import TABLES, refreshed, write

DOCS = Path(__file__).parents[2] / "docs"
OURS = ("conditions.md", "triggers.md", "detectors.md", "settings.md", "simulator.md")


@pytest.mark.parametrize("name", OURS)
def test_tables_are_up_to_date(name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    assert refreshed(text) == text, "run winnow_tools.reference.write(Path('docs'))"


def test_every_table_is_used() -> None:
    text = "".join((DOCS / name).read_text("utf-8") for name in OURS)
    assert set(re.findall(r"<!-- table: ([a-z]+) -->", text)) == set(TABLES)


def test_writing_changes_stale_files_only(tmp_path) -> None:
    stale = tmp_path / "a.md"
    stale.write_text("x\n<!-- table: limits -->\nold\n<!-- end -->\n")
    (tmp_path / "b.md").write_text("nothing\n")
    assert write(tmp_path) == [stale]
    assert "max_depth" in stale.read_text()
    assert write(tmp_path) == []


def test_an_unknown_table_is_told() -> None:
    with pytest.raises(BadInputError, match="no table 'colours'"):
        refreshed("<!-- table: colours -->\n<!-- end -->")


def test_the_examples_of_the_documentation_are_valid() -> None:
    suite = standard_suite()
    scope = Scope(signal_specs(suite.signals), {"threshold": 1.0}, {"msg.data": "ood_score"})
    text = "".join((DOCS / name).read_text("utf-8") for name in OURS)
    examples = [line.strip() for line in re.findall(r"^ *(?:when|clear_when): (.+)$", text, re.MULTILINE)]
    assert len(examples) >= 7
    for example in examples:
        check(example, scope)


def test_the_signatures_of_functions_are_valid() -> None:
    from winnow_operators.condition import SignalSpec
    from winnow_schemas.settings.signals import SignalType

    signals = {
        **{name: SignalSpec(name) for name in "xy"},
        "c": SignalSpec("c", SignalType.BOOL),
        "s": SignalSpec("s", SignalType.TEXT),
    }
    numbers = {"low": 0.0, "high": 1.0}
    for name, function in ALL.items():
        example = function.signature.replace("has_word(x", "has_word(s")
        is_truth = name in (
            "rising",
            "falling",
            "edge",
            "for_at_least",
            "stale",
            "every",
            "schedule",
            "time_of_day",
        )
        is_truth = is_truth or name in ("in_zone", "new_cell", "has_word")
        check(example if is_truth else f"{example} > x", Scope(signals, numbers))
