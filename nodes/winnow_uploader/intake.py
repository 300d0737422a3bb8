"""From a clip that may leave to a queued item: its sidecar is read, its path and name are checked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from winnow_operators.upload.naming import object_key
from winnow_operators.upload.score import UNKNOWN, upload_score
from winnow_operators.upload.sidecar import MAX_BYTES, Sidecar, parse_sidecar
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Outgoing
from winnow_schemas.object_tags import object_tags
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.device import VehicleSettings
from winnow_uploader.item import Item

MAX_SCANNED = 100_000
"""How many files are looked at when the queue is rebuilt from disk."""


def read_sidecar(clip: Path) -> tuple[bytes, Sidecar]:
    """Read the sidecar beside a clip.

    Raises:
        BadInputError: it is gone, cannot be read, or cannot be used.

    """
    path = clip.with_suffix(".json")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            f"The sidecar {path} cannot be read ({error.strerror}); the clip was not sent. Check who removes it."
        ) from None
    return data, parse_sidecar(data, str(path))


@dataclass(frozen=True, slots=True)
class Intake:
    """Makes items for one vehicle and one run's folder."""

    folder: Path
    """The run's folder: nothing outside it is ever sent."""
    vehicle: VehicleSettings
    lifecycle_tags: bool = False
    """Whether clips carry the tags by which the bucket's lifecycle decides."""

    def clip_path(self, relative: str, kind: str = "") -> Path:
        """The place on disk of a clip, or of another file of a kind.

        Raises:
            BadInputError: it is not an MCAP file below the run's folder.

        """
        root = self.folder.resolve()
        if "\0" in relative:
            raise BadInputError("A path with a zero byte names no file; the clip was not queued.")
        path = (root / relative).resolve()
        if not path.is_relative_to(root) or (not kind and path.suffix != ".mcap"):
            raise BadInputError(
                f"{relative[:200]!r} is not an MCAP file below {root}; the clip was not queued. "
                "Only what the run wrote itself is sent."
            )
        return path

    def item(self, outgoing: Outgoing, wall_ns: int) -> Item:
        """The item of a clip that was announced.

        Raises:
            BadInputError: path, name or sidecar cannot be used, or they contradict each other.

        """
        path = self.clip_path(outgoing.path)
        data, sidecar = read_sidecar(path)
        if sidecar.clip_id != outgoing.clip_id:
            raise BadInputError(
                f"The sidecar of {outgoing.path} speaks of clip {sidecar.clip_id!r}, not {outgoing.clip_id!r}; it "
                "was not queued. Check who wrote it."
            )
        priority, upload_class = _urgency(outgoing.priority, outgoing.upload_class)
        score = upload_score(
            upload_class, outgoing.annotation_priority, outgoing.diversity_score, sidecar.uncertainty
        )
        item = self._item(sidecar, outgoing.name, path, len(data), wall_ns)
        return replace(item, priority=int(priority), upload_class=int(upload_class), score=score)

    def rebuilt_items(self, roots: Sequence[Path], wall_ns: int) -> Iterator[Item | BadInputError]:
        """What lies on disk, when the queue was lost: clips with their sidecars, and why some cannot be used.

        Annotation priority and diversity are not in the sidecar and count as unknown.
        """
        seen = 0
        for root in roots:
            for path in sorted(root.rglob("*.mcap")):
                seen += 1
                if seen > MAX_SCANNED:
                    yield BadInputError(
                        f"{root} holds more than {MAX_SCANNED} clips; the others were not looked at."
                    )
                    return
                try:
                    yield self._rebuilt(path, wall_ns)
                except BadInputError as error:
                    yield error

    def _rebuilt(self, path: Path, wall_ns: int) -> Item:
        inside = self.clip_path(str(path.relative_to(self.folder)))
        data, sidecar = read_sidecar(inside)
        return replace(self._item(sidecar, path.stem, inside, len(data), wall_ns), rebuilt=True)

    def _item(self, sidecar: Sidecar, name: str, path: Path, sidecar_bytes: int, wall_ns: int) -> Item:
        """An item as its sidecar has it; annotation priority and diversity are not in there."""
        key = object_key(self.vehicle.airport, self.vehicle.id, sidecar.t_ns, f"{name}.mcap")
        return Item(
            clip_id=sidecar.clip_id,
            name=name,
            path=str(path.relative_to(self.folder.resolve())),
            key=key,
            size_bytes=sidecar.size_bytes,
            sha256=sidecar.sha256,
            priority=int(sidecar.priority),
            upload_class=int(sidecar.upload_class),
            trigger_type=sidecar.trigger_type,
            t_ns=sidecar.t_ns,
            score=upload_score(sidecar.upload_class, UNKNOWN, UNKNOWN, sidecar.uncertainty),
            sidecar_bytes=sidecar_bytes,
            queued_wall_ns=wall_ns,
            tags=urlencode(object_tags(sidecar.upload_class, may_show_people=sidecar.may_show_people))
            if self.lifecycle_tags
            else "",
        )


def _urgency(priority: int, upload_class: int) -> tuple[Priority, UploadClass]:
    try:
        return Priority(priority), UploadClass(upload_class)
    except ValueError:
        raise BadInputError(
            f"Priority {priority} with upload class {upload_class} does not exist (P0 to P5; 0, 1, 2, 3, 5); the "
            "clip was not queued."
        ) from None
