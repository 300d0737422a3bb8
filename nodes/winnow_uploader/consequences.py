"""What a failure leads to: the queue waits, the clip waits, or the clip is set aside."""

from collections.abc import Callable
from dataclasses import replace

from winnow_operators.upload.backoff import backoff_ns
from winnow_operators.upload.failure import Cause, Failure
from winnow_operators.upload.schedule import Stage
from winnow_runtime.clock import Clock
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader.item import Item, ItemState
from winnow_uploader.object_store import ObjectStore, StoreError
from winnow_uploader.outbox import Outbox
from winnow_uploader.pacer import SendingStoppedError
from winnow_uploader.queue import UploadQueue
from winnow_uploader.results import Happened
from winnow_uploader.sending import SendingLine
from winnow_uploader.transfer import REQUEST_BYTES, ClipUnusableError, Transfer
from winnow_uploader.trouble import Trouble


class Consequences:
    """Keeps ``trouble``, which concerns the whole queue, and changes the clips that failed."""

    def __init__(
        self,
        *,
        settings: UploadSettings,
        queue: UploadQueue,
        transfer: Transfer,
        store: ObjectStore,
        line: SendingLine,
        outbox: Outbox,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._transfer = transfer
        self._store = store
        self._line = line
        self._outbox = outbox
        self._clock = clock
        self._jitter = jitter
        self._set_aside_ns = int(settings.set_aside_s * 1e9)
        self._given_up: dict[str, int] = {}
        """Clips set aside after too many failures, and the wall time at which each is tried again."""
        self.trouble = Trouble()

    def failed(self, clip_id: str, failure: Failure) -> Happened:
        """A request for this clip failed."""
        self._transfer.doubt(clip_id)
        if failure.cause.concerns_all:
            self._all_wait(failure)
            return Happened.FAILED
        item = self._queue.items[clip_id]
        problem = failure.sentence if failure.cause is Cause.CONTENT else self._local_problem(item, failure)
        if problem:
            return self.set_aside(item, ItemState.PARKED, problem)
        if failure.cause in (Cause.UPLOAD_GONE, Cause.EXISTS):
            item = self._queue.start_again(item, ItemState.OPENING)
        item = replace(
            item,
            attempts=item.attempts + 1,
            reason=failure.sentence,
            next_try_wall_ns=self._clock.wall_ns() + self._backoff_ns(item.attempts + 1),
        )
        if item.attempts >= self._settings.max_attempts and not item.is_safety:
            reason = f"{item.attempts} tries failed, the last so: {failure.sentence}"
            return self.set_aside(item, ItemState.GIVEN_UP, reason)
        self._queue.save(item)
        self._outbox.tell(item, "failed", failure.sentence, attempts=item.attempts)
        return Happened.FAILED

    def set_aside(self, item: Item, state: ItemState, reason: str) -> Happened:
        """Take a clip out of the queue, and its parts out of the store if that is possible now."""
        if item.upload_id and state is ItemState.PARKED:
            try:
                with self._line.unit(item.class_, Stage.SEAL, REQUEST_BYTES):
                    self._store.abort(item.key, item.upload_id)
            except (StoreError, SendingStoppedError):
                pass  # the sweep of old uploads finds it
        self._queue.save(replace(item, state=state, reason=reason, announced=False))
        if state is ItemState.GIVEN_UP:
            self._given_up[item.clip_id] = self._clock.wall_ns() + self._set_aside_ns
        self._outbox.news()
        return Happened.PARKED

    def take_back(self, now_ns: int) -> None:
        """Queue again what was set aside long enough ago, or before the clock was put back."""
        for clip_id, due_ns in list(self._given_up.items()):
            item = None if now_ns < due_ns <= now_ns + self._set_aside_ns else self._queue.state.item(clip_id)
            if item is not None:
                self._outbox.tell(
                    self._again(item), "queued", f"{item.path} was set aside and is tried again."
                )

    def take_back_all(self) -> None:
        """Queue again what an earlier process had set aside."""
        for item in self._queue.state.items_in(ItemState.GIVEN_UP):
            self._again(item)

    def _again(self, item: Item) -> Item:
        self._given_up.pop(item.clip_id, None)
        state = ItemState.OPENING if item.mtime_ns else ItemState.QUEUED
        # What becomes of it now is to be told, whatever was told before.
        return self._queue.save(replace(item, state=state, attempts=0, next_try_wall_ns=0, announced=False))

    def worked(self) -> None:
        """The store did what it was asked: there is no trouble."""
        self.trouble = Trouble()

    def forget_silence(self) -> None:
        """On another link the store may well answer: what failed for the link is tried again at once."""
        if self.trouble.cause is Cause.LINK:
            self.trouble = Trouble()

    def _all_wait(self, failure: Failure) -> None:
        if self.trouble.is_new(failure):
            self._outbox.tell(None, "waits", failure.sentence, cause=failure.cause.value)
        wait_ns = self._backoff_ns(self.trouble.failures + 1)
        self.trouble = self.trouble.after(failure, self._clock.wall_ns() + wait_ns)
        if failure.cause in (Cause.EXPIRED, Cause.CONFIGURATION):
            self._store.refresh()  # somebody may correct the keys meanwhile

    def _local_problem(self, item: Item, failure: Failure) -> str:
        """What is wrong with the local file, when bytes arrived wrong; empty if they were spoilt on the way."""
        if failure.cause is not Cause.BYTES:
            return ""
        try:
            self._transfer.check_content(item)
        except ClipUnusableError as error:
            return str(error)
        except OSError as error:
            return f"The clip {item.path} cannot be read ({error.strerror}); it was not sent. Check the disk."
        return ""

    def _backoff_ns(self, failures: int) -> int:
        return backoff_ns(
            failures, self._settings.first_backoff_s, self._settings.max_backoff_s, self._jitter()
        )
