"""Selection, ports and stamps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.ros2.ports import PortPlan
from winnow_operators.ros2.selection import TopicSelection
from winnow_operators.ros2.stamps import ReceiveTime, TimeSource, log_time_ns


@pytest.mark.parametrize(
    ("pattern", "topic", "wanted"),
    [
        ("**", "/a/b", True),
        ("/a", "/a", True),
        ("/a", "/ab", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab", False),
        ("/**/image", "/image", True),
        ("/**/image", "/camera/front/image", True),
        ("/**/image", "/camera/image_raw", False),
        ("/cam?/x", "/cam1/x", True),
        ("/cam?/x", "/cam/x", False),
        ("/a.b", "/axb", False),
        ("a/b", "/a/b", True),
    ],
)
def test_patterns(pattern: str, topic: str, wanted: bool) -> None:
    assert TopicSelection([pattern]).wants(topic) is wanted
    assert not TopicSelection(["**"], [topic]).wants(topic)


def test_names_are_known_before_anything_is_heard() -> None:
    selection = TopicSelection(["/a", "/b", "/c/*", "d"], ["/b"])
    assert selection.names == {"/a"}


def test_ports_by_table_by_name_and_spare() -> None:
    plan = PortPlan(
        ["front", "imu_data", "odom", "spare_1", "spare_2", "spare_10"],
        {"/camera/0": "front", "/x": "no_such"},
        ["/imu/data"],
    )
    assert plan.known == ["/camera/0", "/imu/data"]
    assert plan.port("/odom") == "odom"
    assert plan.port("/spare_1") == "spare_1", "as any topic without a port, by order"
    assert plan.port("/late/1") == "spare_2"
    assert plan.port("/late/2") == "spare_10"
    assert not plan.is_open
    assert plan.port("/late/3") is None
    assert plan.port("/late/1") == "spare_2"
    assert plan.port("/front") is None, "that port is the camera's"


def test_spare_ports_are_the_same_after_a_restart() -> None:
    first = PortPlan(["spare_1", "spare_2"], {}, [])
    first.port("/b")
    first.port("/a")
    second = PortPlan(["spare_1", "spare_2"], {}, [])
    second.restore(first.assigned)
    assert (second.port("/a"), second.port("/b")) == (first.port("/a"), first.port("/b"))


CLOCK = st.lists(st.tuples(st.integers(-(10**10), 10**10), st.integers(0, 10**9)), min_size=1, max_size=40)


@given(CLOCK)
def test_stamps_never_go_back_and_follow_the_clock_forward(steps: list[tuple[int, int]]) -> None:
    time = ReceiveTime()
    wall, monotonic, last = 10**18, 0, 0
    for wall_step, passed in steps:
        wall, monotonic = wall + wall_step, monotonic + passed
        stamp = time.stamp(wall, monotonic)
        assert stamp >= max(last, wall)
        last = stamp


def test_a_clock_that_is_set_back_is_counted_once_and_time_goes_on() -> None:
    time = ReceiveTime()
    time.stamp(10**18, 0)
    stamps = [time.stamp(10**18 - 3600 * 10**9 + passed, passed) for passed in range(0, 10**9, 10**8)]
    assert stamps == [10**18 + passed for passed in range(0, 10**9, 10**8)]
    assert time.steps_back == 1


def test_log_time() -> None:
    assert log_time_ns(TimeSource.RECEIVE, 100, 7, 10) == (100, True)
    assert log_time_ns(TimeSource.SOURCE, 100, 95, 10) == (95, True)
    assert log_time_ns(TimeSource.SOURCE, 100, 7, 10) == (100, False)
