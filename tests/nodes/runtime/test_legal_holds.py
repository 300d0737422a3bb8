"""Legal holds on disk: atomic, durable, strict with what others wrote."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import Kill, dying_at

from winnow_runtime import legal_holds
from winnow_runtime.legal_holds import LegalHolds
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.legal_hold import MOST_NS, LegalHold, covering, make_hold, parse_hold


def test_the_same_hold_twice_is_one(tmp_path: Path) -> None:
    holds = LegalHolds(tmp_path)
    first = holds.add(make_hold(5, 9, "case", 100))
    assert holds.add(make_hold(5, 9, "case", 200)) == first
    assert LegalHolds(tmp_path).read().spans == (first,)


def test_a_beginning_of_an_id_is_enough_if_only_one_begins_so(tmp_path: Path) -> None:
    holds = LegalHolds(tmp_path)
    one, two = holds.add(make_hold(5, 9, "a", 0)), holds.add(make_hold(5, 9, "b", 0))
    for wrong in ("", "xyz"):
        with pytest.raises(BadInputError, match="nothing was lifted"):
            holds.remove(wrong)
    assert holds.remove(one.hold_id) == one
    assert holds.read().spans == (two,)


@pytest.mark.parametrize(
    ("span", "reason", "words"),
    [
        ((5, 5), "", "not after its start"),
        ((0, MOST_NS + 1), "", "reaches beyond"),
        ((0, 1), "x" * 501, "501 characters"),
    ],
)
def test_what_is_no_hold(span: tuple[int, int], reason: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        make_hold(*span, reason, 0)


def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legal_holds, "MAX_HOLDS", 2)
    holds = LegalHolds(tmp_path)
    for end in (1, 2):
        holds.add(make_hold(0, end, "", 0))
    with pytest.raises(BadInputError, match="has 2 holds, which is the limit"):
        holds.add(make_hold(0, 3, "", 0))


def test_a_folder_that_takes_no_writes_says_so(tmp_path: Path) -> None:
    (tmp_path / "holds").write_text("a file where the folder belongs")
    with pytest.raises(UnavailableError, match="nothing was held"):
        LegalHolds(tmp_path).add(make_hold(0, 1, "", 0))
    assert LegalHolds(tmp_path).read().problems


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f'{{"hold_id": {text}}}'.encode())
)
def test_whatever_a_file_holds_is_a_hold_or_a_problem(data: bytes) -> None:
    with pytest.raises(BadInputError, match="nothing is deleted"):
        parse_hold(data, "x.json")


@settings(max_examples=25, deadline=None)
@given(countdown=st.integers(0, 12))
def test_killed_while_adding_it_is_there_or_it_is_not(
    tmp_path_factory: pytest.TempPathFactory, countdown: int
) -> None:
    out = tmp_path_factory.mktemp("out")
    undo = dying_at(countdown)
    try:
        LegalHolds(out).add(make_hold(0, 9, "case", 0))
        done = True
    except Kill:
        done = False
    finally:
        undo()
    there = LegalHolds(out).read()
    assert there.problems == ()
    assert len(there.spans) == 1 if done else len(there.spans) <= 1


@settings(max_examples=200, deadline=None)
@given(
    holds=st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 40)), max_size=5),
    start=st.integers(-60, 60),
    length=st.integers(0, 30),
)
def test_covering_is_overlap_of_half_open_spans(
    holds: list[tuple[int, int]], start: int, length: int
) -> None:
    spans = [LegalHold("0" * 12, first, first + size, "", n) for n, (first, size) in enumerate(holds)]
    window = set(range(start, start + max(length, 1)))
    overlapping = [hold for hold in spans if window & set(range(hold.start_ns, hold.end_ns))]
    assert covering(spans, start, start + length) == (overlapping[0] if overlapping else None)
