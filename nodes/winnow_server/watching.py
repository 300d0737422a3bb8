"""New videos on a share become tasks, once nobody writes to them any more."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from winnow_operators.tasks.settling import Seen, Settling
from winnow_schemas.errors import WinnowError
from winnow_schemas.ids import content_id
from winnow_schemas.settings.server import WatchSettings
from winnow_schemas.tasks import PATH_MAX, PREPROCESS_VIDEO, Payload, Place, TaskSpec
from winnow_server.queue import TaskQueue

_BATCH = 200


@dataclass(slots=True)
class FolderWatch:
    """One watched folder. A video is known by its place, size and time of change: one that is replaced is new."""

    settings: WatchSettings
    root: Path
    queue: TaskQueue
    say: Callable[[str], None]
    _settling: Settling = field(init=False)
    _trouble: str = ""
    _odd: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._settling = Settling(self.settings.quiet_s)

    def look(self, now_s: float) -> int:
        """List the folder once and add what has come to rest; how many tasks were new."""
        try:
            found = self._listing()
        except OSError as error:
            self._complain(
                f"The folder {self._folder} cannot be listed ({error.strerror}); no tasks come from it meanwhile."
            )
            return 0
        done = self._settling.look(found, now_s)
        new = 0
        for start in range(0, len(done), _BATCH):
            part = done[start : start + _BATCH]
            try:
                new += sum(
                    is_new for _, is_new in self.queue.add([self._spec(path, found[path]) for path in part])
                )
            except WinnowError as error:
                self._settling = Settling(
                    self.settings.quiet_s
                )  # all of them come to rest again, and are known by key
                self._complain(str(error))
                return new
        self._trouble = ""
        return new

    @property
    def _folder(self) -> Path:
        return self.root / self.settings.folder if self.settings.folder else self.root

    def _listing(self) -> dict[str, Seen]:
        endings = tuple(each.lower() for each in self.settings.extensions)
        found: dict[str, Seen] = {}
        looked = 0
        folders = [self._folder]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    looked += 1
                    if looked > self.settings.files_max:
                        self._complain(
                            f"The folder {self._folder} holds more than {self.settings.files_max} files; "
                            "the rest is not looked at. Raise files_max or tidy it up."
                        )
                        return found
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            folders.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(endings):
                        self._note(found, entry)
        return found

    def _note(self, found: dict[str, Seen], entry: os.DirEntry[str]) -> None:
        path = Path(entry.path).relative_to(self.root).as_posix()
        if entry.name.startswith("."):
            return
        try:
            Place(share=self.settings.share, path=path)
            path.encode()
        except (ValueError, UnicodeEncodeError):
            if path not in self._odd and len(self._odd) < _BATCH:
                self._odd.add(path)
                self.say(
                    f"The name {path.encode('utf-8', 'backslashreplace')[:PATH_MAX]!r} cannot be in a task; it was left alone."
                )
            return
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        found[path] = Seen(status.st_size, status.st_mtime_ns)

    def _spec(self, path: str, seen: Seen) -> TaskSpec:
        place = Place(share=self.settings.share, path=path)
        name = path.rsplit("/", 1)[-1][-120:]
        key = f"{name} {content_id('video', self.settings.share, path, seen.size_bytes, seen.mtime_ns)}"
        return TaskSpec(
            kind=PREPROCESS_VIDEO, key=key, payload=Payload(video=place, size_bytes=seen.size_bytes)
        )

    def _complain(self, sentence: str) -> None:
        if sentence != self._trouble:
            self._trouble = sentence
            self.say(sentence)
