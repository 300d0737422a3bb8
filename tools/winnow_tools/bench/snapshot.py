"""Two triggers three seconds apart, each with pre-roll and post-roll, beside a snapshot ring.

The reference is a model of what rosbag2's documentation says of its snapshot mode: one first-in-first-out
buffer over all topics, bounded in bytes (``max_cache_size``); a snapshot swaps it for an empty one and writes
what it held. For a post-roll somebody has to ask when it is over, so the model's snapshots are taken then.
It gets the very messages, and as many bytes as all our rings together.
"""

import zlib
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from winnow_operators.sim import Simulator
from winnow_runtime.recordings import open_recording
from winnow_schemas.channel import Message
from winnow_schemas.errors import UnavailableError
from winnow_schemas.settings import load_settings
from winnow_schemas.sidecar import Sidecar, read_sidecar
from winnow_schemas.simulation import load_script
from winnow_sim.export import Compression, export
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import run
from winnow_tools.scaffold.make import make_scaffold

PRE_ROLL_S, POST_ROLL_S, APART_S = 10.0, 5.0, 3.0
FIRST_S = 17.0
DURATION_S = 33.0
SCALE = 0.1
MEMORY_MIB = 256
DEFAULT_CACHE_BYTES = 100 * 1024 * 1024
"""What rosbag2's `max_cache_size` is when nobody sets it."""
SHM = Path("/dev/shm")  # noqa: S108 - where rings live by default

Key = tuple[str, int, int, int]
"""Topic, log time, publish time, CRC-32 of the payload."""


class Window(NamedTuple):
    """What one trigger wants: ``[start_ns, end_ns)``."""

    start_ns: int
    end_ns: int


