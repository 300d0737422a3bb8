"""Deciding in order: (t_ns, topic, seq) up to the watermark, across ports, late ones counted, after kills too."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.vehicle_rig import Rings, Vehicle

from winnow_runtime.ring.view import RingView
from winnow_schemas.channel import Channel
from winnow_triggers.feed import Fed, SignalFeed

TOPICS = ("/a", "/b", "/c")
FOLLOWED = frozenset({"/a", "/b"})
MAX = 2**63 - 1

pushes = st.tuples(st.sampled_from(TOPICS), st.integers(min_value=0, max_value=300))
marks = st.tuples(st.just("mark"), st.integers(min_value=0, max_value=320))
kills = st.tuples(st.sampled_from(["kill", "save"]), st.just(0))
steps = st.lists(pushes | pushes | marks | kills, max_size=80)


def name(fed: Fed) -> tuple[int, str, int]:
    return fed.t_ns, fed.topic, int(fed.data)


@settings(max_examples=120, deadline=None)
@given(steps=steps)
def test_in_order_each_once_late_on_arrival(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        vehicle = Vehicle(Path(base))
        rings = Rings(vehicle, capacity=1 << 16, entries=128)
        rings.beat(0)
        view = RingView(rings.folder)
        feed = SignalFeed(view, FOLLOWED)
        pushed: list[tuple[int, str, int]] = []
        given_out: list[tuple[int, str, int]] = []
        saved, kept, promised, late = feed.snapshot(), 0, -(2**63), 0
        for what, value in steps:
            if what in TOPICS:
                seq = rings.seq.get(what[1:], 0) + 1
                rings.push(Channel(what, "json"), value, b"%d" % seq)
                if what in FOLLOWED:
                    pushed.append((value, what, seq))
            elif what == "mark":
                batch = [name(fed) for fed in feed.take(value)]
                assert batch == sorted(batch)
                late += sum(t_ns < promised for t_ns, _, _ in batch)
                promised = max(promised, value)  # a watermark may fall when the ring is restarted
                assert all(t_ns < promised for t_ns, _, _ in batch)
                given_out += batch
                assert feed.watermark_ns == promised
                assert feed.late == late
                # Everything that is due has been given out.
                due = {each for each in pushed if each[0] < promised}
                assert due <= set(given_out)
            elif what == "save":
                saved, kept = feed.snapshot(), len(given_out)
            else:
                feed = SignalFeed(RingView(rings.folder), FOLLOWED)
                feed.restore(saved)
                given_out = given_out[:kept]
                promised, late = feed.watermark_ns, feed.late
        given_out += [name(fed) for fed in feed.take(MAX)]
        assert sorted(given_out) == sorted(pushed)
        assert len(given_out) == len(set(given_out))
        assert feed.lost == 0
        view = None  # type: ignore[assignment]
        shutil.rmtree(rings.folder.path)


@settings(max_examples=50, deadline=None)
@given(
    messages=st.lists(st.tuples(st.sampled_from(sorted(FOLLOWED)), st.integers(0, 50)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_the_order_does_not_depend_on_when_it_is_asked(
    messages: list[tuple[str, int]], cuts: list[int], order: object
) -> None:
    """Within a port times may fall; a watermark is only moved over what has arrived."""

    def feed_all(cuts: list[int]) -> list[tuple[int, str, int]]:
        with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
            rings = Rings(Vehicle(Path(base)), capacity=1 << 16, entries=128)
            rings.beat(0)
            feed = SignalFeed(RingView(rings.folder), FOLLOWED)
            result = []
            for place, (topic, t_ns) in enumerate(messages):
                if place in cuts:
                    rest = min((each[1] for each in messages[place:]), default=MAX)
                    result += [name(fed) for fed in feed.take(rest)]
                rings.push(Channel(topic, "json"), t_ns, b"%d" % (rings.seq.get(topic[1:], 0) + 1))
            return result + [name(fed) for fed in feed.take(MAX)]

    assert feed_all(cuts) == feed_all([]) == sorted(feed_all([]))


def test_what_was_overwritten_before_it_was_looked_at_is_counted(tmp_path: Path) -> None:
    rings = Rings(Vehicle(tmp_path), capacity=1 << 16, entries=16)
    for t_ns in range(50):
        rings.value("/a", t_ns, t_ns)
    rings.beat()
    feed = SignalFeed(RingView(rings.folder), FOLLOWED)
    taken = [fed.t_ns for fed in feed.take(MAX)]
    assert taken == list(range(34, 50))
    assert feed.lost == 34
