"""The clips of vehicle runs: what there is, what people call them, and what the command line says about them.

Clips come from outside. What looks into them (pictures, signals, reasons) runs as `winnow` in a process of its own,
with a limit of time and one at a time, so a damaged clip can end that process and nothing else.
"""

import csv
import io
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from winnow_operators.classify.scenario import Scenario
from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.ids import content_id
from winnow_schemas.sidecar import Sidecar, read_sidecar
from winnow_server.database import Database
from winnow_server.plates import UnknownPlateError
from winnow_server.tables import clip_labels

CLIPS_MAX = 20_000
"""Clips of one run that are listed."""
LOOKS_FOR_S = 120
"""How long looking into a clip may take."""
KEPT_MAX = 500
"""Drawings that are kept; the oldest go."""
_ANSWER_MAX = 4 * 1024 * 1024


class Clip(NamedTuple):
    """A clip of a run."""

    run: str
    path: Path
    sidecar: Sidecar
    verdict: dict[str, Any]


@dataclass(slots=True)
class Runs:
    """Runs by name; sidecars are read again when they change."""

    folders: dict[str, Path]
    database: Database
    cache: Path
    _seen: dict[Path, tuple[tuple[int, int], Clip | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def clips(self, run: str = "") -> list[Clip]:
        """Clips, newest first, of one run or all."""
        found: list[Clip] = []
        for name, folder in self.folders.items():
            if run in ("", name):
                found += self._of(name, folder)
        return sorted(found, key=lambda clip: (-clip.sidecar.start_ns, clip.run, clip.sidecar.name))

    def _of(self, run: str, folder: Path) -> list[Clip]:
        try:
            paths = sorted((folder / "clips").glob("P[0-5]/*.mcap"))[:CLIPS_MAX]
        except OSError:
            return []
        with self._lock:
            clips = [self._clip(run, path) for path in paths]
        return [clip for clip in clips if clip is not None]

    def _clip(self, run: str, path: Path) -> Clip | None:
        sidecar, verdict = path.with_suffix(".json"), path.with_suffix(".verdict.json")
        try:
            stamp = sidecar.stat().st_mtime_ns, verdict.stat().st_mtime_ns if verdict.exists() else 0
        except OSError:
            return None
        if path in self._seen and self._seen[path][0] == stamp:
            return self._seen[path][1]
        clip = None
        try:
            said = atomic.read_json(verdict)
            clip = Clip(run, path, read_sidecar(sidecar), said if isinstance(said, dict) else {})
        except BadInputError:
            pass
        self._seen[path] = (stamp, clip)
        return clip

    def clip(self, run: str, name: str) -> Clip:
        """One clip. Names are looked up among those that are there, never joined to a path.

        Raises:
            UnknownPlateError: there is none.

        """
        for clip in self.clips(run) if run in self.folders else ():
            if clip.sidecar.name == name:
                return clip
        raise UnknownPlateError(f"There is no clip {name[:80]!r} in the run {run[:40]!r}.")

    # --- labels -------------------------------------------------------------------------------------------

    def label(self, clip: Clip, label: str, person: str) -> None:
        """Keep what a person calls a clip; an empty label takes it back.

        Raises:
            BadInputError: there is no such scenario.

        """
        if label and label not in set(Scenario):
            raise BadInputError(
                f"{label[:40]!r} is no scenario; allowed: {', '.join(Scenario)}. Nothing was changed."
            )
        with self.database.writing() as (connection, now):
            identity = clip.sidecar.clip_id
            connection.execute(delete(clip_labels).where(clip_labels.c.clip == identity))
            if label:
                connection.execute(
                    insert(clip_labels).values(
                        clip=identity,
                        run=clip.run,
                        name=clip.sidecar.name,
                        label=label,
                        person=person,
                        at_ns=now,
                    )
                )

    def labels(self) -> dict[str, str]:
        """Clip id -> what a person calls it."""
        with self.database.reading() as connection:
            rows = connection.execute(
                select(clip_labels.c.clip, clip_labels.c.label).order_by(clip_labels.c.clip)
            )
            return {row.clip: row.label for row in rows}

    def labels_csv(self) -> str:
        """As `winnow classifier dataset --labels` reads them."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["clip_id", "label"])
        writer.writerows(sorted(self.labels().items()))
        return text.getvalue()

    # --- looking into clips -------------------------------------------------------------------------------

    def thumbs(self, clip: Clip) -> Path:
        """The contact sheet, PNG."""
        return self._drawn(clip, "thumbs", ".png")

    def signals(self, clip: Clip) -> Path:
        """The signals over time, a page of its own."""
        return self._drawn(clip, "plot", ".html")

    def _drawn(self, clip: Clip, what: str, ending: str) -> Path:
        status = clip.path.stat()
        name = content_id(what, clip.run, str(clip.path), status.st_mtime_ns, status.st_size)
        target = self.cache / f"{name}{ending}"
        if target.is_file():
            return target
        self.cache.mkdir(parents=True, exist_ok=True)
        temporary = self.cache / f"{name}.new{ending}"
        self._winnow("clips", what, str(clip.path), "--output", str(temporary))
        temporary.replace(target)
        kept = sorted(self.cache.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in kept[:-KEPT_MAX]:
            old.unlink(missing_ok=True)
        return target

    def why(self, run: str, what: str) -> list[str]:
        """What is known of a moment or a clip, sentence by sentence.

        Raises:
            UnknownPlateError: there is no such run.
            BadInputError: it is no moment.

        """
        if run not in self.folders:
            raise UnknownPlateError(f"There is no run {run[:40]!r}.")
        if not what or what.startswith("-") or len(what) > 200:
            raise BadInputError(
                f"{what[:40]!r} is no moment; write 14:32, 2026-11-20T14:32:10, +35s, or a clip's name."
            )
        text = self._winnow("why", what, "--out", str(self.folders[run]), "--json")
        try:
            return [str(each["sentence"]) for each in json.loads(text)]
        except (ValueError, KeyError, TypeError):
            raise UnavailableError("`winnow why` gave an answer that is not understood.") from None

    def _winnow(self, *arguments: str) -> str:
        program = shutil.which("winnow") or str(Path(sys.executable).with_name("winnow"))
        with self._looking:
            try:
                done = subprocess.run(
                    [program, *arguments],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=LOOKS_FOR_S,
                    check=False,
                    text=True,
                    errors="replace",
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise UnavailableError(
                    f"Looking into it failed ({type(error).__name__}); nothing was changed."
                ) from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise BadInputError((said[-1] if said else "It cannot be looked into.")[:500])
        return done.stdout[:_ANSWER_MAX]
