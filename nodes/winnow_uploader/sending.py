"""The link as it is now, and sending on it: every unit of work is paced, charged to its day, and measured."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from winnow_operators.upload.budget import day_of
from winnow_operators.upload.link import Link
from winnow_operators.upload.schedule import Scheduler, Stage
from winnow_operators.upload.uplink import UplinkMeter
from winnow_runtime.clock import Clock
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode
from winnow_uploader.pacer import Pacer, Sending
from winnow_uploader.state import UploadState

NOTHING = Sending(0, 0.0, 0.0)
MAKE_WAY_FRACTION = 0.3
"""Of a part: less than this is given up for a P0, which costs at most 3 MiB; more of it is finished first."""


class SendingLine:
    """``set_link`` may be called from any thread, also while a unit is being sent."""

    def __init__(
        self, scheduler: Scheduler, state: UploadState, pacer: Pacer, clock: Clock, mode: LinkMode
    ) -> None:
        self._scheduler = scheduler
        self._state = state
        self._pacer = pacer
        self._clock = clock
        self._lock = threading.Lock()
        self._link = Link(mode)
        self._meter = UplinkMeter(int(scheduler.link_settings.measurement_holds_s * 1e9))
        self._unit: tuple[UploadClass, Stage, bool] | None = None
        self._most_bytes = 0
        self.last = NOTHING
        """What the last unit put on the wire."""

    @property
    def mode(self) -> LinkMode:
        return self._link.mode

    def set_link(self, link: Link) -> bool:
        """Another link; a unit in progress goes on at its rate, or is cut off. True if the mode is another."""
        with self._lock:
            changed = link.mode is not self._link.mode
            self._link = link
            if changed:  # what another link carried says nothing of this one
                self._meter = replace(self._meter, until_ns=0)
            if self._unit is not None:
                self._pacer.change_rate(self._rate(*self._unit))
            return changed

    def make_way(self) -> None:
        """A P0 has come: cut off other data of which little has gone, so that it never waits a whole part.

        Nor does it wait until an object was read back to be verified.
        """
        with self._lock:
            unit, gone_bytes = self._unit, self._pacer.unit_bytes
            if unit is None or unit[0] is UploadClass.SAFETY:
                return
            if unit[1] is Stage.SEAL:
                self._pacer.cut_reading(
                    "A P0 has come and goes first; the object is read back again afterwards."
                )
            elif unit[1] is Stage.DATA and gone_bytes < MAKE_WAY_FRACTION * self._most_bytes:
                self._pacer.cut("A P0 has come and goes first; the part that had just begun is sent again.")

    def link(self) -> Link:
        """The link, with our own measurement where it is shared and nothing else measures it."""
        link = self._link
        if link.uplink_bytes_per_s is None and link.mode is LinkMode.CELLULAR_5G:
            return Link(link.mode, self._meter.at(self._clock.monotonic_ns()))
        return link

    @contextmanager
    def unit(
        self, upload_class: UploadClass, stage: Stage, most_bytes: int, *, urgent: bool = False
    ) -> Iterator[None]:
        """Send inside this block. Charged at first with ``most_bytes``, and in the end with what it was.

        A crash in between leaves the larger charge: a budget may be under-used, never passed.
        """
        day = day_of(self._clock.wall_ns())
        self._charge(day, upload_class, most_bytes)
        with self._lock:
            self._unit, self._most_bytes = (upload_class, stage, urgent), most_bytes
            self._pacer.begin(self._rate(*self._unit))
        try:
            yield
        finally:
            with self._lock:
                self._unit = None
                self.last = self._pacer.end()
            self._charge(day, upload_class, self.last.wire_bytes - most_bytes)

    def measured(self, body_bytes: int) -> None:
        """The last unit brought so much content to the store: learn from how long that took."""
        with self._lock:
            self._meter = self._meter.observed(
                body_bytes, self.last.busy_s, self.last.waited_s, self._clock.monotonic_ns()
            )

    def goodput_bytes_per_s(self) -> float | None:
        """What this link was seen to carry when our own limit did not hold it back; None = not known."""
        return self._meter.at(self._clock.monotonic_ns())

    def _rate(self, upload_class: UploadClass, stage: Stage, urgent: bool) -> float:
        return self._scheduler.rate_bytes_per_s(upload_class, stage, self.link(), urgent=urgent)

    def _charge(self, day: int, upload_class: UploadClass, wire_bytes: int) -> None:
        if wire_bytes:
            with self._state.transaction():
                self._state.charge(day, upload_class, wire_bytes)
