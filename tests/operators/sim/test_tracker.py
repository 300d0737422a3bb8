import numpy as np

from winnow_operators.sim.scene.bodies import BODIES
from winnow_operators.sim.sensing.detector import Detection
from winnow_operators.sim.sensing.tracker import CONFIRM_HITS, Tracker

DT_S = 0.1


def detection(thing: int, x: float, y: float, kind: str = "catering_truck") -> Detection:
    body = BODIES[kind]
    return Detection(thing, body, x, y, 0.0, body.label, 0.9, np.zeros(11, np.float32), 20.0)


def run(tracker: Tracker, sweeps: int, *found: Detection) -> list:
    tracks = []
    for _ in range(sweeps):
        tracks = tracker.step(list(found), DT_S)
    return tracks


def test_a_track_is_reported_after_half_a_second() -> None:
    tracker = Tracker()
    assert run(tracker, CONFIRM_HITS - 1, detection(1, 0, 0)) == []
    assert len(run(tracker, 1, detection(1, 0, 0))) == 1


def test_a_track_survives_a_second_without_detections_and_then_is_another() -> None:
    tracker = Tracker()
    first = run(tracker, 10, detection(1, 0, 0))[0].number
    assert run(tracker, 9)[0].number == first
    assert run(tracker, 1, detection(1, 0, 0))[0].number == first
    assert run(tracker, 12) == []
    assert run(tracker, 10, detection(1, 0, 0))[0].number != first


def test_tracks_follow_what_moves_and_estimate_its_speed() -> None:
    tracker = Tracker()
    tracks = []
    for sweep in range(60):
        tracks = tracker.step([detection(1, 0.3 * sweep, 0.0)], DT_S)
    assert len(tracks) == 1
    assert abs(tracks[0].vx - 3.0) < 0.1
    assert abs(tracks[0].x - 0.3 * 59) < 0.3


def test_neighbours_keep_their_numbers() -> None:
    tracker = Tracker()
    people = [detection(number, 1.3 * number, 0.0, "person") for number in range(6)]
    before = {track.thing: track.number for track in run(tracker, 10, *people)}
    after = {track.thing: track.number for track in run(tracker, 20, *reversed(people))}
    assert before == after
    assert len(set(before.values())) == 6


def test_a_flicker_never_becomes_a_track() -> None:
    tracker = Tracker()
    for _ in range(20):
        assert run(tracker, 1, detection(1, 5, 5)) == []
        assert run(tracker, 3) == []
