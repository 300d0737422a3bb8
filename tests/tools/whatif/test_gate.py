"""Gates: what they read, what they refuse, when they close."""

import pytest

from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_tools.whatif.comparing import compare
from winnow_tools.whatif.gate import CONDITIONS, Comparison, failures, parse_gates
from winnow_tools.whatif.summing import Sums, Volume

from .test_comparing import decided, event


def sums(name: str, clips: int, payload_bytes: int, over_budget: int = 0) -> Sums:
    volume = Volume(clips, 0, payload_bytes, payload_bytes)
    return Sums(name, {}, {}, volume, {priority: Volume() for priority in Priority}, (), over_budget)


def closed(texts: list[str], one: Sums, two: Sums, before=(), after=()) -> list[str]:
    pair = Comparison(one, two, [compare(decided(list(before)), decided(list(after)))])
    return failures(parse_gates(texts, compares=True), [one, two], [pair])


def test_lost_clips_and_lost_p0():
    args = (sums("a", 2, 10), sums("b", 1, 5), [event(20), event(60, "turn", 0)], [event(20)])
    (sentence,) = closed(["lost-clips"], *args)
    assert sentence.startswith("lost-clips: b against a: 1, allowed: 0")
    assert len(closed(["lost-p0"], *args)) == 1
    assert closed(["lost-clips=1", "lost-p0=1", "gained-clips", "changed-clips"], *args) == []


@pytest.mark.parametrize(
    ("gate", "is_closed"),
    [
        ("more-bytes", True),
        ("more-bytes=10%", False),
        ("more-bytes=9.9%", True),
        ("more-bytes=100B", False),
        ("more-bytes=0.099kB", True),
        ("more-clips=1", False),
        ("more-clips", True),
        ("more-clips=9%", True),
        ("over-budget=2", False),
        ("over-budget=1", True),
    ],
)
def test_limits(gate, is_closed):
    assert bool(closed([gate], sums("a", 10, 1000), sums("b", 11, 1100, over_budget=2))) is is_closed


def test_anything_is_more_than_nothing():
    assert closed(["more-bytes=1000%"], sums("a", 0, 0), sums("b", 1, 1))
    assert closed(["more-bytes=1000%"], sums("a", 0, 0), sums("b", 0, 0)) == []


@pytest.mark.parametrize(
    "text",
    ["", "lost", "lost-clips=", "lost-clips=3%", "lost-clips=-1", "more-bytes=5 GB", "more-bytes=5", "more-clips=5GB",
     "more-bytes=1e9%", "over-budget=x", "more-bytes=" + "9" * 400 + "%"],
)  # fmt: skip
def test_what_is_no_gate_is_refused_before_anything_is_read(text):
    with pytest.raises(BadInputError, match="nothing was read"):
        parse_gates([text], compares=True)


def test_comparing_needs_two_settings():
    for name in CONDITIONS:
        if name == "over-budget":
            assert parse_gates([name], compares=False)
        else:
            with pytest.raises(BadInputError, match="only one was given"):
                parse_gates([name], compares=False)
