"""A process that cuts the same clip again and again on request, or writes the same messages with `mcap` alone.

Not a console script: the benchmark `clips` starts it. For each line on its standard input it works once and
prints a line of JSON.
"""

import json
import sys
import threading
from pathlib import Path
from time import perf_counter
from typing import Any

from mcap.writer import CompressionType, Writer

from winnow_extractor.cutter import Cutter, LatchedTopics
from winnow_operators.clips.judging import make_budget
from winnow_operators.clips.windows import ClipPlan
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.view import RingView
from winnow_runtime.tiers import TierReader
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings, load_settings

_SAMPLE_S = 0.01


class AnonymousPeak:
    """The most RssAnon that this process had, looked at a hundred times a second."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.look()

    def look(self) -> None:
        """Take in what it is now."""
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                self.mib = max(self.mib, int(line.split()[1]) / 1024)


def _reader(folder: str) -> TierReader:
    view = RingView(RingFolder(Path(folder)))
    return TierReader(view.channels, view, None)


def _event(start_ns: int, end_ns: int) -> TriggerEvent:
    middle = (start_ns + end_ns) // 2
    return TriggerEvent(
        event_id="bench",
        type="bench",
        priority=0,
        t_ns=middle,
        pre_roll_ns=middle - start_ns,
        post_roll_ns=end_ns - middle,
        value=1.0,
        threshold=0.0,
        condition="",
        values="{}",
        topics=[],
        latitude_deg=None,
        longitude_deg=None,
    )


class Cutting:
    """The extractor's own work: plan, read the rings, chunks, SHA-256, fsync, rename, sidecar."""

    def __init__(self, folder: str, out: Path, settings: DeviceSettings, start_ns: int, end_ns: int) -> None:
        reader = _reader(folder)
        budget = make_budget(settings.clips)
        latched = LatchedTopics(reader, settings)
        self._cutter = Cutter(reader, latched, settings, "", out, budget, lambda: None)
        self._plan = ClipPlan(start_ns, end_ns, (_event(start_ns, end_ns),), 0, truncated=False)

    def once(self) -> dict[str, Any]:
        """Cut, and remove what was cut."""
        begun = perf_counter()
        cut = self._cutter.cut(self._plan)
        taken_s = perf_counter() - begun
        if cut.sidecar is None or cut.path is None:
            raise RuntimeError(cut.reason)
        missing = sum(part.count or 1 for part in cut.sidecar.missing)
        size = cut.sidecar.size_bytes
        cut.path.unlink()
        cut.path.with_suffix(".json").unlink()
        return {
            "seconds": taken_s,
            "bytes": cut.sidecar.payload_bytes,
            "stored": size,
            "messages": cut.sidecar.messages,
            "missing": missing,
        }


class Reference:
    """`mcap`'s own writer, LZ4, no hash, the same messages from memory."""

    def __init__(self, folder: str, out: Path, start_ns: int, end_ns: int) -> None:
        reader = _reader(folder)
        plan = reader.plan(start_ns, end_ns)
        copied = (each._replace(data=memoryview(bytes(each.data))) for each in reader.read(plan, []))
        self._messages = list(copied)
        self._channels = {each.channel: reader.channel(each.channel) for each in self._messages}
        self._path = out / "reference.mcap"

    def once(self) -> dict[str, Any]:
        """Write, and remove what was written."""
        begun = perf_counter()
        with self._path.open("wb") as file:
            writer = Writer(file, compression=CompressionType.LZ4)
            writer.start(profile="ros2", library="bench")
            numbers = {}
            for own, channel in self._channels.items():
                schema = writer.register_schema(
                    channel.schema_name, channel.schema_encoding, channel.schema_data
                )
                numbers[own] = writer.register_channel(channel.topic, channel.encoding, schema)
            for message in self._messages:
                data: Any = message.data
                writer.add_message(
                    numbers[message.channel], message.t_ns, data, message.pub_ns, message.seq & 0xFFFFFFFF
                )
            writer.finish()  # type: ignore[no-untyped-call]
        taken_s = perf_counter() - begun
        self._path.unlink()
        return {"seconds": taken_s, "bytes": sum(len(each.data) for each in self._messages)}


def main() -> None:
    """``cut|mcap FOLDER OUT SETTINGS START_NS END_NS``."""
    kind, folder, out, settings, start, end = sys.argv[1:]
    peak = AnonymousPeak()
    window = int(start), int(end)
    work: Cutting | Reference
    if kind == "cut":
        work = Cutting(folder, Path(out), load_settings(Path(settings))[0], *window)
    else:
        work = Reference(folder, Path(out), *window)
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        result = work.once()
        peak.look()
        print(json.dumps({**result, "peak_mib": peak.mib}), flush=True)


if __name__ == "__main__":
    main()
