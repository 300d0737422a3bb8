"""Promises and messages on edges of their own: a watermark holds only once what it speaks of is here."""

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.stream import watermarks
from winnow_operators.stream.watermarks import ALL_TIME, NO_TIME, SourceProgress, joint_watermark


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=30),
    data=st.data(),
)
def test_every_message_older_than_the_watermark_is_here(
    times: list[tuple[int, int]], data: st.DataObject
) -> None:
    """The source sends in time order on two ports and promises after each; edges delay each on their own."""
    now = 0
    sent: list[list[int]] = [[], []]
    promises: list[tuple[int, tuple[int, ...], bool]] = []
    for port, step in times:
        now += step
        sent[port].append(now)
        promises.append((now, (len(sent[0]), len(sent[1])), False))
    promises.append((ALL_TIME, (len(sent[0]), len(sent[1])), True))
    progress = SourceProgress(2)
    arrived = [0, 0]
    last = NO_TIME
    while promises or any(arrived[port] < len(sent[port]) for port in (0, 1)):
        possible = [port for port in (0, 1) if arrived[port] < len(sent[port])]
        what = data.draw(st.sampled_from([*possible, *(["promise"] if promises else [])]))
        if what == "promise":
            watermark, seqs, end = promises.pop(0)
            progress.promise(watermark, seqs, end=end)
        else:
            assert isinstance(what, int)
            arrived[what] += 1
            progress.arrived(what, arrived[what])
            progress.settle()
        assert progress.watermark_ns >= last
        last = progress.watermark_ns
        for port in (0, 1):
            assert all(t_ns >= progress.watermark_ns for t_ns in sent[port][arrived[port] :])
        if progress.ended:
            assert arrived == [len(sent[0]), len(sent[1])]
    assert progress.ended
    assert progress.watermark_ns == ALL_TIME


def test_promises_of_another_graph_are_ignored() -> None:
    progress = SourceProgress(2)
    progress.promise(5, (0,), end=True)
    progress.promise(5, (0, 0, 0), end=True)
    assert not progress.ended
    assert progress.watermark_ns == NO_TIME


def test_promises_that_wait_are_bounded_and_the_newest_counts() -> None:
    progress = SourceProgress(1)
    for number in range(1, watermarks.PENDING_MAX + 500):
        progress.promise(number, (number,), end=False)
    progress.arrived(0, watermarks.PENDING_MAX + 499)
    progress.settle()
    assert progress.watermark_ns == watermarks.PENDING_MAX + 499


def test_a_source_that_vanishes_holds_nobody_back() -> None:
    progress = SourceProgress(1)
    progress.promise(10, (3,), end=False)
    progress.vanish()
    assert (progress.ended, progress.watermark_ns) == (True, ALL_TIME)


def test_several_sources_are_as_complete_as_the_slowest() -> None:
    first, second = SourceProgress(0), SourceProgress(0)
    first.promise(10, (), end=False)
    assert joint_watermark([first, second], 99, 5) == NO_TIME
    second.promise(7, (), end=False)
    assert joint_watermark([first, second], 99, 5) == 7


def test_without_a_source_that_speaks_lateness_is_bounded() -> None:
    assert joint_watermark([], 1000, 200) == 800
    assert joint_watermark([], NO_TIME, 200) == NO_TIME