class Snapshots:
    """The model: feed it in the order of time, and ask for a snapshot at each window's end."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._buffer: deque[tuple[Key, int]] = deque()
        self._used = 0
        self.files: list[Counter[Key]] = []

    def add(self, key: Key, size: int) -> None:
        """One message; the oldest of any topic go when there is no room."""
        self._buffer.append((key, size))
        self._used += size
        while self._used > self._capacity and len(self._buffer) > 1:
            self._used -= self._buffer.popleft()[1]

    def snapshot(self) -> None:
        """Swap: what was buffered is a file, and the buffer is empty."""
        self.files.append(Counter(key for key, _ in self._buffer))
        self._buffer.clear()
        self._used = 0


class Compared(NamedTuple):
    """What files hold of what windows want."""

    wanted: int
    lost: int
    """In none of the files."""
    doubled: int
    """In more than one of them, or twice in one."""


def measure(load: Load) -> Measured:
    """Cut both windows with the whole graph, and feed the model the same messages.

    Raises:
        UnavailableError: the dataflow failed.

    """
    load.say("the simulator makes a recording ...")
    script = load_script("quiet").model_copy(update={"duration_s": DURATION_S})
    recording = load.scratch / "simulated.mcap"
    export(Simulator(script, 1, SCALE), recording, compression=Compression.LZ4, on_progress=None)
    load.say("the whole graph cuts both windows ...")
    out, capacity = _run_ours(load, recording)
    sidecars = {
        path: read_sidecar(path) for path in sorted((out / "clips").rglob("*.json")) if _is_clip(path)
    }
    windows = _windows(sidecars.values())
    ours = [_keys(path.with_suffix(".mcap"), sidecar.start_ns) for path, sidecar in sidecars.items()]
    load.say("the model ...")
    with open_recording(recording) as opened:
        wanted, files = feed(opened.messages(), windows, capacity)
        small = feed(opened.messages(), windows, DEFAULT_CACHE_BYTES)[1]
    mine, model = compare(wanted, ours), compare(wanted, files)
    return Measured(
        _rows(mine, model, lacking(wanted, windows[1], files), capacity, compare(wanted, small)),
        f"{mine.wanted} messages of the full sensor suite (clouds and images at {SCALE:g}) in two windows of "
        f"{PRE_ROLL_S:g} + {POST_ROLL_S:g} s, triggers {APART_S:g} s apart, played at full speed through the whole graph",
        1,
    )


def _rows(
    mine: Compared, model: Compared, second: tuple[int, int], capacity: int, small: Compared
) -> list[Row]:
    lost = {
        "wanted": mine.wanted,
        "model, in no file": model.lost,
        "second trigger wants": second[1],
        "model, not in the second trigger's file": second[0],
        "model's buffer, MB": capacity / 1e6,
        f"model with its default of {DEFAULT_CACHE_BYTES / 1e6:.0f} MB, in no file": small.lost,
    }
    return [
        Row("lost, ours", mine.lost, "messages", "== 0", lost),
        Row("doubled, ours", mine.doubled, "messages", "== 0", {"model, doubled": model.doubled}),
    ]


def lacking(wanted: Counter[Key], window: Window, files: list[Counter[Key]]) -> tuple[int, int]:
    """How much of the later window the last file lacks, and how much there is of it."""
    inside = Counter({key: count for key, count in wanted.items() if _inside(key[1], window)})
    return (inside - files[-1]).total(), inside.total()


def feed(
    messages: Iterable[Message], windows: list[Window], capacity_bytes: int
) -> tuple[Counter[Key], list[Counter[Key]]]:
    """What the windows want of a recording in time order, and the files that the model makes of it."""
    model = Snapshots(capacity_bytes)
    wanted: Counter[Key] = Counter()
    due = deque(sorted(window.end_ns for window in windows))
    for message in messages:
        while due and message.t_ns >= due[0]:
            due.popleft()
            model.snapshot()
        key = _key(message)
        model.add(key, len(message.data))
        if any(_inside(message.t_ns, window) for window in windows):
            wanted[key] += 1
    for _ in due:
        model.snapshot()
    return wanted, model.files


def compare(wanted: Counter[Key], files: Iterable[Counter[Key]]) -> Compared:
    """Files against what is wanted; what they hold beside it counts neither way."""
    found: Counter[Key] = Counter()
    for file in files:
        found.update(file)
    twice = sum(max(0, found[key] - count) for key, count in wanted.items())
    return Compared(wanted.total(), (wanted - found).total(), twice)


def _run_ours(load: Load, recording: Path) -> tuple[Path, int]:
    """The run's folder, and the payload bytes of all rings."""
    made = make_scaffold(recording, load.scratch / "graph", memory_mib=MEMORY_MIB)
    value: Any = yaml.safe_load(made.settings.read_text("utf-8"))
    rolls = {"priority": "P0", "pre_roll_s": PRE_ROLL_S, "post_roll_s": POST_ROLL_S}
    value["triggers"]["set"] = {
        "first": {"when": f"every({FIRST_S} s)", **rolls},
        "second": {"when": f"every({FIRST_S + APART_S} s)", **rolls},
    }
    made.settings.write_text(yaml.safe_dump(value), "utf-8")
    out = load.scratch / "out"
    outcome = run(RunRequest(made.graph, out, speed="max"), SHM, lambda _: None)
    if outcome.exit_code not in (0, 3):
        raise UnavailableError(
            f"The dataflow failed ({'; '.join(outcome.summary['problems']) or 'without a word'}); nothing was measured."
        )
    settings = load_settings(made.settings)[0]
    return out, sum(settings.topic(topic).ring_bytes for topic in settings.topics)


def _windows(sidecars: Iterable[Sidecar]) -> list[Window]:
    triggers = sorted(trigger.t_ns for sidecar in sidecars for trigger in sidecar.triggers)
    if len(triggers) != 2:
        raise UnavailableError(
            f"{len(triggers)} triggers became clips, two were wanted; nothing was measured."
        )
    return [Window(t_ns - int(PRE_ROLL_S * 1e9), t_ns + int(POST_ROLL_S * 1e9)) for t_ns in triggers]


def _is_clip(path: Path) -> bool:
    return not path.name.endswith(".verdict.json")


def _keys(path: Path, start_ns: int) -> Counter[Key]:
    """A clip's messages; pinned ones from before its window are counted apart in its sidecar."""
    with open_recording(path) as clip:
        return Counter(_key(message) for message in clip.messages() if message.t_ns >= start_ns)


def _key(message: Message) -> Key:
    return message.channel.topic, message.t_ns, message.pub_ns, zlib.crc32(message.data)


def _inside(t_ns: int, window: Window) -> bool:
    return window.start_ns <= t_ns < window.end_ns
