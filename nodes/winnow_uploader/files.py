"""What is uploaded beside clips: diagnostic logs overnight, scans for the map (vehicle document 5.2).

A file joins the queue when nobody has written to it for a while. It has no sidecar; its id and its key follow
from its content, so that a log that goes on under the same name is another object.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from winnow_operators.upload.naming import NAME, object_key
from winnow_operators.upload.score import UNKNOWN, upload_score
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import content_id
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import UploadFiles
from winnow_uploader.fingerprint import MOST_AT_ONCE_BYTES, Fingerprint, Fingerprinting, identity_of
from winnow_uploader.item import Item

LOOK_EVERY_NS = 30_000_000_000
"""Logs are rotated by the hour; a scan of ten thousand files takes a tenth of a second."""
MAX_FILES = 10_000
"""Per rule and look; the others come when these have gone."""
RESERVED = ("clips", "outgoing", "state", "warm")
"""Folders of the run that hold what may show people, or what the run works with; nothing of them goes this way."""


class Files:
    """Finds files for the queue; what was found once is not read again in this process."""

    def __init__(
        self, rules: Sequence[UploadFiles], folder: Path, vehicle: VehicleSettings, clock: Clock
    ) -> None:
        self._rules = rules
        self._folder = folder
        self._vehicle = vehicle
        self._clock = clock
        self._seen: dict[Path, tuple[int, int]] = {}
        self._next_ns = 0
        self._looking: Iterator[Item | BadInputError | int] | None = None

    @property
    def is_reading(self) -> bool:
        """Whether there is more to read before all is known that lies there now."""
        return self._looking is not None

    def found(self) -> Iterator[Item | BadInputError]:
        """New files, if it is time to look: as items, or why one cannot be sent. What is large takes several calls."""
        if self._looking is None:
            if not self._rules or self._clock.monotonic_ns() < self._next_ns:
                return
            self._next_ns = self._clock.monotonic_ns() + LOOK_EVERY_NS
            self._looking = self._look_around()
        left_bytes = MOST_AT_ONCE_BYTES
        while left_bytes > 0:
            one = next(self._looking, None)
            if one is None:
                self._looking = None
                return
            if isinstance(one, int):
                left_bytes -= one
            else:
                yield one

    def _look_around(self) -> Iterator[Item | BadInputError | int]:
        """Items, refusals, and between them how many bytes were read."""
        for rule in self._rules:
            for count, path in enumerate(sorted(self._folder.glob(rule.glob))):
                if count >= MAX_FILES:
                    yield BadInputError(
                        f"upload.files.{rule.name} names more than {MAX_FILES} files; the others wait until these are gone."
                    )
                    break
                yield from self._look(rule, path)

    def _look(self, rule: UploadFiles, path: Path) -> Iterator[Item | BadInputError | int]:
        try:
            real = path.resolve(strict=True)
            if not real.is_file():
                return
            identity = identity_of(real)
            mark = (identity.mtime_ns, identity.size_bytes)
            quiet_ns = self._clock.wall_ns() - identity.mtime_ns
            if self._seen.get(real) == mark or 0 <= quiet_ns < rule.settle_s * 1e9 or not identity.size_bytes:
                return
            self._seen[real] = mark
            self._check_place(rule, real)
            hashing = Fingerprinting(real, 0)
            while (found := hashing.advance(MOST_AT_ONCE_BYTES)) is None:
                yield MOST_AT_ONCE_BYTES
            yield min(found.identity.size_bytes, MOST_AT_ONCE_BYTES)
            yield self._item(rule, real, found)
        except BadInputError as error:
            yield error
        except OSError:
            return  # it went while it was looked at

    def _check_place(self, rule: UploadFiles, path: Path) -> None:
        root = self._folder.resolve()
        if not path.is_relative_to(root) or path.relative_to(root).parts[0] in RESERVED:
            raise BadInputError(
                f"{path} lies outside of {root} or in one of its folders {', '.join(RESERVED)}; it was not queued. "
                f"Correct upload.files.{rule.name}.glob."
            )

    def _item(self, rule: UploadFiles, path: Path, found: Fingerprint) -> Item:
        root = self._folder.resolve()
        name = f"{path.stem}-{found.sha256[:8]}{path.suffix}"
        if not NAME.fullmatch(name):
            raise BadInputError(
                f"The file name {path.name[:80]!r} cannot be part of an object key (letters, digits, '.', '_', '-'); "
                "it was not queued. Rename it."
            )
        key = object_key(self._vehicle.airport, self._vehicle.id, found.identity.mtime_ns, name)
        upload_class = rule.priority.upload_class
        return Item(
            clip_id=content_id(0, "file", rule.name, str(path.relative_to(root)), found.sha256),
            name=name,
            path=str(path.relative_to(root)),
            key=f"{key.removesuffix(name)}{rule.name}/{name}",
            size_bytes=found.identity.size_bytes,
            sha256=found.sha256,
            priority=int(rule.priority),
            upload_class=int(upload_class),
            trigger_type=rule.name,
            t_ns=found.identity.mtime_ns,
            score=upload_score(upload_class, UNKNOWN, UNKNOWN, 0.0),
            sidecar_bytes=0,
            queued_wall_ns=self._clock.wall_ns(),
            kind=rule.name,
            links=",".join(mode.name for mode in rule.links),
            rebuilt=True,
        )
