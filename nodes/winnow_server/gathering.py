"""Takes in what dashcam graphs leave in their results' folders, and finds files there again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from winnow_schemas.errors import WinnowError
from winnow_schemas.video_record import RECORD_MAX_BYTES, VideoRecord
from winnow_server.plates import PlateBook, UnknownPlateError

VIDEOS_MAX = 100_000
"""Records that are looked at in one folder."""


@dataclass(slots=True)
class Results:
    """The folders of results, in the order of the settings."""

    roots: list[Path]
    book: PlateBook
    say: Callable[[str], None]
    _bad: dict[Path, str] = field(default_factory=dict)

    def look(self) -> int:
        """Take in records that are new or were written again; how many."""
        try:
            known = self.book.stamps()
        except WinnowError as error:
            self.say(str(error))
            return 0
        return sum(self._look_into(place, root, known) for place, root in enumerate(self.roots))

    def _look_into(self, place: int, root: Path, known: dict[str, tuple[int, str]]) -> int:
        taken = 0
        try:
            found = sorted((root / "records").glob("*.json"))[:VIDEOS_MAX]
        except OSError:
            return 0  # a share that is away; what was taken in stays
        for path in found:
            try:
                status = path.stat()
                stamp = f"{status.st_mtime_ns} {status.st_size}"
                if known.get(path.stem) == (place, stamp) or self._bad.get(path) == stamp:
                    continue
                record = read_record(path)
                self.book.take_in(record, place, stamp)
            except (OSError, ValueError, WinnowError) as error:
                self._bad[path] = stamp
                self.say(f"The record {path} cannot be used ({str(error)[:300]}); its plates are not shown.")
                continue
            taken += 1
        return taken

    def root_of(self, video: str) -> Path:
        """The folder in which a video's results lie.

        Raises:
            UnknownPlateError: there is none any more.

        """
        place: int = self.book.video(video).root
        if place >= len(self.roots):
            raise UnknownPlateError(f"The folder of the video {video} is not among server.results any more.")
        return self.roots[place]

    def record(self, video: str) -> VideoRecord:
        """Everything that was written about a video.

        Raises:
            UnknownPlateError: it is not there, or no record.

        """
        path = self.root_of(video) / "records" / f"{video}.json"
        try:
            return read_record(path)
        except (OSError, ValueError) as error:
            raise UnknownPlateError(f"The record of {video} cannot be read ({str(error)[:200]}).") from None

    def file(self, video: str, name: str) -> Path:
        """A file of a video's results by its path below the root; links out of it are refused.

        Raises:
            UnknownPlateError: it is not there.

        """
        root = self.root_of(video)
        path = root / name
        if not name or not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            raise UnknownPlateError(f"There is no such file of the video {video}.")
        return path


def read_record(path: Path) -> VideoRecord:
    """A record, checked.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, or no record.

    """
    with path.open("rb") as file:
        data = file.read(RECORD_MAX_BYTES + 1)
    if len(data) > RECORD_MAX_BYTES:
        raise ValueError(f"more than {RECORD_MAX_BYTES} bytes")
    record = msgspec.json.decode(data, type=VideoRecord)
    if record.video_id != path.stem:
        raise ValueError(f"it is the record of {record.video_id}")
    return record
