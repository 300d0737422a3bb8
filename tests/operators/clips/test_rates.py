"""Rates and gaps."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.clips.rates import pace

S = 1_000_000_000


def test_a_steady_topic_has_a_rate_and_no_gap():
    found = pace(np.arange(0, 10 * S, S // 10, dtype=np.int64))
    assert (found.messages, found.rate_hz, found.period_s, found.gaps) == (100, 10.0, 0.1, 0)


def test_a_pause_is_found_and_dated():
    times = [t for t in range(0, 10 * S, S // 10) if not 4 * S < t < 6 * S]
    found = pace(np.array(times, np.int64))
    assert (found.gaps, found.longest_s, found.longest_at_ns) == (1, 2.0, 4 * S)


def test_one_message_has_no_pace():
    assert pace(np.array([5], np.int64)).rate_hz is None
    assert pace(np.array([], np.int64)).messages == 0
    assert pace(np.array([5, 5, 5], np.int64)).longest_s is None


@settings(max_examples=80, deadline=None)
@given(times=st.lists(st.integers(-(2**61), 2**61), min_size=2, max_size=30, unique=True), data=st.data())
def test_the_order_does_not_matter_and_the_longest_pause_is_one(times: list[int], data: st.DataObject):
    found = pace(np.array(times, np.int64))
    assert found == pace(np.array(data.draw(st.permutations(times)), np.int64))
    assert found.longest_at_ns is not None
    assert found.longest_s is not None
    ordered = sorted(times)
    place = ordered.index(found.longest_at_ns)
    pauses = [after - before for before, after in pairwise(ordered)]
    assert pauses[place] == max(pauses)
    assert found.longest_s == max(pauses) / 1e9
