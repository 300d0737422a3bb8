"""The server processes: who runs, started and ended without ever touching somebody else's process.

A pid alone proves nothing, it may be used again. A server holds a POSIX lock on its pid file for as long as
it lives; the lock's owner must be the recorded process, with the recorded start time, before a signal is
sent, and the signal goes to a pidfd, which cannot come to mean another process in between.
"""

import contextlib
import fcntl
import os
import select
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from winnow_schemas.errors import UnavailableError

EXIT_GRACE_S = 2.0
"""How long a killed process may take to disappear; it holds its locks until then."""
_FLOCK = "hhqqi4x"
"""``struct flock`` on 64-bit Linux: type, whence, start, length, pid."""


class PidRecord(msgspec.Struct, frozen=True):
    """What a server wrote about itself; see ``swift_server``."""

    pid: int
    start_ticks: int
    host: str
    conf: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a pid file's lock."""

    lock_pid: int
    """0 when the owner is in another container or on another host."""
    record: PidRecord | None

    @property
    def is_ours(self) -> bool:
        """Whether the owner is the recorded process on this machine."""
        record = self.record
        return (
            record is not None
            and self.lock_pid == record.pid
            and start_ticks(record.pid) == record.start_ticks
        )

    @property
    def is_ending(self) -> bool:
        """Whether the recorded process was killed just now and the kernel has not yet let go of its lock."""
        record = self.record
        return record is not None and self.lock_pid == record.pid and start_ticks(record.pid) == -1


def holder(pid_file: Path) -> Holder | None:
    """Who holds the lock; None when nobody does, whatever the file says."""
    try:
        descriptor = os.open(pid_file, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        query = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, query))
        if kind == fcntl.F_UNLCK:
            return None
        return Holder(max(pid, 0), _record(os.pread(descriptor, 4096, 0)))
    finally:
        os.close(descriptor)


def _record(data: bytes) -> PidRecord | None:
    try:
        return msgspec.json.decode(data, type=PidRecord)
    except msgspec.MsgspecError:
        return None


def start_ticks(pid: int) -> int:
    """Clock ticks from boot to the start of a living process; -1 when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] in "ZX" else int(fields[19])


def running_pid(pid_file: Path) -> int:
    """The pid of the server that this pid file stands for; 0 when it does not run.

    Raises:
        UnavailableError: it runs where we cannot see it, or the lock's owner is not the recorded process.

    """
    deadline = time.monotonic() + EXIT_GRACE_S
    while True:
        owner = holder(pid_file)
        if owner is None:
            return 0
        if owner.is_ours:
            return owner.lock_pid
        if not owner.is_ending or time.monotonic() > deadline:
            break
        time.sleep(0.005)
    where = f"on host {owner.record.host}" if owner.record else "by an unknown process"
    raise UnavailableError(
        f"{pid_file} is locked {where}, not by a process that can be seen here: this store runs already, "
        "in another container or on another host; it was not touched. Stop it there."
    )


def end(pid_file: Path, patience_s: float) -> bool:
    """End the server of this pid file: SIGTERM, and after ``patience_s`` SIGKILL. False if none ran."""
    pid = running_pid(pid_file)
    if not pid:
        pid_file.unlink(missing_ok=True)
        return False
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if running_pid(pid_file) != pid:  # it went, and the pid is another's by now
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGTERM)
        if not _ended(process, patience_s):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            _ended(process, patience_s)
    finally:
        os.close(process)
    pid_file.unlink(missing_ok=True)
    return True


def _ended(process: int, patience_s: float) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(patience_s * 1000))
