"""Starting, watching and stopping one store."""

import fcntl
import importlib.metadata
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.store import health
from winnow_tools.store.folder import NAMES, Layout, StoreFolder
from winnow_tools.store.servers import START_LIMIT_S, Servers
from winnow_tools.store.status import ServerStatus, StoreState, StoreStatus

PORT_ATTEMPTS = 3
"""How often other free ports are tried when somebody took one between choosing and listening."""
OLDEST_SWIFT = (2, 36)
"""Older ones refuse the checksums that boto3 sends by default."""


class Store:
    """The S3 server in ``folder``. As a context manager it runs during a block.

    A store that ran before the block is left running after it.
    """

    def __init__(self, folder: Path | str, *, port: int | None = None, tls: bool | None = None) -> None:
        """Name a store; nothing happens yet.

        ``port`` is where S3 listens on 127.0.0.1 (None: as before, at first any free port); ``tls`` turns HTTPS
        on or off (None: as before, at first off).

        Raises:
            BadInputError: no such port.

        """
        if port is not None and not 1 <= port <= 65_535:
            raise BadInputError(f"{port} is not a port, which is 1 to 65535; nothing was started.")
        self.folder = StoreFolder(Path(folder))
        self._servers = Servers(self.folder)
        self._port = port
        self._tls = tls
        self._ran_before = False

    def __enter__(self) -> Self:
        self._ran_before = self.folder.exists and self.status().state is StoreState.RUNNING
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ran_before:
            self.stop()

    @property
    def credentials_file(self) -> Path:
        """``store.json``: endpoint_url, region, access_key, secret_key (and ca_file with TLS)."""
        return self.folder.credentials_file

    def start(self) -> StoreStatus:
        """Start what does not run; a store that runs is left alone.

        Raises:
            BadInputError: the folder holds something else.
            UnavailableError: Swift is missing, the port is taken, the folder cannot be used, the store runs
                elsewhere, or a server did not come up.

        """
        _check_swift()
        self.folder.prepare()
        with self._exclusively():
            layout = self.folder.prepare()  # again: another start may have made the store while we waited
            pids = self._servers.pids()
            layout = self._wanted(layout, running=any(pids.values()))
            notes = self._what_was_found(layout, pids)
            if not all(pids.values()):
                layout = self._start_missing(layout, pids, notes)
            return self._status(layout, notes)

    def stop(self) -> StoreStatus:
        """End what runs, the proxy first; returns when nothing runs any more.

        Raises:
            UnavailableError: there is no store, or it runs where its processes cannot be seen.

        """
        layout = self._existing()
        with self._exclusively():
            self._servers.pids()
            self._servers.end(reversed(NAMES))
            return self._status(layout, [])

    def status(self) -> StoreStatus:
        """Look, change nothing.

        Raises:
            UnavailableError: there is no store, or it runs where its processes cannot be seen.

        """
        return self._status(self._existing(), [])

    def _existing(self) -> Layout:
        if not self.folder.exists:
            raise UnavailableError(
                f"There is no store in {self.folder.path}; nothing was done. "
                f"Make one with: winnow store start {self.folder.path}"
            )
        return self.folder.read_layout()

    def _wanted(self, layout: Layout, *, running: bool) -> Layout:
        """The layout with this start's port and TLS; a running store must have them already."""
        port = layout.proxy_port if self._port is None else self._port
        tls = layout.tls if self._tls is None else self._tls
        if running and (port, tls) != (layout.proxy_port, layout.tls):
            raise UnavailableError(
                f"The store in {self.folder.path} runs already at {layout.endpoint_url}, not with the port or TLS "
                f"asked for now; it was left alone. Stop it first: winnow store stop {self.folder.path}"
            )
        fixed = layout.port_is_fixed if self._port is None else True
        return msgspec.structs.replace(layout, proxy_port=port, port_is_fixed=fixed, tls=tls)

    def _what_was_found(self, layout: Layout, pids: dict[str, int]) -> list[str]:
        """Say in what state the servers are; one that runs without answering is ended (its pid becomes 0)."""
        notes = []
        if any(pids.values()):
            gone = [name for name in NAMES if not pids[name]]
            dumb = [name for name in NAMES if pids[name] and not health.answers(self.folder, layout, name)]
            self._servers.end(dumb)
            pids.update(dict.fromkeys(dumb, 0))
            if gone or dumb:
                notes.append(f"Started again, because it was gone or mute: {', '.join(gone + dumb)}.")
        elif any(self.folder.pid_file(name).exists() for name in NAMES):
            notes.append("The servers had ended without being stopped; what was stored is still there.")
        return notes

    def _start_missing(self, layout: Layout, pids: dict[str, int], notes: list[str]) -> Layout:
        for attempt in range(1, PORT_ATTEMPTS + 1):
            layout = self._with_free_ports(layout, pids, notes)
            if layout.tls:
                _make_certificates(self.folder)
            self._servers.configure(layout)
            missing = [name for name in NAMES if not pids[name]]
            for name in missing:
                self._servers.launch(name)
            deadline = time.monotonic() + START_LIMIT_S
            failed = [name for name in missing if not self._servers.came_up(layout, name, deadline)]
            if not failed:
                break
            reason = self._servers.last_words(failed[0])
            self._servers.end(reversed(missing))
            if "Could not bind" not in reason or attempt == PORT_ATTEMPTS:
                raise UnavailableError(
                    f"The store's {failed[0]} server did not come up ({reason or 'it said nothing'}); what was "
                    f"started has been stopped. See {self.folder.log_file(failed[0])}."
                )
        self._servers.catch_up()
        problem = health.signed_request_problem(self.folder, layout)
        if problem:
            raise UnavailableError(
                f"The store's servers run, but a signed request to them failed ({problem}); they were left "
                f"running. See {self.folder.log}."
            )
        return layout

    def _with_free_ports(self, layout: Layout, pids: dict[str, int], notes: list[str]) -> Layout:
        """Replace the ports of servers to be started that are taken, unless the user chose them."""
        ports = layout.ports
        problems = {name: health.port_problem(ports[name]) for name in NAMES if not pids[name]}
        taken = [name for name, problem in problems.items() if problem]
        if "proxy" in taken and layout.port_is_fixed:
            raise UnavailableError(
                f"Port {ports['proxy']} on 127.0.0.1 {problems['proxy']}; the store was not started. "
                "Choose another with --port."
            )
        if taken and any(pids.values()):
            # Running servers have read the ports of all from the rings: a change means all of them anew.
            self._servers.end(reversed(NAMES))
            pids.update(dict.fromkeys(NAMES, 0))
        if "proxy" in taken and ports["proxy"]:
            notes.append(f"Port {ports['proxy']} {problems['proxy']} now; the endpoint has changed.")
        fresh = dict(zip(taken, health.free_ports(len(taken)), strict=True))
        return msgspec.structs.replace(layout, **{f"{name}_port": port for name, port in fresh.items()})

    def _status(self, layout: Layout, notes: list[str]) -> StoreStatus:
        servers = tuple(
            ServerStatus(
                name, pid, layout.ports[name], bool(pid) and health.answers(self.folder, layout, name)
            )
            for name, pid in self._servers.pids().items()
        )
        if all(server.answers for server in servers):
            state = StoreState.RUNNING
        else:
            state = StoreState.DEGRADED if any(server.pid for server in servers) else StoreState.STOPPED
        return StoreStatus(
            folder=str(self.folder.path),
            state=state,
            endpoint_url=layout.endpoint_url,
            region=layout.region,
            access_key=layout.access_key,
            credentials_file=str(self.folder.credentials_file),
            ca_file=str(self.folder.ca_file) if layout.tls else "",
            servers=servers,
            notes=tuple(notes),
        )

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Let one start or stop at a time work on this folder; the next waits."""
        descriptor = os.open(self.folder.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + START_LIMIT_S
            while not _try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"Another start or stop has been at work on {self.folder.path} for "
                        f"{START_LIMIT_S:.0f} s; nothing was done. Try again when it has ended."
                    )
                time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_swift() -> None:
    """Refuse early when Swift is not there.

    Raises:
        UnavailableError: it is missing or too old.

    """
    install = "Install it with: pip install 'winnow-dora[store]'"
    try:
        version = importlib.metadata.version("swift")
    except importlib.metadata.PackageNotFoundError:
        raise UnavailableError(
            f"OpenStack Swift, which the store is made of, is not installed; nothing was started. {install}"
        ) from None
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_SWIFT:
        oldest = ".".join(map(str, OLDEST_SWIFT))
        raise UnavailableError(
            f"Swift {version} is too old, {oldest} is needed; nothing was started. {install}"
        )


def _make_certificates(folder: StoreFolder) -> None:
    try:
        from winnow_tools.store.certificates import make_certificates
    except ImportError:
        raise UnavailableError(
            "TLS needs the 'cryptography' package, which is not installed; the store was not started. "
            "Install it with: pip install cryptography"
        ) from None
    make_certificates(folder, SystemClock().wall_ns() / 1e9)
