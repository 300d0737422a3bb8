"""What is done with one clip in one step: hash, look, open, a part, complete and verify, sidecar."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from winnow_operators.upload.budget import DAY_NS, day_of
from winnow_operators.upload.failure import Cause, Failure
from winnow_operators.upload.naming import object_metadata, same_metadata
from winnow_operators.upload.parts import MIB, part_size_bytes, trusted
from winnow_operators.upload.schedule import Stage
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader.digests import Digests
from winnow_uploader.fingerprint import (
    MOST_AT_ONCE_BYTES,
    FileIdentity,
    Fingerprint,
    Fingerprinting,
    fingerprint,
    identity_of,
)
from winnow_uploader.intake import Intake, read_sidecar
from winnow_uploader.item import Item, ItemState
from winnow_uploader.object_store import (
    Body,
    FileShrankError,
    ObjectStore,
    OpenUpload,
    StoredObject,
    StoreError,
)
from winnow_uploader.queue import UploadQueue
from winnow_uploader.results import Happened

REQUEST_BYTES = 4096
"""What a request without data costs at most: headers are about 1,000 bytes."""
LISTED_PART_BYTES = 256
"""What a part costs in the request that completes an upload."""
DATA_OVERHEAD = 1 / 400
"""TLS records around data, generously (29 bytes in 16 KiB are 1/565)."""


MOST_HALF_HASHED = 8
"""Clips of which what has been read is remembered: more urgent ones come in between, and again ones before those."""


class ClipUnusableError(BadInputError):
    """A clip is gone, was changed, or something else lies in its place: it is set aside."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step achieved."""

    happened: Happened
    detail: str
    body_bytes: int = 0


