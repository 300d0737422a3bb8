import math

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.sim.travel.barrier import KEEP_M, restrict
from winnow_operators.sim.travel.frenet import TOTAL, Obstacle, choose_offset, evaluate
from winnow_operators.sim.travel.vehicle import MAX_BRAKE_MPS2

HALF_EGO_M = 1.6


def wall(gap_m: float, lateral_m: float = 0.0, half_across_m: float = 3.0) -> Obstacle:
    """Something across the way, ``gap_m`` from the bumper of a vehicle at 0."""
    return Obstacle(gap_m + HALF_EGO_M + 0.5, lateral_m, 0.5, half_across_m, 0.0, 0.0)


@given(st.floats(0.5, 7), st.floats(3, 60))
@settings(deadline=None, max_examples=100)
def test_the_filter_keeps_its_distance_whenever_it_physically_can(speed: float, gap: float) -> None:
    """With a planner that only accelerates, a vehicle under the filter stops before the wall."""
    if speed * speed / (2 * (gap - KEEP_M)) > 3.5:
        return
    position = 0.0
    for _ in range(2000):
        filtered = restrict(1.0, speed, position, 0.0, [wall(gap)])
        speed = max(0.0, speed + filtered.accel_mps2 * 0.02)
        position += speed * 0.02
        assert position < gap


@given(st.floats(0, 7), st.floats(0.1, 60), st.floats(-2, 1.2))
@settings(deadline=None)
def test_an_intervention_is_a_share_and_only_ever_brakes(speed: float, gap: float, planned: float) -> None:
    filtered = restrict(planned, speed, 0.0, 0.0, [wall(gap)])
    assert 0.0 <= filtered.intervention <= 1.0
    assert -MAX_BRAKE_MPS2 <= filtered.accel_mps2 <= planned
    assert (filtered.intervention > 0) == (filtered.accel_mps2 < planned)


def test_the_filter_leaves_comfortable_braking_alone() -> None:
    filtered = restrict(-1.1, 5.8, 0.0, 0.0, [wall(18.0)])
    assert (filtered.accel_mps2, filtered.intervention) == (-1.1, 0.0)
    assert restrict(1.0, 5.8, 0.0, 0.0, [wall(4.0, lateral_m=6.0)]).intervention == 0.0
    assert restrict(1.0, 5.8, 0.0, 0.0, []).gap_m == math.inf


def test_what_moves_into_the_way_counts_before_it_is_there() -> None:
    person = Obstacle(8.0, -2.2, 0.3, 0.3, 0.0, 1.9)
    assert restrict(0.0, 5.8, 0.0, 0.0, [person]).intervention > 0.2
    assert restrict(0.0, 5.8, 0.0, 0.0, [person._replace(speed_across_mps=-1.9)]).intervention == 0.0


def test_candidates_run_out_before_a_wall_and_not_on_a_free_road() -> None:
    assert TOTAL == 420
    free = evaluate(0.0, 0.0, 5.8, 0.0, [])
    assert free.feasible_count > 380
    assert free.chosen_cost == 10.0
    assert len(free.costs) == free.feasible_count
    blocked = evaluate(0.0, 0.0, 0.0, 0.0, [wall(1.9, half_across_m=7.0)])
    assert blocked.feasible_count < 10
    assert blocked.chosen_cost > free.chosen_cost


def test_the_way_around_a_parked_truck_is_on_its_free_side() -> None:
    assert choose_offset(0.0, 0.0, []) == 0.0
    assert choose_offset(0.0, 0.0, [wall(15.0, half_across_m=1.25)]) >= 2.3
    assert choose_offset(0.0, 0.0, [wall(15.0, half_across_m=7.0)]) == 0.0
    moving = wall(15.0, half_across_m=1.25)._replace(speed_across_mps=2.0)
    assert choose_offset(0.0, 0.0, [moving]) == 0.0


def test_passing_narrowly_costs() -> None:
    sides = [wall(6.0, lateral_m=side * 2.7, half_across_m=1.25) for side in (-1, 1)]
    tight = evaluate(0.0, 0.0, 3.0, 0.0, sides)
    assert tight.chosen_cost > 15.0
    assert tight.feasible_count >= 10
