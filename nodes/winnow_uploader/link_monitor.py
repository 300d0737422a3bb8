"""Watches the link on a thread of its own, because a probe may take seconds, and tells the worker of changes."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence

from winnow_operators.upload.link import Link
from winnow_operators.upload.link_watch import Seen, Stated, Verdict, judge
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import LinkState
from winnow_schemas.settings.upload import LinkMode, LinkSettings
from winnow_uploader.interfaces import interfaces, takes_connection

Look = Callable[[], Mapping[str, Sequence[str]]]
Probe = Callable[[str, float], bool]
SetLink = Callable[[LinkMode, float | None], None]


class LinkMonitor:
    """``state`` and ``step`` may be called from any thread; changes wait in ``changes``."""

    def __init__(
        self,
        settings: LinkSettings,
        set_link: SetLink,
        clock: Clock,
        *,
        look: Look = interfaces,
        probe: Probe = takes_connection,
    ) -> None:
        """Look once, so that nothing is sent on a link that is not there."""
        self._settings = settings
        self._set_link = set_link
        self._clock = clock
        self._look, self._probe = look, probe
        self._lock = threading.Lock()
        self._stated: Stated | None = None
        self._probe_failures = 0
        self._probed_ns = -(10**18)
        self._link = Link(settings.mode)
        self.reason = ""
        self.changes: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        """Every other mode, in order, to be told in the ledger."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self.step()

    def start(self) -> None:
        """Watch from now on; a word on the input `link` also has to run out."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a probe that is under way may end later."""
        self._ending.set()

    def state(self, message: LinkState) -> None:
        """Another node says what the link is.

        Raises:
            BadInputError: it names no mode, or a rate that is none.

        """
        try:
            mode = LinkMode[message.mode.upper()]
        except KeyError:
            raise BadInputError(
                f"{message.mode[:40]!r} is no link mode (disconnected, cellular_5g, wifi_depot, ethernet_depot); "
                "the link stays what it was."
            ) from None
        uplink = message.uplink_mbps
        if uplink is not None and not 0 <= uplink < 1e6:
            raise BadInputError(f"An uplink of {uplink} Mbit/s is none; the link stays what it was.")
        with self._lock:
            self._stated = Stated(mode, uplink, self._clock.monotonic_ns())
        self.decide()

    def step(self) -> None:
        """Probe if it is time, look, and decide."""
        now_ns = self._clock.monotonic_ns()
        if self._settings.probe and now_ns - self._probed_ns >= self._settings.probe_every_s * 1e9:
            self._probed_ns = now_ns
            there = self._probe(self._settings.probe, self._settings.probe_timeout_s)
            self._probe_failures = 0 if there else self._probe_failures + 1
        self.decide()

    def decide(self) -> None:
        """Name the link from what is known, and tell if it is another."""
        with self._lock:
            up = self._look() if self._settings.interfaces else {}
            seen = Seen(up, self._probe_failures, self._stated, self._clock.monotonic_ns())
            verdict = judge(self._settings, seen)
            self.reason = verdict.reason
            if verdict.link == self._link:
                return
            changed = verdict.link.mode is not self._link.mode
            self._link = verdict.link
            self._set_link(verdict.link.mode, verdict.link.uplink_bytes_per_s)
            if changed:
                self.changes.put(verdict)

    def _run(self) -> None:
        while not self._ending.wait(self._settings.look_every_s):
            self.step()
