"""One video in a run's folder: what it is called, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from winnow_runtime.hashed_file import sha256_of
from winnow_runtime.video.file import SUFFIXES
from winnow_schemas.errors import BadInputError
from winnow_schemas.tasks import Scalar


class PausedError(Exception):
    """Somebody asked a stage to stop; what is done is saved."""


@dataclass(frozen=True, slots=True)
class Job:
    """A video to go through; the id is that of its bytes, so that a copy under another name is the same video."""

    video: Path
    id: str
    out: Path
    options: tuple[tuple[str, Scalar], ...] = ()
    """Thresholds for this time alone, see :mod:`winnow_runtime.dashcam.tuning`."""
    share: Path | None = None
    """Where archives go; None = the run's own folder."""

    @property
    def artifact(self) -> Path:
        """Every frame's verdict and the regions of those kept (Parquet); `.json` beside it is the summary."""
        return self.out / "artifacts" / f"{self.id}.parquet"

    @property
    def thumbnails(self) -> Path:
        """Small pictures of the kept frames, where the settings ask for them; named by their time."""
        return self.out / "artifacts" / self.id

    @property
    def record(self) -> Path:
        """The plates of the video (JSON); the last file that is written: it marks the video as read."""
        return self.out / "records" / f"{self.id}.json"

    @property
    def crops(self) -> Path:
        return self.out / "crops" / self.id

    @property
    def archive(self) -> Path:
        return (self.share or self.out / "archive") / self.id

    @property
    def parked(self) -> Path:
        """Why the video cannot be gone through (JSON)."""
        return self.out / "parked" / f"{self.id}.json"

    @property
    def scratch(self) -> Path:
        return self.out / "scratch" / self.id


def job_of(video: Path, out: Path, share: str = "") -> Job:
    """Name a video; ``share``: the settings' ``archive_folder``.

    Raises:
        BadInputError: it cannot be read.

    """
    try:
        digest = sha256_of(video)
    except OSError as error:
        raise BadInputError(f"{video} cannot be read ({error.strerror}); it was not looked at.") from None
    return Job(video, digest[:16], out, share=Path(share) if share else None)


def videos_in(paths: list[Path]) -> list[Path]:
    """Files as they are, folders searched for videos; each path once, in the order given.

    Raises:
        BadInputError: a path does not exist, or a folder has no video.

    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(
                each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file()
            )
            if not inside:
                raise BadInputError(
                    f"There is no video below {path} ({', '.join(sorted(SUFFIXES))}); nothing was looked at."
                )
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise BadInputError(f"{path} does not exist; nothing was looked at.")
    return list(found)
