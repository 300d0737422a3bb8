"""The rings as a table, for a terminal or a file."""

from datetime import UTC, datetime, timedelta

from rich.console import Group
from rich.table import Table
from rich.text import Text

from winnow_tools.console import bytes_text
from winnow_tools.ring.state import ReaderLag, RingState, RunState, TopicRing

_COLUMNS = ("fill", "Hz", "MB/s", "hot", "when full", "messages", "lost", "oversize", "doubled")
_BAD = "bold red"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_table(state: RingState) -> Group:
    """Head line, one row per topic, one per reader."""
    return Group(_head(state), _topics(state), _readers(state))


def _head(state: RingState) -> Text:
    line = Text(f"{state.run_id}  ")
    line.append(state.state.value, style="green" if state.state is RunState.RUNNING else _BAD)
    line.append(f"  {state.messages:,} messages, {bytes_text(state.bytes)}, ")
    line.append(f"{state.lost:,} lost", style=_BAD if state.lost else "")
    line.append(f"  newest {moment(state.newest_ns)}, watermark {moment(state.watermark_ns)}")
    line.append(f"\n{state.out}" if state.out else "")
    return line


def _topics(state: RingState) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("topic", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("oldest", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    for row in state.topics:
        table.add_row(
            Text(row.topic),
            _fill(row),
            _number(row.rate_hz),
            _number(row.rate_mb_s),
            seconds(row.hot_s),
            seconds(row.hot_when_full_s),
            f"{row.messages:,}",
            _count(row.lost),
            _count(row.oversize),
            f"{row.duplicates:,}",
            moment(row.oldest_ns, day=False),
            moment(row.newest_ns, day=False),
        )
    return table


def _readers(state: RingState) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("reader")
    table.add_column("state")
    for column in ("behind", "messages", "beats"):
        table.add_column(column, justify="right")
    table.add_column("holds memory from")
    table.add_column("keeps disk from")
    for lag in state.readers:
        unknown = lag.messages is None
        table.add_row(
            lag.reader,
            _standing(lag),
            ("> " if unknown else "") + seconds(lag.seconds),
            "?" if lag.messages is None else f"{lag.messages:,}",
            f"{lag.beats:,}",
            moment(lag.hold_ns),
            moment(lag.keep_ns),
        )
    return table


def _standing(lag: ReaderLag) -> Text:
    if lag.finished:
        return Text("finished")
    if not lag.alive:
        return Text("not running", style=_BAD)
    return Text("waits" if lag.idle else "works")


def _fill(row: TopicRing) -> str:
    """``73 %``; ``i 73 %`` where the time index is fuller than the memory."""
    fullness = max(row.fill, row.index_fill)
    return f"{'i ' if row.index_fill > row.fill else ''}{fullness:.0%}"


def _count(count: int) -> Text:
    return Text(f"{count:,}", style=_BAD if count else "")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """``0.25 s``, ``90 s``, ``42 min``."""
    if value is None:
        return "-"
    if value < 600:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 36_000 else f"{value / 3600:.0f} h"


def moment(t_ns: int | None, *, day: bool = True) -> str:
    """Message time as UTC, to the hundredth; a stamp that no calendar has, in seconds."""
    if t_ns is None:
        return "-"
    try:
        when = _EPOCH + timedelta(microseconds=t_ns // 1000)
    except OverflowError:
        return f"{t_ns / 1e9:.2f} s"
    return when.strftime("%Y-%m-%d %H:%M:%S.%f" if day else "%H:%M:%S.%f")[:-4]