class Transfer:
    """The stages of a clip. Every method leaves the queue as far as it got, also when it raises.

    Raised by all of them: ``StoreError``, ``SendingStoppedError``, and ``ClipUnusableError``.
    """

    def __init__(
        self, settings: UploadSettings, intake: Intake, queue: UploadQueue, store: ObjectStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._queue = queue
        self._store = store
        self._clock = clock
        self._digests = Digests(queue, store, self._path)
        self._known: set[str] = set()
        """Clips whose parts in the store have been listed since the last doubt."""
        self._hashing: dict[str, Fingerprinting] = {}
        """Clips of which a stretch has been read, the oldest first."""

    def doubt(self, clip_id: str) -> None:
        """A request for this clip failed: what the store has must be asked again."""
        self._known.discard(clip_id)

    def knows_parts(self, clip_id: str) -> bool:
        """Whether it is known which parts of a clip the store has."""
        return clip_id in self._known

    def stage(self, item: Item) -> Stage:
        """What comes next for a clip."""
        if item.state is ItemState.VERIFIED:
            return Stage.SIDECAR
        if item.state is ItemState.WHOLE or self._all_parts_sent(item):
            return Stage.SEAL
        return Stage.DATA

    def next_bytes(self, item: Item, stage: Stage) -> int:
        """What the next step of a stage costs on the wire, at most."""
        if stage in (Stage.EARLY, Stage.SIDECAR):
            return item.sidecar_bytes + REQUEST_BYTES
        if stage is Stage.SEAL:
            return 2 * REQUEST_BYTES + LISTED_PART_BYTES * len(self._queue.parts(item.clip_id))
        if item.state is ItemState.QUEUED:
            return 0
        if item.state is ItemState.SENDING:
            part = self._queue.missing_part(item.clip_id) if item.clip_id in self._known else None
            data = part.size_bytes if part else 0
        else:
            data = item.size_bytes if item.part_bytes == 0 else 0
        return data + int(data * DATA_OVERHEAD) + 4 * REQUEST_BYTES

    def run(self, item: Item, stage: Stage) -> Progress:
        """Do the next step of a stage."""
        steps = {
            Stage.EARLY: self._early,
            Stage.DATA: self._data,
            Stage.SEAL: self._seal,
            Stage.SIDECAR: self._sidecar,
        }
        try:
            return steps[stage](item)
        except FileShrankError as error:
            raise ClipUnusableError(str(error)) from None
        except OSError as error:
            raise _unreadable(item, error) from None

    def check_content(self, item: Item) -> Fingerprint:
        """Hash the file and compare.

        Raises:
            ClipUnusableError: it is not what was queued.
            OSError: it is gone or cannot be read.

        """
        return self._compared(item, fingerprint(self._path(item), item.part_bytes))

    def _compared(self, item: Item, found: Fingerprint) -> Fingerprint:
        if (found.identity.size_bytes, found.sha256) != (item.size_bytes, item.sha256):
            raise ClipUnusableError(
                f"The clip {item.path} has {found.identity.size_bytes} bytes and SHA-256 {found.sha256[:12]}..., its "
                f"sidecar says {item.size_bytes} and {item.sha256[:12]}...; it was not sent. Check who changes clips."
            )
        return found

    def _all_parts_sent(self, item: Item) -> bool:
        return (
            item.state is ItemState.SENDING
            and item.clip_id in self._known
            and self._queue.missing_part(item.clip_id) is None
        )

    def _path(self, item: Item) -> Path:
        return self._intake.clip_path(item.path, item.kind)

    def _metadata(self, item: Item, sha256: str) -> dict[str, str]:
        vehicle = self._intake.vehicle
        return object_metadata(vehicle.id, vehicle.airport, item.trigger_type, item.priority_, sha256)

    def _data(self, item: Item) -> Progress:
        if item.state is ItemState.QUEUED:
            return self._hash(item)
        item = self._unchanged(item)
        if item.state is ItemState.OPENING:
            return self._look(item)
        if item.state is ItemState.READY:
            return self._begin(item)
        if item.clip_id not in self._known:
            return self._list_parts(item)
        return self._send_part(item)

    def _hash(self, item: Item) -> Progress:
        settings = self._settings
        part_bytes = 0
        if item.size_bytes >= settings.multipart_from_mib * MIB:
            part_bytes = part_size_bytes(item.size_bytes, settings.part_mib * MIB)
        item = replace(item, part_bytes=part_bytes)
        hashing = self._hashing.pop(item.clip_id, None) or Fingerprinting(self._path(item), part_bytes)
        found = hashing.advance(MOST_AT_ONCE_BYTES)
        if found is None:
            while len(self._hashing) >= MOST_HALF_HASHED:
                self._hashing.pop(next(iter(self._hashing)))
            self._hashing[item.clip_id] = hashing
            return Progress(Happened.HASHED, f"{item.path} is read in stretches; there is more of it.")
        self._compared(item, found)
        item = replace(
            item,
            state=ItemState.OPENING if item.rebuilt else ItemState.READY,
            mtime_ns=found.identity.mtime_ns,
            inode=found.identity.inode,
        )
        self._queue.save_with_parts(item, list(found.parts))
        return Progress(Happened.HASHED, f"{item.path} is what its sidecar says.")

    def _unchanged(self, item: Item) -> Item:
        """The item, after a look at the file; a file that was only touched keeps its hashes."""
        found = identity_of(self._path(item))
        if found == FileIdentity(item.size_bytes, item.mtime_ns, item.inode):
            return item
        self.check_content(item)
        return self._queue.save(replace(item, mtime_ns=found.mtime_ns, inode=found.inode))

    def _look(self, item: Item) -> Progress:
        """Find out how far an attempt got of which we do not know the end."""
        found = self._store.head(item.key)
        if found is not None:
            problem = self._difference(item, found)
            if problem:
                raise ClipUnusableError(
                    f"Another object lies under {item.key} already ({problem}); it was not overwritten and "
                    f"{item.path} was not sent. Rename the clip, or remove the object."
                )
            self._charge_found(item, found.size_bytes, found.modified_wall_ns)
            self._queue.save(replace(item, state=ItemState.WHOLE))
            return Progress(Happened.LOOKED, f"{item.key} is in the store already.")
        if item.part_bytes:
            mine = sorted(self._open_uploads(item.key), key=lambda one: one.opened_wall_ns)
            for stale in mine[:-1]:
                self._store.abort(item.key, stale.upload_id)
            if mine:
                newest = mine[-1]
                self._queue.save(
                    replace(
                        item,
                        state=ItemState.SENDING,
                        upload_id=newest.upload_id,
                        opened_wall_ns=newest.opened_wall_ns,
                    )
                )
                return Progress(Happened.LOOKED, f"An upload to {item.key} is open; it goes on.")
        return self._begin(item)

    def _open_uploads(self, key: str) -> list[OpenUpload]:
        """Open uploads to a key; none where the credentials do not allow to list them."""
        try:
            return [one for one in self._store.open_uploads(key) if one.key == key]
        except StoreError as error:
            if error.failure.cause is not Cause.CONFIGURATION:
                raise
            return []

    def _charge_found(self, item: Item, size_bytes: int, stored_wall_ns: int) -> None:
        """After the account was lost: what the store got today was sent today."""
        today = day_of(self._clock.wall_ns())
        if item.rebuilt and day_of(stored_wall_ns) == today:
            with self._queue.state.transaction():
                self._queue.state.charge(today, item.class_, size_bytes)

    def _begin(self, item: Item) -> Progress:
        """Send a small clip whole, or open a multipart upload; a crash from here on means looking first."""
        item = self._queue.save(replace(item, state=ItemState.OPENING))
        metadata = self._metadata(item, item.sha256)
        if item.part_bytes == 0:
            body = Body(item.size_bytes, item.sha256, path=self._path(item))
            self._store.put(item.key, body, metadata, replace=False, tags=item.tags)
            self._queue.save(replace(item, state=ItemState.WHOLE))
            return Progress(Happened.PART_SENT, f"{item.key} was put whole.", item.size_bytes)
        upload_id = self._store.open_upload(item.key, metadata, item.tags)
        now_ns = self._clock.wall_ns()
        item = self._queue.save(
            replace(item, state=ItemState.SENDING, upload_id=upload_id, opened_wall_ns=now_ns)
        )
        self._digests.prepare(item)
        self._known.add(item.clip_id)
        return Progress(Happened.OPENED, f"{item.key} goes in {len(self._queue.parts(item.clip_id))} parts.")

    def _list_parts(self, item: Item) -> Progress:
        """Take the store's word for which parts it has, and ours for whether they are the right ones."""
        age_ns = self._age_ns(item)
        if age_ns > self._settings.abort_parts_after_days * DAY_NS:
            self._store.abort(item.key, item.upload_id)
            self._queue.start_again(item, ItemState.READY)
            days = age_ns / DAY_NS
            return Progress(
                Happened.CLEANED, f"The upload to {item.key} was {days:.0f} days old; it begins again."
            )
        self._digests.prepare(item)
        stored = self._store.stored_parts(item.key, item.upload_id)
        parts = self._digests.compare(item, stored)
        there = trusted(parts, stored)
        if item.rebuilt:
            sent = sum(part.size_bytes for part in parts if part.number in there and not part.etag)
            self._charge_found(item, sent, item.opened_wall_ns)
        self._queue.save_with_parts(item, [replace(part, etag=there.get(part.number, "")) for part in parts])
        self._known.add(item.clip_id)
        return Progress(
            Happened.LOOKED, f"{len(there)} of {len(parts)} parts of {item.key} are in the store."
        )

    def _age_ns(self, item: Item) -> int:
        """How long ago its upload was opened; an age beyond the limit must be the store's opinion, too.

        A device whose clock stood in 1970 when it opened the upload would else throw away good parts.
        """
        age_ns = self._clock.wall_ns() - item.opened_wall_ns
        if age_ns > self._settings.abort_parts_after_days * DAY_NS:
            for one in self._open_uploads(item.key):
                if one.upload_id == item.upload_id:
                    return self._clock.wall_ns() - one.opened_wall_ns
        return age_ns

    def _send_part(self, item: Item) -> Progress:
        part = self._queue.missing_part(item.clip_id)
        if part is None:  # all of them were there: completing is the next stage
            return Progress(Happened.LOOKED, f"All parts of {item.key} are in the store.")
        body = Body(part.size_bytes, part.sha256, path=self._path(item), offset_bytes=part.offset_bytes)
        etag = self._store.send_part(item.key, item.upload_id, part.number, body)
        item = replace(item, attempts=0)
        self._queue.save_part_sent(item, part.number, etag)
        count = len(self._queue.parts(item.clip_id))
        return Progress(Happened.PART_SENT, f"Part {part.number} of {count} of {item.key}.", part.size_bytes)

    def _seal(self, item: Item) -> Progress:
        """Complete the object if that is still to be done, and compare it with the clip."""
        if item.state is ItemState.SENDING:
            self._store.complete(item.key, item.upload_id, self._queue.parts(item.clip_id))
            item = self._queue.save(replace(item, state=ItemState.WHOLE))
        found = self._store.head(item.key)
        if found is None:
            self._queue.start_again(item, ItemState.OPENING)
            raise StoreError(
                Failure(Cause.STORE, f"{item.key} was taken by the store and is not there; it is sent again.")
            )
        problem = self._difference(item, found)
        wanted = self._metadata(item, item.sha256)
        if not problem and not same_metadata(wanted, found.metadata):
            problem = f"metadata {found.metadata} instead of {wanted}"
        if not problem and self._settings.verify_download:
            there = self._store.download_sha256(item.key)
            problem = "" if there == item.sha256 else f"SHA-256 {there} when read back"
        if problem:
            raise ClipUnusableError(
                f"The object {item.key} is not what was sent ({problem}); it does not count as uploaded and "
                f"{item.path} is kept. Remove the object, then start the uploader again."
            )
        self._queue.save(replace(item, state=ItemState.VERIFIED, attempts=0))
        return Progress(Happened.VERIFIED, f"{item.key} has the right size, ETag and SHA-256.")

    def _difference(self, item: Item, found: StoredObject) -> str:
        """In what an object differs from the clip; empty if in nothing."""
        if found.size_bytes != item.size_bytes:
            return f"{found.size_bytes} bytes instead of {item.size_bytes}"
        if found.etag_is_md5 and not self._digests.is_etag_of(item, found.etag):
            return f"ETag {found.etag}, which is not that of this clip"
        if not same_metadata({"sha256": item.sha256}, found.metadata):
            return f"SHA-256 {found.metadata.get('sha256', 'unknown')[:64]} instead of {item.sha256}"
        return ""

    def _early(self, item: Item) -> Progress:
        self._put_sidecar(item, item.early_key)
        self._queue.save(replace(item, early_sent=True, attempts=0))
        return Progress(Happened.EARLY_SENT, f"{item.early_key} went ahead.")

    def _sidecar(self, item: Item) -> Progress:
        if item.kind:
            self._queue.save(replace(item, state=ItemState.DONE, attempts=0, reason=""))
            return Progress(Happened.DONE, f"{item.key} is complete; it is no clip and has no sidecar.")
        self._put_sidecar(item, item.sidecar_key)
        self._queue.save(replace(item, state=ItemState.DONE, attempts=0, reason=""))
        return Progress(Happened.DONE, f"{item.sidecar_key} marks the clip complete.")

    def _put_sidecar(self, item: Item, key: str) -> None:
        """Send the sidecar as it is now, if it still speaks of this clip."""
        try:
            data, sidecar = read_sidecar(self._path(item))
        except BadInputError as error:
            raise ClipUnusableError(str(error)) from None
        if (sidecar.clip_id, sidecar.sha256) != (item.clip_id, item.sha256):
            raise ClipUnusableError(
                f"The sidecar of {item.path} speaks of another clip now; neither was sent on. Check who changes it."
            )
        sha256 = hashlib.sha256(data).hexdigest()
        self._store.put(
            key, Body(len(data), sha256, data), self._metadata(item, sha256), replace=True, tags=item.tags
        )


def _unreadable(item: Item, error: OSError) -> ClipUnusableError:
    if isinstance(error, FileNotFoundError):
        return ClipUnusableError(
            f"The clip {item.path} is gone; it was not sent. Check who removes clips before their receipt."
        )
    return ClipUnusableError(
        f"The clip {item.path} cannot be read ({error.strerror}); it was not sent. Check the disk."
    )
