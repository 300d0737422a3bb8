"""The legal holds of a run's folder: one file each in ``holds``, put there and read by any process.

Whoever deletes asks inside :meth:`LegalHolds.steady`, whoever adds waits for it to end: when ``winnow hold add``
has returned, nothing in its span is deleted any more. A file that cannot be read holds everything: nobody
knows what it was meant to keep.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.legal_hold import MAX_BYTES, MAX_HOLDS, LegalHold, covering, parse_hold

FOLDER = "holds"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Holds:
    """All holds at one moment."""

    spans: tuple[LegalHold, ...] = ()
    problems: tuple[str, ...] = ()
    """Files that cannot be read: while there is one, everything is held."""

    def why_held(self, start_ns: int, end_ns: int) -> str:
        """The hold on any of ``[start_ns, end_ns)``, told; empty when there is none."""
        if self.problems:
            return self.problems[0]
        hold = covering(self.spans, start_ns, end_ns)
        return hold.told if hold is not None else ""


class LegalHolds:
    """The holds of one run's folder."""

    def __init__(self, out: Path) -> None:
        self.folder = out / FOLDER

    def read(self) -> Holds:
        """All holds as they are now; what cannot be read is a problem, not an error."""
        spans: list[LegalHold] = []
        problems: list[str] = []
        try:
            names = sorted(entry.name for entry in os.scandir(self.folder) if entry.name.endswith(".json"))
        except FileNotFoundError:
            return Holds()
        except OSError as error:
            return Holds(problems=(f"The holds in {self.folder} cannot be listed ({error.strerror}).",))
        if len(names) > MAX_HOLDS:
            problems.append(f"{self.folder} has {len(names)} holds, the limit is {MAX_HOLDS}; remove some.")
        for name in names[:MAX_HOLDS]:
            try:
                with (self.folder / name).open("rb") as file:
                    spans.append(parse_hold(file.read(MAX_BYTES + 1), name))
            except FileNotFoundError:
                continue  # lifted just now
            except OSError as error:
                problems.append(
                    f"The hold {name} cannot be read ({error.strerror}); nothing is deleted at all."
                )
            except BadInputError as error:
                problems.append(str(error))
        return Holds(tuple(spans), tuple(problems))

    @contextmanager
    def steady(self) -> Iterator[Holds | None]:
        """The holds, which do not change inside this block; None while somebody is changing them: delete later."""
        if not self.folder.is_dir():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError:
                yield Holds()  # a folder that cannot be made has nothing in it, and nothing can be put there
                return
        with self._locked(fcntl.LOCK_SH | fcntl.LOCK_NB) as is_mine:
            yield self.read() if is_mine else None

    def add(self, hold: LegalHold) -> LegalHold:
        """Put a hold into force, on disk before this returns; one that is there already stays as it is.

        Raises:
            BadInputError: there are too many.
            UnavailableError: it cannot be written.

        """
        path = self.folder / f"{hold.hold_id}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked(fcntl.LOCK_EX):
                there = self.read()
                known = next((one for one in there.spans if one.hold_id == hold.hold_id), None)
                if known is not None:
                    return known
                if len(there.spans) >= MAX_HOLDS:
                    raise BadInputError(
                        f"{self.folder} has {len(there.spans)} holds, which is the limit; nothing was held. "
                        "Lift some with `winnow hold rm`."
                    )
                atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(hold)) + b"\n")
                atomic.sync_folder(self.folder.parent)
        except OSError as error:
            raise UnavailableError(
                f"The hold {hold.hold_id} cannot be written to {self.folder} ({error.strerror}); nothing was held. "
                "Free space or correct the permissions."
            ) from None
        return hold

    def remove(self, hold_id: str) -> LegalHold:
        """Lift the hold whose id begins so.

        Raises:
            BadInputError: none or several begin so.
            UnavailableError: it cannot be removed.

        """
        there = [hold for hold in self.read().spans if hold_id and hold.hold_id.startswith(hold_id)]
        if len(there) != 1:
            raise BadInputError(
                f"{len(there) or 'No'} holds in {self.folder} begin with {hold_id!r}; nothing was lifted. "
                "`winnow hold ls` lists them."
            )
        try:
            with self._locked(fcntl.LOCK_EX):
                (self.folder / f"{there[0].hold_id}.json").unlink(missing_ok=True)
                atomic.sync_folder(self.folder)
        except OSError as error:
            raise UnavailableError(
                f"The hold {there[0].hold_id} in {self.folder} cannot be removed ({error.strerror}); it stays in "
                "force. Correct the permissions."
            ) from None
        return there[0]

    @contextmanager
    def _locked(self, how: int) -> Iterator[bool]:
        try:
            file = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            if how & fcntl.LOCK_EX:
                raise
            yield True  # on a disk that is full or read-only nobody can add a hold either
            return
        try:
            fcntl.flock(file, how)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(file)
