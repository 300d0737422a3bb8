import random

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.dashcam.boxes import Box
from winnow_operators.dashcam.tracks.vehicles import VehicleSighting, carried_by, vehicle_passes

STEP_NS = 300_000_000
GAP_NS = 3_000_000_000


def coming_nearer(x: float, frames: int, klass: int = 2, first: int = 0) -> list[VehicleSighting]:
    """A car at the kerb that is driven up to: it grows and leaves to its side."""
    found = []
    for number in range(frames):
        size = 40 * 1.25**number
        left = x + (x - 500) * 0.2 * number
        box = Box(left, 300 - size / 3, left + size, 300 + size / 3)
        found.append(VehicleSighting((first + number) * STEP_NS, klass, 0.8, box))
    return found


def test_two_cars_are_two_passes():
    one, other = coming_nearer(600, 6), coming_nearer(200, 6, first=2)
    passes = vehicle_passes([*one, *other], most_gap_ns=GAP_NS)
    assert [each.sightings for each in passes] == [one, other]
    assert passes[0].best == one[-1]


def test_a_car_that_is_covered_for_a_moment_stays_one():
    car = coming_nearer(600, 8)
    assert len(vehicle_passes(car[:3] + car[4:], most_gap_ns=GAP_NS)) == 1
    later = [each._replace(t_ns=each.t_ns + 10 * GAP_NS) for each in car]
    assert len(vehicle_passes(car + later, most_gap_ns=GAP_NS)) == 2


def test_a_box_in_one_frame_is_none():
    assert vehicle_passes(coming_nearer(600, 1), most_gap_ns=GAP_NS) == []


def test_the_class_is_voted_by_scores():
    car = coming_nearer(600, 3)
    car[0] = car[0]._replace(klass=7, score=0.9)
    (one,) = vehicle_passes(car, most_gap_ns=GAP_NS)
    assert one.klass == 2


def test_a_plate_belongs_to_the_car_around_it():
    car = coming_nearer(600, 5)
    lorry = [each._replace(klass=7, box_xyxy=each.box_xyxy.grown(2, 5000, 5000)) for each in car]
    plate = [
        (each.t_ns, Box(*each.box_xyxy.centre, each.box_xyxy.centre[0] + 4, each.box_xyxy.centre[1] + 2))
        for each in car
    ]
    passes = vehicle_passes([*car, *lorry], most_gap_ns=GAP_NS)
    place = carried_by(plate, passes)
    assert place is not None
    assert passes[place].klass == 2
    assert carried_by([(0, Box(0, 0, 5, 5))], passes) is None
    assert carried_by([(7, plate[0][1])], passes) is None


@settings(deadline=None, max_examples=50)
@given(st.randoms(use_true_random=False), st.lists(st.floats(50, 900), min_size=1, max_size=4))
def test_the_order_of_frames_does_not_matter_and_nothing_is_lost(chance: random.Random, places: list[float]):
    sightings = [each for place in places for each in coming_nearer(place, 5)]
    shuffled = list(sightings)
    chance.shuffle(shuffled)
    one, other = (vehicle_passes(each, most_gap_ns=GAP_NS) for each in (sightings, shuffled))
    assert [each.sightings for each in one] == [each.sightings for each in other]
    for each in one:
        times = [sighting.t_ns for sighting in each.sightings]
        assert times == sorted(set(times)), "one vehicle is in one place at a time"
