import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.noise import TABLE_SIZE, Drift, Even, Normal, generator


def test_purposes_do_not_share_randomness() -> None:
    assert generator(1, "a").random() != generator(1, "b").random()
    assert generator(1, "a").random() != generator(2, "a").random()
    assert generator(1, "a").random() == generator(1, "a").random()


def test_normal_noise_has_its_statistics_and_its_bound() -> None:
    values = Normal(3, "x").block(17, TABLE_SIZE)
    assert abs(values.mean()) < 0.02
    assert values.std() == pytest.approx(1.0, abs=0.02)
    assert np.abs(values).max() <= 3.0


def test_a_block_depends_on_its_index_only() -> None:
    noise = Normal(3, "x")
    assert np.array_equal(noise.block(5, 100), Normal(3, "x").block(5, 100))
    assert not np.array_equal(noise.block(5, 100), noise.block(6, 100))
    assert noise.at(5) == noise.block(5, 1)[0]


@given(st.integers(0, 10**6), st.integers(5, 40), st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_no_value_of_even_noise_stands_out_among_its_predecessors(index: int, count: int, seed: int) -> None:
    """What the ground truth of innovation spikes relies on: three sigma are never reached by chance."""
    even = Even(seed, "x")
    window = np.array([even.at(index + k) for k in range(count)])
    assert np.abs(window).max() <= 1.0
    assert window[-1] <= window.mean() + 3.0 * window.std()
    assert window[-1] <= window[:-1].mean() + 3.0 * window[:-1].std()


@given(st.floats(0, 1e5), st.integers(0, 100))
@settings(deadline=None, max_examples=50)
def test_drift_is_bounded_and_slow(t_s: float, seed: int) -> None:
    drift = Drift(seed, "x")
    assert abs(drift.at(t_s)) <= 1.0
    assert abs(drift.at(t_s + 0.1) - drift.at(t_s)) < 0.05
