"""From events to clips on disk: every message that any window wants is in exactly the clips that hold its time."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips

from winnow_schemas.channel import Channel
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.sidecar import Sidecar, read_sidecar

SETTINGS: dict[str, Any] = {
    "recorder": {"enabled": False},
    "triggers": {"library": "none"},
    "clips": {"max_length_s": 10},
}
SECONDS = 60

events = st.lists(
    st.builds(
        lambda t, pre, post, name, topics: an_event(
            t, name, event_id=f"{name}-{t}", pre_roll_ns=pre * S, post_roll_ns=post * S, topics=topics
        ),
        st.integers(1, SECONDS - 2),
        st.integers(0, 9),
        st.integers(0, 9),
        st.sampled_from("abc"),
        st.sampled_from([[], [], ["/x"]]),
    ),
    max_size=8,
    unique_by=lambda event: event.event_id,
)


def stored(path: Path) -> list[tuple[str, int]]:
    with path.open("rb") as file:
        return [(c.topic, m.log_time) for _, c, m in make_reader(file, validate_crcs=True).iter_messages()]


@settings(max_examples=30, deadline=None)
@given(events=events)
def test_every_wanted_message_is_in_its_clips_once(events: list[TriggerEvent]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base), SETTINGS)
        rings = Rings(vehicle)
        everything = []
        for tick in range(SECONDS * 4):
            for topic in ("/x", "/y"):
                everything.append((topic, tick * S // 4))
                rings.push(Channel(topic, "json"), tick * S // 4, json.dumps(tick).encode())
        ready = cut_clips(vehicle, rings, sorted(events, key=lambda event: (event.t_ns, event.type)))
        held: list[tuple[Sidecar, list[tuple[str, int]]]] = []
        for clip in ready:
            sidecar = read_sidecar((vehicle.out / clip.path).with_suffix(".json"))
            inside = stored(vehicle.out / clip.path)
            assert sidecar.end_ns - sidecar.start_ns <= (10 if not sidecar.part else 19) * S
            topics = set(sidecar.wanted_topics) or {"/x", "/y"}
            assert inside == [
                each
                for each in everything
                if sidecar.start_ns <= each[1] < sidecar.end_ns and each[0] in topics
            ]
            assert sidecar.missing == []
            held.append((sidecar, inside))
        for event in events:
            named = [
                inside for sidecar, inside in held if event.event_id in {t.event_id for t in sidecar.triggers}
            ]
            found = [each for inside in named for each in inside]
            start, end = event.t_ns - event.pre_roll_ns, event.t_ns + event.post_roll_ns
            wanted = [
                each
                for each in everything
                if start <= each[1] < end and each[0] in (set(event.topics) or {"/x", "/y"})
            ]
            # Parts of a long window meet exactly; a pre-roll may lie in a part that is called after others.
            at_or_after = [each for each in wanted if each[1] >= event.t_ns]
            assert set(at_or_after) <= set(found)
            held_anywhere = [each for _, inside in held for each in inside]
            assert all(each in held_anywhere for each in wanted)
        vehicle.close()


@settings(max_examples=15, deadline=None)
@given(events=events, late=st.lists(st.integers(0, 12), min_size=16, max_size=16))
def test_the_order_of_arrival_does_not_matter(events: list[TriggerEvent], late: list[int]) -> None:
    """Messages that come late, but before their windows are cut, are where they belong; and nothing is charged twice."""
    everything = [(topic, tick * S // 4) for tick in range(SECONDS * 4) for topic in ("/x", "/y")]
    by_arrival = sorted(
        enumerate(everything), key=lambda item: item[1][1] + late[item[0] % len(late)] * S // 4
    )
    results = []
    for order in (everything, [message for _, message in by_arrival]):
        with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
            vehicle = Vehicle(
                Path(base), {**SETTINGS, "topics": {"/x": {"ratio": 0.5}, "/y": {"ratio": 1.0}}}
            )
            rings = Rings(vehicle)
            for topic, t_ns in order:
                rings.push(Channel(topic, "json"), t_ns, json.dumps(t_ns).encode())
            ready = cut_clips(vehicle, rings, sorted(events, key=lambda event: (event.t_ns, event.type)))
            cut = []
            for clip in ready:
                sidecar = read_sidecar((vehicle.out / clip.path).with_suffix(".json"))
                inside = stored(vehicle.out / clip.path)
                cut.append((sidecar.name, sidecar.charged_bytes, sidecar.upload_class, inside))
                sizes = {topic: content.payload_bytes for topic, content in sidecar.topic_contents.items()}
                assert sidecar.charged_bytes == sum(
                    int(size * (0.5 if topic == "/x" else 1.0)) for topic, size in sizes.items()
                )
                assert sidecar.upload_class == min(t.priority for t in sidecar.triggers)
                assert len(inside) == len(set(inside)) == sidecar.messages
                assert (sidecar.position.latitude_deg, sidecar.position.longitude_deg) == (48.0, 11.0)
            results.append(cut)
            vehicle.close()
    assert results[0] == results[1]


def test_budgets_and_caps_are_the_same_after_any_kill() -> None:
    from tests.nodes.vehicle_rig import live

    from winnow_extractor.node import run

    settings: dict[str, Any] = {
        **SETTINGS,
        "topics": {"/y": {"drop_order": 2, "ratio": 1.0}, "/x": {"ratio": 1.0}},
        "clips": {"max_length_s": 10, "budget_gb_per_day": {"P1": 3e-6}, "max_size_gb": {"P2": 1e-6}},
    }
    fired = [an_event(5), an_event(15), an_event(25, "capped", 2), an_event(35, "urgent", 0)]
    results = []
    for kills in ([], [30], [45, 10], [60, 3, 3, 25]):
        with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
            vehicle = Vehicle(Path(base), settings)
            rings = Rings(vehicle)
            for tick in range(160):
                for topic in ("/x", "/y"):
                    rings.push(Channel(topic, "raw"), tick * S // 4, bytes(80))
            rings.end()
            vehicle.feed("triggers", "events", {event.event_id: event for event in fired})
            for countdown in [*kills, None]:
                live(vehicle, "extractor", run, countdown)
            rows = [row for row in vehicle.decisions("extractor") if row[3] != "removed"]
            results.append((rows, vehicle.records("extractor", "clips")))
            vehicle.close()
    rows, clips = results[0]
    assert [row[3] for row in rows if row[0] == "clip"] == ["cut", "over budget", "cut", "cut"]
    assert [clip["types"] for clip in clips] == [["x"], ["capped"], ["urgent"]]
    assert [clip["messages"] for clip in clips] == [24, 12, 24]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("before", ["over budget", "capped", "other topics", "whole"])
def test_a_pre_roll_behind_a_split_is_never_lost_with_the_part_before(vehicle: Vehicle, before: str) -> None:
    """A P0 event right behind the split of a long window whose first part was not cut, or not with everything."""
    vehicle.settings = {
        **SETTINGS,
        "topics": {"/x": {"ratio": 1.0}, "/y": {"ratio": 1.0, "drop_order": 1}},
        "clips": {
            "max_length_s": 10,
            "budget_gb_per_day": {"P3": 1e-9 if before == "over budget" else 1.0},
            "max_size_gb": {"P3": 4e-6 if before == "capped" else 1.0},
        },
    }
    rings = Rings(vehicle)
    for tick in range(160):
        for topic in ("/x", "/y"):
            rings.push(Channel(topic, "raw"), tick * S // 4, bytes(80))
    topics = ["/x"] if before == "other topics" else []
    fired = [
        an_event(10, "long", 3, pre_roll_ns=5 * S, post_roll_ns=9 * S, topics=topics),
        an_event(15.5, "urgent", 0, pre_roll_ns=5 * S, post_roll_ns=S),
    ]
    ready = cut_clips(vehicle, rings, fired)
    urgent = next(clip for clip in ready if "urgent" in clip.types)
    assert urgent.start_ns / S == (15.0 if before == "whole" else 10.5)
    held = {message for clip in ready for message in stored(vehicle.out / clip.path)}
    wanted = {(topic, tick * S // 4) for topic in ("/x", "/y") for tick in range(42, 66)}
    assert wanted <= held
