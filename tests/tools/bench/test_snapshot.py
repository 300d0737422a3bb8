"""The model of a snapshot ring, and how files are compared with windows."""

from collections import Counter

from winnow_schemas.channel import Channel, Message
from winnow_tools.bench.snapshot import Snapshots, Window, compare, feed, lacking

A, B = Channel("/a", "raw"), Channel("/b", "raw")


def stream(count: int, size: int = 10) -> list[Message]:
    """One message of each topic per nanosecond."""
    return [
        Message(channel, t_ns, t_ns, bytes([t_ns % 256]) * size)
        for t_ns in range(count)
        for channel in (A, B)
    ]


def test_a_buffer_that_holds_everything_loses_nothing_overall_and_the_second_file_lacks_the_overlap() -> None:
    windows = [Window(10, 30), Window(15, 35)]
    wanted, files = feed(stream(50), windows, 10**6)
    assert wanted.total() == 2 * 25
    assert compare(wanted, files) == (50, 0, 0)
    assert [file.total() for file in files] == [60, 10]
    assert lacking(wanted, windows[1], files) == (30, 40)


def test_the_byte_bound_is_over_all_topics() -> None:
    windows = [Window(10, 30)]
    wanted, files = feed(stream(50), windows, 100)
    assert files[0].total() == 10
    assert compare(wanted, files) == (40, 30, 0)
    large = [Message(B, t_ns, t_ns, bytes(1000)) for t_ns in range(50)]
    small = [Message(A, t_ns, t_ns, b"x") for t_ns in range(50)]
    both = [message for pair in zip(small, large, strict=True) for message in pair]
    wanted, files = feed(both, windows, 5_000)
    assert sum(count for key, count in files[0].items() if key[0] == "/a") <= 5


def test_windows_after_the_end_are_asked_for_at_the_end() -> None:
    wanted, files = feed(stream(20), [Window(10, 100), Window(15, 105)], 10**6)
    assert [file.total() for file in files] == [40, 0]
    assert wanted.total() == 20


def test_doubles_are_counted_across_files_and_within_one() -> None:
    keys = [("/a", t_ns, t_ns, 0) for t_ns in range(4)]
    wanted = Counter(keys[:3])
    files = [Counter({keys[0]: 2, keys[1]: 1}), Counter({keys[1]: 1, keys[3]: 5})]
    assert compare(wanted, files) == (3, 1, 2)


def test_a_message_larger_than_the_buffer_is_kept_alone() -> None:
    model = Snapshots(10)
    model.add(("/a", 0, 0, 0), 5)
    model.add(("/a", 1, 1, 0), 50)
    model.snapshot()
    assert [sorted(key[1] for key in file) for file in model.files] == [[1]]
