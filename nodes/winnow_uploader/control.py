"""What people ask of a running uploader, in a file of its folder: pause, and clips that go now.

The command line writes it whole, the node looks whether it is another; so it works across restarts, and also
while nothing runs.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_uploader.orders import Pause

NAME = "control.json"
MAX_BYTES = 1024 * 1024
MAX_URGENT = 1000
"""Clips that may be urgent at once; more than that is an order, not an exception."""


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    paused: Pause = Pause.NOTHING
    urgent: tuple[str, ...] = ()


def read_control(folder: Path) -> Control:
    """What is asked for; nothing when there is no file.

    Raises:
        BadInputError: the file cannot be used.

    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Control()
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); it was ignored.") from None
    if len(data) > MAX_BYTES:
        raise BadInputError(
            f"{path} has over {MAX_BYTES} bytes, which is the limit; it was ignored. Remove it."
        )
    try:
        return msgspec.json.decode(data, type=Control)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"{path} cannot be used ({error}); it was ignored. Remove it.") from None


def change_control(folder: Path, change: Callable[[Control], Control]) -> Control:
    """Read, change and write it, one process at a time.

    Raises:
        BadInputError: what is there cannot be used, or it would name too many clips.
        UnavailableError: the folder cannot be written.

    """
    try:
        descriptor = os.open(folder / "control.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnavailableError(
            f"{folder} cannot be written ({error.strerror}); nothing was changed. Correct the permissions."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        changed = change(read_control(folder))
        if len(changed.urgent) > MAX_URGENT:
            raise BadInputError(
                f"{len(changed.urgent)} clips would be urgent, {MAX_URGENT} may be; nothing was changed."
            )
        try:
            atomic.write_bytes(folder / NAME, msgspec.json.encode(changed))
        except OSError as error:
            raise UnavailableError(
                f"{folder / NAME} cannot be written ({error.strerror}); nothing was changed. Free space."
            ) from None
    finally:
        os.close(descriptor)
    return changed


class ControlWatch:
    """Notices that the file is another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, int, int] | None = None

    def news(self) -> Control | None:
        """The content, if it is another than at the last look.

        Raises:
            BadInputError: it cannot be used; said once for each content.

        """
        try:
            found = (self._folder / NAME).stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            seen = (0, 0, 0)
        if seen == self._seen or (self._seen is None and seen == (0, 0, 0)):
            return None
        self._seen = seen
        return read_control(self._folder)
