"""Numbered ports: what is new, repeated, lost, or to come again."""

from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.stream.numbering import Arrival, PortNumbering

arrivals = st.lists(st.integers(min_value=1, max_value=40), max_size=80)


@given(arrivals)
def test_without_resending_every_gap_is_counted_once(seqs: list[int]) -> None:
    port = PortNumbering()
    kept: list[int] = []
    lost = 0
    for seq in seqs:
        judged = port.judge(seq, resends=False)
        if judged.arrival is Arrival.NEW:
            kept.append(seq)
            lost += judged.lost
        else:
            assert judged == (Arrival.REPEATED, 0)
    assert kept == sorted(set(kept))
    assert len(kept) + lost == port.last == max(seqs, default=0)


@given(arrivals)
def test_with_resending_nothing_is_lost_and_nothing_out_of_order(seqs: list[int]) -> None:
    port = PortNumbering()
    kept = [seq for seq in seqs if port.judge(seq, resends=True).arrival is Arrival.NEW]
    assert kept == list(range(1, len(kept) + 1))
    assert port.last == len(kept)


@given(arrivals, st.integers(min_value=1, max_value=40))
def test_go_back_n_brings_everything(seqs: list[int], count: int) -> None:
    """Whatever arrived before: a source that sends again from the first missing number gets through."""
    port = PortNumbering()
    for seq in seqs:
        port.judge(seq, resends=True)
    for seq in range(port.last + 1, count + 1):
        assert port.judge(seq, resends=True) == (Arrival.NEW, 0)
    assert port.last >= count


def test_it_goes_on_where_a_predecessor_was() -> None:
    port = PortNumbering(last=7)
    assert port.judge(7, resends=False).arrival is Arrival.REPEATED
    assert port.judge(9, resends=True).arrival is Arrival.TOO_EARLY
    assert port.judge(9, resends=False) == (Arrival.NEW, 1)
