"""The uploader's engine: one step at a time, from a durable queue into an object store.

No dora and no loop in here: a loop calls ``add`` for what may leave, ``set_link`` when the link changes, and
``step`` again and again.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from winnow_operators.upload.budget import DAY_NS, DailyBudget, day_of
from winnow_operators.upload.link import Link
from winnow_operators.upload.schedule import Obstacle, Plan, QueueItem, Scheduler, Send, Stage
from winnow_runtime.clock import Clock, SystemClock
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Decision, Outgoing
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.topics import Kind
from winnow_schemas.settings.upload import LinkMode, UploadSettings
from winnow_uploader.consequences import Consequences
from winnow_uploader.files import Files
from winnow_uploader.intake import Intake
from winnow_uploader.item import Item, ItemState
from winnow_uploader.object_store import ObjectStore, StoreError
from winnow_uploader.orders import Orders, Pause
from winnow_uploader.outbox import Outbox
from winnow_uploader.pacer import Pacer, SendingStoppedError
from winnow_uploader.privacy_gate import KindOf
from winnow_uploader.queue import UploadQueue
from winnow_uploader.results import Happened, Step
from winnow_uploader.s3_store import S3Store
from winnow_uploader.sending import NOTHING, SendingLine
from winnow_uploader.state import UploadState
from winnow_uploader.tidy import abort_strays
from winnow_uploader.transfer import REQUEST_BYTES, ClipUnusableError, Transfer

MAX_QUEUE = 100_000
"""Open clips: at 50 a day, years without a link."""
LONGEST_WAIT_S = 0.5
"""How long ``drain`` sleeps at most before it looks again."""


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """The queue in numbers, for health messages and people."""

    queued_clips: int
    queued_bytes: int
    link_mode: LinkMode
    spent_today_bytes: int
    budget_bytes: int
    trouble: str
    """What keeps all of it waiting, empty if nothing does."""
    queued_by_class: dict[UploadClass, int]
    """Clips; classes without any are absent."""
    paused: Pause
    sending: str
    """The clip of which something is under way; empty between units."""
    unit_bytes: int
    """What has gone of that."""
    wire_bytes: int
    """Everything that this process has sent."""
    goodput_bytes_per_s: float | None
    """What the link was seen to carry; None = not known."""


class UploadWorker:
    """Sends what may leave. ``add``, ``step`` and ``status`` from one thread; the other methods from any."""

    def __init__(
        self,
        settings: UploadSettings,
        vehicle: VehicleSettings,
        folder: Path,
        state_folder: Path,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] | None = None,
        store: Callable[[UploadSettings, Pacer], ObjectStore] = S3Store,
        rebuild_roots: Sequence[Path] | None = None,
        run_id: str = "",
        kind_of: KindOf = lambda _: Kind.OTHER,
    ) -> None:
        """Open the queue; nothing is sent before the first ``step``.

        ``folder`` is the run's folder, ``state_folder`` the uploader's own. ``rebuild_roots`` are searched for
        clips when the state was damaged: by default only ``outgoing``, because what lies elsewhere may not
        have been cleared for leaving. ``kind_of``: what the settings call a topic. ``jitter`` gives numbers in [0, 1), by
        default the system's random ones.

        Raises:
            UnavailableError: another uploader has the state, or it cannot be written.

        """
        self._settings = settings
        self._clock = clock = clock or SystemClock()
        self._state = UploadState(state_folder)
        self._queue = UploadQueue(self._state)
        self._pacer = Pacer(clock)
        self._store = store(settings, self._pacer)
        self._intake = Intake(folder.resolve(), vehicle, settings.lifecycle_tags, kind_of)
        self._files = Files(settings.files, folder, vehicle, clock)
        self._transfer = Transfer(settings, self._intake, self._queue, self._store, clock)
        self._longest_backoff_ns = int(settings.max_backoff_s * 1e9)
        self._scheduler = Scheduler(
            settings.link, DailyBudget.of(settings), settings.ageing_points_per_h, self._longest_backoff_ns
        )
        self._line = SendingLine(self._scheduler, self._state, self._pacer, clock, settings.link.mode)
        self._outbox = Outbox(self._state, settings.bucket, run_id, clock)
        self._consequences = Consequences(
            settings=settings,
            queue=self._queue,
            transfer=self._transfer,
            store=self._store,
            line=self._line,
            outbox=self._outbox,
            clock=clock,
            jitter=jitter or secrets.SystemRandom().random,
        )
        self.orders = Orders(self._queue, self._outbox, clock, settings.approval_wait_s)
        self._obstacles: dict[str, str] = {}
        self._views: dict[str, tuple[Item, bool, QueueItem]] = {}
        self._prepared_day = -1
        self._sending = ""
        self.rebuilt = self._state.is_new
        """There was no state, or a damaged one: whoever keeps a journal of what may leave should add it all again."""
        self._take_up([folder / "outgoing"] if rebuild_roots is None else rebuild_roots)

    def close(self) -> None:
        """Let go of connections and state; the queue stays on disk."""
        self._store.close()
        self._state.close()

    def add(self, outgoing: Outgoing) -> Decision:
        """Queue a clip that may leave. Adding it again is harmless; what cannot be sent is refused, not raised."""
        try:
            item = self._intake.item(outgoing, self._clock.wall_ns())
            known = self._known(item)
        except BadInputError as error:
            return self._outbox.decision(None, "refused", str(error), clip_id=outgoing.clip_id)
        if known is not None:
            if known.state.is_open:  # what is announced knows more than what was found on disk
                self._queue.save(
                    replace(known, priority=item.priority, upload_class=item.upload_class, score=item.score)
                )
            return self._outbox.decision(item, "known", f"{known.path} is {known.state} already.")
        item = self._queue.save_with_parts(self.orders.on_arrival(item), [])
        reason = f"{item.path} waits to be sent."
        return self._outbox.decision(item, "queued", reason, score=item.score, key=item.key)

    def _known(self, item: Item) -> Item | None:
        """The same clip, where it is queued or done already; one that was set aside may be queued again.

        Raises:
            BadInputError: it is another clip with the same id, or the queue is full.

        """
        known = self._state.item(item.clip_id)
        if known is not None and (known.state.is_open or known.state is ItemState.DONE):
            if known.sha256 != item.sha256:
                raise BadInputError(
                    f"Clip {item.clip_id} was queued before with other content; {item.path} was not queued. "
                    "Give it an id of its own."
                )
            return known
        if len(self._queue.items) >= MAX_QUEUE:
            raise BadInputError(
                f"{MAX_QUEUE} clips are queued, which is the limit; {item.path} was not queued. "
                "It can be added again when some have gone."
            )
        return None

    def set_link(self, mode: LinkMode, uplink_bytes_per_s: float | None = None) -> None:
        """Tell what the link is now, and if something measures it, what it carries. Takes effect at once."""
        if self._line.set_link(Link(mode, uplink_bytes_per_s)):
            self.orders.ask(self._consequences.forget_silence)

    def hold(self, clip_id: str, reason: str, until_wall_ns: int | None = None) -> None:
        """Do not send a clip for now (a P0 goes all the same)."""
        self.orders.hold(clip_id, reason, until_wall_ns)

    def release(self, clip_id: str) -> None:
        """Take back a hold."""
        self.orders.release(clip_id)

    def make_way(self) -> None:
        """A P0 is about to be added: what has only just begun to be sent gives way."""
        self._line.make_way()

    def stop(self) -> None:
        """Cut off what is being sent; steps only wait from now on, until ``resume``."""
        self._pacer.stop("The uploader was told to stop; a part in progress will be sent again.")

    def resume(self) -> None:
        """Take back ``stop``."""
        self._pacer.stop("")

    def status(self) -> UploadStatus:
        items = list(self._queue.items.values())  # a copy: the thread that steps changes it meanwhile
        spent = self._state.spent(day_of(self._clock.wall_ns()))
        return UploadStatus(
            queued_clips=len(items),
            queued_bytes=sum(item.size_bytes for item in items),
            link_mode=self._line.mode,
            spent_today_bytes=sum(spent.values()),
            budget_bytes=self._scheduler.budget.total_bytes,
            trouble=self._consequences.trouble.sentence,
            queued_by_class=dict(Counter(item.class_ for item in items)),
            paused=self.orders.pause,
            sending=self._sending,
            unit_bytes=self._pacer.unit_bytes if self._sending else 0,
            wire_bytes=self._pacer.total_bytes,
            goodput_bytes_per_s=self._line.goodput_bytes_per_s(),
        )

    def step(self) -> Step:
        """Do one thing, or say why nothing can be done.

        Raises:
            UnavailableError: the state on disk does not take writes any more.

        """
        self._outbox.acknowledge()
        self.orders.carry_out()
        self._take_files()
        if self._pacer.stopped:
            return self._waiting(self._pacer.stopped, None)
        now_ns = self._clock.wall_ns()
        self._consequences.take_back(now_ns)
        trouble = self._consequences.trouble
        if trouble.holds(now_ns, self._longest_backoff_ns):
            return self._waiting(trouble.sentence, trouble.until_wall_ns)
        plan = self._plan(now_ns)
        self._explain(plan)
        if plan.send is None:
            if self._files.is_reading:
                return self._outbox.result(
                    Step(Happened.HASHED, detail="Files for the queue are being read.")
                )
            paused = f"paused ({self.orders.pause}) by `winnow upload pause`; " if self.orders.pause else ""
            return self._waiting(paused + plan.reason, plan.until_ns)
        return self._outbox.result(self._carry_out(plan.send))

    def drain(self, limit_s: float) -> Iterator[Step]:
        """Step until nothing is left, at most ``limit_s`` long; sleeps where there is nothing to do."""
        deadline_ns = self._clock.monotonic_ns() + int(limit_s * 1e9)
        while True:
            step = self.step()
            yield step
            left_ns = deadline_ns - self._clock.monotonic_ns()
            if step.happened is Happened.IDLE or left_ns <= 0:
                return
            if step.happened is Happened.WAITING:
                wait_ns = min(left_ns, int(LONGEST_WAIT_S * 1e9))
                if step.until_wall_ns is not None:
                    wait_ns = min(wait_ns, max(step.until_wall_ns - self._clock.wall_ns(), 1_000_000))
                self._clock.sleep_s(wait_ns / 1e9)

    def _take_up(self, roots: Sequence[Path]) -> None:
        """Go on where an earlier run ended; without a usable state, with what lies on disk."""
        self._consequences.take_back_all()
        if self._state.moved_aside is not None:
            name = self._state.moved_aside.name
            reason = (
                f"The uploader's state was damaged and is kept as {name}; the queue is rebuilt from disk."
            )
            self._outbox.tell(None, "rebuilt", reason)
            self._find_again(roots)

    def _find_again(self, roots: Sequence[Path]) -> None:
        for found in self._intake.rebuilt_items(roots, self._clock.wall_ns()):
            if isinstance(found, BadInputError):
                self._outbox.tell(None, "refused", str(found))
            elif found.clip_id not in self._queue.items and len(self._queue.items) < MAX_QUEUE:
                self._queue.save_with_parts(found, [])
                self._outbox.tell(found, "queued", f"{found.path} was found on disk.", key=found.key)

    def _take_files(self) -> None:
        """Queue what goes beside clips and is new."""
        for found in self._files.found():
            if isinstance(found, BadInputError):
                self._outbox.tell(None, "refused", str(found))
            elif self._state.item(found.clip_id) is None and len(self._queue.items) < MAX_QUEUE:
                self._queue.save_with_parts(found, [])
                self._outbox.tell(found, "queued", f"{found.path} waits to be sent.", key=found.key)

    def _plan(self, now_ns: int) -> Plan:
        views = {item.clip_id: self._view(item) for item in self._queue.items.values()}
        self._views = views
        queue = [view for _, _, view in views.values() if not self._is_paused(view)]
        return self._scheduler.plan(queue, self._line.link(), self._state.spent(day_of(now_ns)), now_ns)

    def _is_paused(self, view: QueueItem) -> bool:
        pause = self.orders.pause
        return pause is Pause.ALL or (
            pause is Pause.ALL_BUT_SAFETY and view.upload_class is not UploadClass.SAFETY
        )

    def _view(self, item: Item) -> tuple[Item, bool, QueueItem]:
        """What the scheduler sees of a clip, and what it was made from; kept until that changes."""
        known = self._transfer.knows_parts(item.clip_id)
        old = self._views.get(item.clip_id)
        if old is not None and old[0] is item and old[1] == known:
            return old
        return item, known, self._queue_item(item)

    def _queue_item(self, item: Item) -> QueueItem:
        stage = self._transfer.stage(item)
        early = self._settings.early_sidecars and not item.early_sent and not item.kind
        return QueueItem(
            clip_id=item.clip_id,
            upload_class=item.class_,
            score=item.score,
            queued_ns=item.queued_wall_ns,
            stage=stage,
            next_bytes=self._transfer.next_bytes(item, stage),
            early_bytes=self._transfer.next_bytes(item, Stage.EARLY) if early else 0,
            started=item.state in (ItemState.SENDING, ItemState.WHOLE, ItemState.VERIFIED),
            not_before_ns=item.next_try_wall_ns,
            hold=item.hold,
            urgent=item.urgent,
            links=item.link_modes,
        )

    def _explain(self, plan: Plan) -> None:
        """Tell of every clip that waits for another reason than when it was last told of."""
        obstacles = {one.clip_id: one for one in plan.blocked if one.obstacle is not Obstacle.BACKOFF}
        for clip_id, one in obstacles.items():
            if self._obstacles.get(clip_id) != one.reason:
                self._outbox.tell(
                    self._queue.items[clip_id], "waits", one.reason, obstacle=one.obstacle.value
                )
        self._obstacles = {clip_id: one.reason for clip_id, one in obstacles.items()}

    def _waiting(self, detail: str, until_ns: int | None) -> Step:
        happened = Happened.WAITING if self._queue.items else Happened.IDLE
        return self._outbox.result(Step(happened, detail=detail, until_wall_ns=until_ns))

    def _carry_out(self, send: Send) -> Step:
        item = self._queue.items[send.clip_id]
        self._sending = item.clip_id
        try:
            return self._attempt(item, send)
        finally:
            self._sending = ""

    def _attempt(self, item: Item, send: Send) -> Step:
        self._line.last = NOTHING
        try:
            self._prepare(item)
            most_bytes = self._transfer.next_bytes(item, send.stage)
            with self._line.unit(item.class_, send.stage, most_bytes, urgent=item.urgent):
                progress = self._transfer.run(item, send.stage)
        except StoreError as error:
            happened, detail = self._consequences.failed(item.clip_id, error.failure), str(error)
            return Step(happened, item.clip_id, detail, wire_bytes=self._line.last.wire_bytes)
        except SendingStoppedError as error:
            self._transfer.doubt(item.clip_id)
            return Step(Happened.FAILED, item.clip_id, str(error), wire_bytes=self._line.last.wire_bytes)
        except ClipUnusableError as error:
            wire_bytes = self._line.last.wire_bytes
            current = self._queue.items[item.clip_id]
            happened = self._consequences.set_aside(current, ItemState.PARKED, str(error))
            return Step(happened, item.clip_id, str(error), wire_bytes=wire_bytes)
        if self._line.last.wire_bytes:
            self._consequences.worked()
            self._line.measured(progress.body_bytes)
        if progress.happened is Happened.DONE:
            self._outbox.news()
        return Step(
            progress.happened,
            item.clip_id,
            progress.detail,
            progress.body_bytes,
            self._line.last.wire_bytes,
        )

    def _prepare(self, item: Item) -> None:
        """Before the first request of a process and of each day: the bucket, and uploads that nobody will finish."""
        today = day_of(self._clock.wall_ns())
        if self._prepared_day == today or item.state is ItemState.QUEUED:
            return
        vehicle = self._intake.vehicle
        limit_ns = int(self._settings.abort_parts_after_days * DAY_NS)
        keep = {one.upload_id for one in self._queue.items.values()}
        with self._line.unit(item.class_, Stage.EARLY, 3 * REQUEST_BYTES):
            if self._settings.create_bucket:
                self._store.ensure_bucket()
            prefix = f"{vehicle.airport}/{vehicle.id}/"
            count = abort_strays(self._store, prefix, self._clock.wall_ns() - limit_ns, keep)
        self._prepared_day = today
        if count:
            self._outbox.tell(
                None, "cleaned", f"{count} uploads below {prefix} were too old and were aborted."
            )
