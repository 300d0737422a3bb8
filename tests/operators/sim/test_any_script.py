"""Whatever a valid script asks for, the run goes on and stays within its bounds."""

import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from winnow_operators.sim import Simulator
from winnow_operators.sim.incidents.director import HAPPENINGS, Director
from winnow_operators.sim.scene.things import MAX_THINGS
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.airside import STOPS

from .conftest import NEVER

incident = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(set(HAPPENINGS) - {"new_job"})), "at_s": st.floats(0, 29)}
)
job = st.fixed_dictionaries(
    {"kind": st.just("new_job"), "at_s": st.floats(0, 29), "to": st.sampled_from(STOPS)}
)


@given(
    st.lists(incident | job, max_size=12),
    st.lists(st.sampled_from(STOPS), min_size=2, max_size=4, unique=True),
    st.integers(0, 2**40),
)
# A failing run is shown as it is: shrinking would run the world hundreds of times.
@settings(deadline=None, max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_incidents_in_any_mixture_do_no_harm(make_script, incidents, stops, seed) -> None:
    legs = [{"to": stop, "stop_s": 1} for stop in [*stops[1:], stops[0]]]
    script = make_script(duration_s=30, route={"start": stops[0], "legs": legs}, incidents=incidents)
    director = Director(script, seed)
    while director.world.t_s < 30:
        tick = director.step()
        assert all(map(math.isfinite, tick.motion.pose))
        assert 0.0 <= tick.motion.speed_mps <= 7.0
        assert abs(tick.motion.pose.x) < 460
        assert -210 < tick.motion.pose.y < 165
        assert len(tick.things) <= MAX_THINGS
    truth = Simulator(script, seed).ground_truth()
    assert all(each.start_ns < each.end_ns for each in truth.expectations)


def test_two_of_a_kind_happen_one_after_the_other(make_script) -> None:
    presses = [{"kind": "gps_jamming", "at_s": 1, "hold_s": 3} for _ in range(2)]
    truth = Simulator(make_script(duration_s=20, incidents=presses), 1).ground_truth()
    first, second = truth.incidents
    assert first.over_ns is not None
    assert second.begun_ns is not None
    assert second.begun_ns >= first.over_ns


def test_different_lidars_may_be_dirty_at_once(make_script) -> None:
    dirt = [{"kind": "lidar_dirt", "at_s": 1, "lidar": number} for number in (2, 5)]
    first, second = Simulator(make_script(incidents=dirt), 1).ground_truth().incidents
    assert first.begun_ns == second.begun_ns


def test_more_than_fits_on_the_apron_is_one_sentence(make_script, monkeypatch) -> None:
    monkeypatch.setattr("winnow_operators.sim.scene.things.MAX_THINGS", 60)
    crossing = [{"kind": "crew_disembarks", "at_s": 1, "people": 16}]
    with pytest.raises(BadInputError, match="more time between its incidents"):
        Simulator(make_script(duration_s=30, incidents=crossing), 1).ground_truth()


@pytest.mark.parametrize("duration_s", [1.0, 1.03, 1.2345678])
@pytest.mark.parametrize("scale", [0.001, 0.003])
def test_odd_durations_and_tiny_scales(make_script, duration_s, scale) -> None:
    script = make_script(duration_s=duration_s)
    simulator = Simulator(script, 1, scale)
    messages = list(simulator.messages({"/imu/data": NEVER}))
    assert messages[-1].t_ns < simulator.end_ns
    cameras = [each for each in messages if each.channel.topic == "/camera/front/compressed"]
    assert len(cameras) == math.ceil((duration_s - 0.006) * 20 - 1e-9)
