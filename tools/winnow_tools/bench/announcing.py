"""How long after its post-roll a clip of the full suite is durable and announced, in the real graph at 1x.

The post-roll has ended when the ring holds a message of that time or later; a clip is announced when its record
is in the extractor's journal, which is written after the file and its sidecar were synced and renamed.
"""

import shutil
import threading
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from winnow_runtime.journal import JournalReader
from winnow_runtime.ring.folder import all_runs
from winnow_runtime.ring.view import RingView
from winnow_schemas.errors import UnavailableError, WinnowError
from winnow_schemas.sidecar import read_sidecar
from winnow_tools.bench import vehicle
from winnow_tools.bench.load import Load
from winnow_tools.bench.recordings import SHM
from winnow_tools.bench.rows import Row
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import run

MEASURE = "clip announced after its post-roll / (2 s + bytes / writer speed)"
WALL_S = 75
GRACE_S = 2.0
_LOOK_S = 0.01


class Announced(NamedTuple):
    """A clip, and when it came."""

    late_s: float
    payload_bytes: int
    messages: int


class Watch:
    """Looks at a run's rings and its extractor's journal a hundred times a second."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._over = threading.Event()
        self._beats: list[tuple[float, int]] = []
        self._came: list[tuple[float, dict[str, Any]]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def announced(self) -> list[Announced]:
        """Clips whose window ended while the suite was running."""
        result = []
        for at_s, record in self._came:
            ended_s = next((beat_s for beat_s, newest in self._beats if newest >= record["end_ns"]), None)
            sidecar = read_sidecar((self._out / record["path"]).with_suffix(".json"))
            if ended_s is not None and not sidecar.truncated:
                result.append(Announced(at_s - ended_s, sidecar.payload_bytes, sidecar.messages))
        return result

    def _look(self) -> None:
        view: RingView | None = None
        journal: JournalReader | None = None
        while not self._over.wait(_LOOK_S):
            now = perf_counter()
            try:
                view = view or self._view()
                if view is not None:
                    self._beats.append((now, view.beat().newest_ns))
                folder = next(self._out.glob("state/*/clips"), None)
                if journal is None and folder is not None:
                    journal = JournalReader(folder)
                for line in journal.read() if journal is not None else ():
                    self._came.append((now, line.record))
            except (OSError, WinnowError, ValueError):
                continue  # it is not there yet, or no more

    def _view(self) -> RingView | None:
        for folder in all_runs(SHM):
            if (folder.path / "board").exists() and folder.owner()[1] == str(self._out.resolve()):
                return RingView(folder)
        return None


def announcing_rows(load: Load, writer_mb_s: float) -> list[Row]:
    """The row; ``writer_mb_s``: what `mcap`'s writer did alone, in the same run."""
    load.say(f"{WALL_S} s of the whole graph at 1x ...")
    try:
        found = _run(load)
    except UnavailableError as error:
        return [Row(MEASURE, None, "ratio", "<= 1", note=str(error))]
    if not found:
        return [Row(MEASURE, None, "ratio", "<= 1", note="no clip ended while the suite was running")]
    shares = [one.late_s / (GRACE_S + one.payload_bytes / writer_mb_s / 1e6) for one in found]
    worst = found[shares.index(max(shares))]
    beside = {
        "worst, s": worst.late_s,
        "its payload bytes": worst.payload_bytes,
        "writer speed, MB/s": writer_mb_s,
        "clips": len(found),
        "all, s": ", ".join(f"{one.late_s:.1f}" for one in found),
    }
    return [Row(MEASURE, max(shares), "ratio", "<= 1", beside)]


def _run(load: Load) -> list[Announced]:
    if not vehicle.GRAPH.exists():
        raise UnavailableError(
            f"{vehicle.GRAPH} is not here: this row needs a checkout; it was not measured."
        )
    out = SHM / f"bench-announced-{load.scratch.name}"
    settings, script = load.scratch / "announced.yml", load.scratch / "announced-load.yml"
    settings.write_text(vehicle.suite_settings(), "utf-8")
    script.write_text(vehicle.suite_script(WALL_S), "utf-8")
    environment = {
        "WINNOW_SETTINGS": str(settings),
        "WINNOW_SCRIPT": str(script),
        "WINNOW_SCALE": "1",
        "WINNOW_POOL": "1",
        "WINNOW_LIVE": "1",
    }
    watch = Watch(out)
    try:
        run(
            RunRequest(vehicle.GRAPH, out, speed="1", environment=tuple(environment.items())),
            SHM,
            lambda _: None,
        )
        watch.close()
        return watch.announced()
    finally:
        watch.close()
        shutil.rmtree(out, ignore_errors=True)
