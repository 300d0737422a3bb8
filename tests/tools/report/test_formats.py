import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_tools.report.formats import (
    date_text,
    duration_text,
    number_text,
    percent_text,
    size_text,
    time_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (29_400_000, "29.4 MB"),
        (999_600_000, "1 GB"),
        (2.5e12, "2.5 TB"),
    ],
)
def test_sizes(value, text):
    assert size_text(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, ""),
        (0, 5, "0.0 %"),
        (5, 5, "100 %"),
        (999_999, 1_000_000, "99.9 %"),
        (1, 3, "33.3 %"),
        (7, 5, "100 %"),
        (-1, 5, "0.0 %"),
    ],
)
def test_shares_are_rounded_down(part, whole, text):
    assert percent_text(part, whole) == text


@given(st.integers(0, 10**18), st.integers(1, 10**18))
def test_only_all_of_it_is_100_percent(part, whole):
    assert (percent_text(part, whole) == "100 %") == (part >= whole)


@pytest.mark.parametrize(
    ("span_ns", "text"),
    [
        (0, "0 s"),
        (1_500_000_000, "1.5 s"),
        (35 * 10**9, "35 s"),
        (725 * 10**9, "12 min 5 s"),
        (2400 * 10**9, "40 min"),
        (28_800 * 10**9, "8 h 0 min"),
    ],
)
def test_durations(span_ns, text):
    assert duration_text(span_ns) == text


def test_moments_are_utc():
    t_ns = 1_795_158_000_250_000_000
    assert (date_text(t_ns), time_text(t_ns), time_text(t_ns, fine=True)) == (
        "2026-11-20",
        "07:00:00",
        "07:00:00.250",
    )
    assert time_text(2**63 - 1) == "23:47:16"


def test_numbers():
    assert [number_text(v) for v in (None, 10, 12.3456, 1234.5)] == ["", "10", "12.35", "1,234"]
