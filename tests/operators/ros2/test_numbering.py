"""Counting by publishers' numbers, against a plain set of what came."""

from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.ros2.numbering import MAX_GAP, Numbering, PublisherNumbering, Verdict

STAMP = 1_000_000
"""A publisher's stamps grow with its numbers."""


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_whatever_the_order_each_number_is_kept_once_and_the_rest_is_lost(numbers: list[int]) -> None:
    publisher = PublisherNumbering()
    kept: list[int] = []
    lost = 0
    for number in numbers:
        judged = publisher.judge(number, number * STAMP)
        lost += judged.lost
        lost -= judged.verdict is Verdict.LATE
        if judged.verdict is not Verdict.REPEATED:
            kept.append(number)
    assert sorted(kept) == sorted(set(numbers))
    heard_from = numbers[0]
    never = set(range(heard_from, max(numbers) + 1)) - set(numbers)
    assert lost == len(never)


def test_a_cache_that_is_asked_again_repeats() -> None:
    publisher = PublisherNumbering()
    assert publisher.judge(7, 7).verdict is Verdict.NEW
    assert publisher.judge(7, 7).verdict is Verdict.REPEATED
    assert publisher.judge(8, 8).verdict is Verdict.NEW


def test_older_messages_of_a_cache_are_no_loss() -> None:
    publisher = PublisherNumbering()
    verdicts = [publisher.judge(number, number) for number in (9, 5, 6, 5, 10)]
    assert [judged.verdict for judged in verdicts] == [
        Verdict.NEW,
        Verdict.UNNUMBERED,
        Verdict.UNNUMBERED,
        Verdict.REPEATED,
        Verdict.NEW,
    ]
    assert sum(judged.lost for judged in verdicts) == 0


def test_a_publisher_that_counts_anew_is_told_by_its_clock() -> None:
    publisher = PublisherNumbering()
    publisher.judge(500, 1000)
    assert publisher.judge(1, 2000).verdict is Verdict.ANEW
    assert publisher.judge(2, 2001).verdict is Verdict.NEW
    assert publisher.judge(4, 2003).lost == 1


def test_an_absurd_step_is_no_gap() -> None:
    publisher = PublisherNumbering()
    publisher.judge(1, 1)
    judged = publisher.judge(MAX_GAP + 100, 2)
    assert (judged.verdict, judged.lost) == (Verdict.ANEW, 0)


def test_numbers_that_are_none_are_kept() -> None:
    publisher = PublisherNumbering()
    assert {publisher.judge(number, 0).verdict for number in (0, 0, -5)} == {Verdict.UNNUMBERED}


def test_a_checkpoint_recognises_repetitions_and_counts_what_came_meanwhile() -> None:
    before = Numbering()
    for number in (1, 2, 3):
        before.judge("/t", b"g", number, number)
    after = Numbering()
    for topic, gid, last, newest_ns in before.snapshot():
        after.remember(topic, gid, PublisherNumbering(last, newest_ns))
    assert after.judge("/t", b"g", 3, 3).verdict is Verdict.REPEATED
    judged = after.judge("/t", b"g", 6, 6)
    assert (judged.lost, judged.first, judged.last, judged.while_down) == (2, 4, 5, True)
    assert not after.judge("/t", b"g", 8, 8).while_down


def test_publishers_beyond_the_limit_are_forgotten_oldest_first() -> None:
    numbering = Numbering()
    for number in range(10_002):
        numbering.judge("/t", number.to_bytes(16, "big"), 1, 1)
    assert len(numbering) == 10_000
    assert numbering.forgotten == 2
    assert numbering.judge("/t", (0).to_bytes(16, "big"), 1, 1).verdict is Verdict.NEW
