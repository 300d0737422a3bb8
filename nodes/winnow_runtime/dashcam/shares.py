"""Files that devices share: where a place lies here, and how results get there whole.

A device works in its own folder and copies what a task made to the share when the task is about to be
reported. Temporary names carry the task's fence, so a device that lost its lease and wakes up late never
writes into a file of the one that has the task now.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.lines import clear
from winnow_runtime.hashed_file import sha256_of
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.tasks import ARCHIVE_VIDEO, HEAVY_PROCESS_VIDEO, PREPROCESS_VIDEO, Place

HANDED_OVER = "handed-over"
"""Folder of checkpoints that a paused task leaves for whoever goes on with it."""
_NAME = re.compile(r"^[0-9a-f]{16}-[0-9]{1,19}$")


class Shares:
    """The shares as this device mounts them."""

    def __init__(self, mounts: Mapping[str, str], results: str) -> None:
        """Take the settings' ``shares`` and ``results``.

        Raises:
            BadInputError: no place for results is named.

        """
        self._mounts = {name: Path(path) for name, path in mounts.items()}
        share, _, folder = results.partition(":")
        if not folder:
            raise BadInputError(
                "tasks.server is set and tasks.results is not, so results could not reach the next device; nothing was "
                "started. Write tasks.results: SHARE:FOLDER, and the share's mount under tasks.shares."
            )
        self.results = Place(share=share, path=folder)

    def path_of(self, place: Place) -> Path:
        """Where a place lies here.

        Raises:
            BadInputError: the share is not mounted here, or the path leaves it through a link.

        """
        root = self._mounts.get(place.share)
        if root is None:
            raise BadInputError(
                f"The share {place.share!r} is not mounted here; nothing was done. Name it under tasks.shares."
            )
        path = root / place.path
        if not path.resolve().is_relative_to(root.resolve()):
            raise BadInputError(
                f"{place.share}:{place.path} leaves its share through a link; it was not touched."
            )
        return path

    def trouble(self) -> str:
        """Why this device cannot work on the shares now; empty when it can."""
        for name, root in self._mounts.items():
            if not root.is_dir():
                return f"The share {name} is not at {root}."
        folder = self.path_of(self.results)
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            return f"{folder} cannot be written."
        return ""


def fetch(job: Job, kind: str, shared: Path) -> None:
    """Bring what the devices before made of a video into this device's folder.

    Raises:
        UnavailableError: it is not all there.
        OSError: share or disk refuses.

    """
    there = Job(job.video, job.id, shared)
    wanted: list[Path] = []
    if kind != PREPROCESS_VIDEO:
        wanted += [there.artifact, there.artifact.with_suffix(".json")]
    if kind == ARCHIVE_VIDEO:
        wanted += [*sorted(there.crops.glob("*.jpg")), there.record]
    for path in wanted:
        if not path.is_file():
            raise UnavailableError(
                f"{path} is not on the share; {job.video.name} was not gone through. Check the share, or send its "
                "first task round again."
            )
        _copy(path, job.out / path.relative_to(shared), "fetched")


def publish(job: Job, kind: str, shared: Path, mark: str) -> None:
    """Copy what a task made to the share; what marks it as whole goes last. ``mark`` makes temporary names ours.

    Raises:
        OSError: the share refuses.

    """
    for path in _products(job, kind):
        _copy(path, shared / path.relative_to(job.out), mark)


def _products(job: Job, kind: str) -> Iterator[Path]:
    if kind == PREPROCESS_VIDEO:
        yield job.artifact
        yield job.artifact.with_suffix(".json")
    elif kind == HEAVY_PROCESS_VIDEO:
        yield from sorted(job.crops.glob("*.jpg"))
        yield job.record
    elif job.archive.is_dir():
        # The manifest is written last here as well.
        yield from sorted(job.archive.iterdir(), key=lambda path: (path.name == "manifest.json", path.name))


def forget(job: Job) -> None:
    """Remove what this device made or fetched of a video: it is on the share."""
    clear(job.scratch)
    for path in (_owner(job), job.artifact, job.artifact.with_suffix(".json"), job.record):
        path.unlink(missing_ok=True)
    for folder in (job.crops, job.archive):
        shutil.rmtree(folder, ignore_errors=True)


def claim_scratch(job: Job, task: str) -> bool:
    """Make the video's files here a task's; what another task (other thresholds) left of it goes. True: kept."""
    owner = _owner(job)
    try:
        if owner.read_text("ascii") == task:
            return True
    except (OSError, UnicodeDecodeError):
        pass
    forget(job)
    job.scratch.mkdir(parents=True)
    atomic.write_bytes(owner, task.encode())
    return False


def _owner(job: Job) -> Path:
    """Beside the scratch folder, which a stage removes when it is done: the task is done only when that was told."""
    return job.scratch.with_name(f"{job.id}.task")


def forget_older(out: Path, before_ns: int) -> list[str]:
    """Remove what lies here of tasks that went to other devices long ago; the videos' ids."""
    forgotten = []
    for owner in sorted((out / "scratch").glob("*.task")):
        try:
            old = owner.stat().st_mtime_ns < before_ns
        except OSError:
            continue
        if old:
            forget(Job(Path(owner.stem), owner.stem, out))
            forgotten.append(owner.stem)
    return forgotten


def hand_over(job: Job, shared: Path, name: str) -> None:
    """Leave the progress of a paused task on the share.

    Raises:
        OSError: the share refuses.

    """
    for path in _files(job.scratch):
        _copy(path, shared / HANDED_OVER / name / path.name, name)


def take_over(job: Job, shared: Path, name: str) -> bool:
    """Go on from what another device left; False when it is not there (the task begins anew)."""
    source = shared / HANDED_OVER / name
    if not _NAME.match(name) or not source.is_dir():
        return False
    try:
        for path in _files(source):
            _copy(path, job.scratch / path.name, "taken")
    except OSError:
        clear(job.scratch)
        return False
    return True


def drop_handed_over(shared: Path, task: str) -> None:
    """Remove the progress that pauses of a task left: it is done."""
    for folder in (shared / HANDED_OVER).glob(f"{task}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> Iterable[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.endswith(atomic.TEMPORARY)
    )


def _copy(source: Path, target: Path, mark: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{mark}{atomic.TEMPORARY}")
    try:
        shutil.copyfile(source, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        _must_equal(temporary, source)
        atomic.publish(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _must_equal(copy: Path, source: Path) -> None:
    if sha256_of(copy) != sha256_of(source):
        raise OSError(errno.EIO, "it reads back differently from what was written", str(copy))
