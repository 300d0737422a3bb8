"""One damaged file in, one whole file and a report out; the input is never changed."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from winnow_runtime import atomic
from winnow_runtime.mcapfile.writer import LIBRARY
from winnow_runtime.recordings.container import other_kind
from winnow_runtime.recordings.faults import RecordingError, count
from winnow_runtime.recordings.ros1_records import MAGIC as ROS1_MAGIC
from winnow_runtime.salvage.bag import recover_bag
from winnow_runtime.salvage.definitions import Section
from winnow_runtime.salvage.medium import Medium
from winnow_runtime.salvage.report import Outcome, Report
from winnow_runtime.salvage.target import NewFile, Placed
from winnow_runtime.salvage.walk import Progress, Walk
from winnow_schemas.errors import BadInputError, UnavailableError

REPORT_SUFFIX = ".report.json"
_BUFFER_BYTES = 1024 * 1024
_HEAD_BYTES = 512


def recover_file(
    path: Path,
    output: Path,
    *,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write everything of ``path`` that can be saved to ``output``, and the report beside it.

    ``strict`` leaves out messages that cannot be proven right. Where nothing can be saved, nothing is
    written, and the report says so.

    Raises:
        BadInputError: the input cannot be opened, is something else, or ``output`` is in the way.
        UnavailableError: the disk is full or refuses; nothing was written.

    """
    _check(path, output, overwrite=overwrite)
    medium = Medium(path)
    try:
        head = medium.read(0, _HEAD_BYTES)
        is_bag = head.startswith(ROS1_MAGIC)
        if not is_bag and (kind := other_kind(head)):
            raise RecordingError(
                f"{path} is {kind}; nothing was written; only MCAP files and ROS 1 bags are recovered."
            )
        make = recover_bag if is_bag else recover_mcap
        report = Report(str(path), medium.size, strict=strict)
        with _sentence(output):
            _written(output, lambda file: make(medium, file, output.parent, report, progress), report)
    finally:
        medium.close()
    return report


def recover_mcap(
    medium: Medium,
    file: IO[bytes],
    scratch: Path,
    report: Report,
    progress: Progress | None = None,
    on_chunk: Callable[[Placed], None] | None = None,
    *,
    trusted: bool = False,
) -> None:
    """Recover into an open file; ``trusted`` as in :class:`Walk`. A second reading is made where the first learned something too late."""
    prior: list[Section] | None = None
    empty = Report(report.path, report.size_bytes, strict=report.strict)
    while True:
        target = NewFile(file, on_chunk)

        def begin(profile: str, library: str, target: NewFile = target) -> None:
            target.begin(profile, f"{library}; recovered by {LIBRARY}" if library else LIBRARY)

        walk = Walk(
            medium,
            target,
            report,
            scratch=scratch,
            strict=report.strict,
            prior=prior,
            begin=begin,
            progress=progress,
            trusted=trusted,
        )
        walk.run()
        if not walk.knows_more():
            break
        prior = walk.sections
        file.seek(0)
        file.truncate()
        _reset(report, empty)
    target.finish()
    for position, length in medium.unreadable[:1]:
        more = len(medium.unreadable) - 1
        report.is_damaged = True
        report.note(
            f"The device cannot read {count(length, 'byte')} at byte {position:,}"
            + (f" and {more:,} other places" if more else "")
            + "; they were taken as zeros."
        )


def _reset(report: Report, empty: Report) -> None:
    fresh = Report(empty.path, empty.size_bytes, container=report.container, strict=empty.strict)
    for name in Report.__slots__:
        setattr(report, name, getattr(fresh, name))


def _check(path: Path, output: Path, *, overwrite: bool) -> None:
    if path.exists() and not path.is_file():  # opening a pipe would wait for somebody to write into it
        raise BadInputError(f"{path} is not a file; nothing was written.")
    if not output.parent.is_dir():
        raise BadInputError(f"The folder {output.parent} does not exist; nothing was written.")
    if output.exists():
        if path.exists() and output.samefile(path):
            raise BadInputError(
                f"{output} is the damaged file itself, which is never changed; name another output."
            )
        if not overwrite:
            raise BadInputError(f"{output} exists; nothing was written; name another output, or use --force.")


def _written(output: Path, make: Callable[[IO[bytes]], None], report: Report) -> None:
    """Write under a temporary name; the output appears whole, after its report, or not at all."""
    temporary = output.with_name(output.name + atomic.TEMPORARY)
    try:
        with temporary.open("wb+", buffering=_BUFFER_BYTES) as file:
            make(file)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if report.outcome is Outcome.HOPELESS:
            return
        report.output, report.output_bytes = str(output), size
        atomic.write_json(report_path(output), report.to_json())
        atomic.publish(temporary, output)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def report_path(output: Path) -> Path:
    """Where the report of an output lies."""
    return output.with_name(output.name + REPORT_SUFFIX)


class _sentence:  # noqa: N801 - a context manager
    """Turn what the disk says into one sentence."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if not isinstance(error, OSError):
            return
        folder = self._output.parent
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnavailableError(
                f"There is no room in {folder} for {self._output.name}; nothing was written; free some space or name "
                "another folder with -o."
            ) from None
        raise UnavailableError(
            f"{self._output} cannot be written ({error.strerror}); nothing was written; name another place with -o."
        ) from None
