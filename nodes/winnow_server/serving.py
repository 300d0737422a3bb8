"""The server as a whole: database, web server in a thread of its own, and the watched folders."""

import contextlib
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import uvicorn

from winnow_operators.tasks.retrying import Backoff
from winnow_operators.tasks.schedule import DayWindow, KindRule
from winnow_runtime import atomic
from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.server import KindSettings, ServerSettings
from winnow_server.accounts import Accounts
from winnow_server.api import Schedule, TaskApi
from winnow_server.app import build_app
from winnow_server.book import QueueRules
from winnow_server.database import Database
from winnow_server.gathering import Results
from winnow_server.grouping import Grouped
from winnow_server.pages.clips import ClipPages
from winnow_server.pages.review import ReviewPages
from winnow_server.pages.sessions import Sessions
from winnow_server.pages.site import Site
from winnow_server.plates import PlateBook
from winnow_server.queue import TaskQueue
from winnow_server.runs import Runs
from winnow_server.tables import open_database
from winnow_server.watching import FolderWatch

DATABASE = "server.sqlite"
GATHER_EVERY_S = 2.0
"""How often results' folders are looked at for new records."""
_STARTS_WITHIN_S = 20.0
_STOPS_WITHIN_S = 8.0
_LOOK_S = 0.02
_SECRET_BYTES = 32


def kind_rule(settings: KindSettings) -> KindRule:
    """The rule of a kind, from what the settings say."""

    def minute(text: str) -> int:
        hours, _, minutes = text.partition(":")
        return int(hours) * 60 + int(minutes)

    windows = tuple(DayWindow(*(minute(part) for part in each.split("-"))) for each in settings.hours)
    return KindRule(windows, float("inf") if settings.load_max is None else settings.load_max)


def _secret(path: Path) -> bytes:
    """The key with which addresses for viewers are signed; made once."""
    try:
        found = path.read_bytes()
    except OSError:
        found = b""
    if len(found) != _SECRET_BYTES:
        found = secrets.token_bytes(_SECRET_BYTES)
        atomic.write_bytes(path, found, mode=0o600)
    return found


class TaskServer:
    """A running server; leave the ``with`` block to stop it.

    Raises:
        BadInputError: settings, accounts or certificate cannot be used.
        UnavailableError: the port is taken, or the database away.

    """

    def __init__(
        self, settings: ServerSettings, folder: Path, clock: Clock, say: Callable[[str], None] = print
    ) -> None:
        self.settings = settings
        self.say = say
        folder.mkdir(parents=True, exist_ok=True)
        self.accounts = Accounts(folder / settings.tokens)
        engine = open_database(settings.database or f"sqlite:///{folder / DATABASE}")
        backoff = Backoff(settings.backoff_s, settings.backoff_longest_s)
        database = Database(engine, clock)
        self.queue = TaskQueue(database, QueueRules(settings.lease_s, settings.attempts_max, backoff))
        rules = {kind: kind_rule(each) for kind, each in settings.kinds.items()}
        self.grouped = Grouped(database)
        schedule = Schedule(rules, ZoneInfo(settings.timezone))
        self.api = TaskApi(self.queue, self.grouped, self.accounts, schedule, clock)
        self.site = Site(
            self.api, Sessions(database, self.accounts, clock), secure=bool(settings.certificate)
        )
        book = PlateBook(database)
        self.results = Results([Path(each) for each in settings.results], book, say)
        self.runs = Runs(
            {name: Path(each) for name, each in settings.runs.items()}, database, folder / "drawings"
        )
        review = ReviewPages(self.site, self.results, settings.tiles)
        clips = ClipPages(self.site, self.runs, _secret(folder / "viewers.key"), clock)
        self._pages = [*self.site.routes(), *review.routes(), *clips.routes()]
        self._engine = engine
        self._clock = clock
        self._socket = self._bind()
        self._uvicorn = uvicorn.Server(self._config())
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([self._socket],), name="web", daemon=True
        )
        self._ending = threading.Event()
        self._watches: list[tuple[Callable[[float], object], float]] = [
            (FolderWatch(each, Path(settings.shares[each.share]), self.queue, say).look, each.every_s)
            for each in settings.watch
        ]
        if settings.results:
            self._watches.append((lambda _: self.results.look(), GATHER_EVERY_S))
        self._watcher = threading.Thread(target=self._watch, name="watch", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"{'https' if self.settings.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def alive(self) -> bool:
        """Whether the web server's thread runs."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        waited = 0.0
        while not self._uvicorn.started:
            self._clock.sleep_s(_LOOK_S)
            waited += _LOOK_S
            if waited > _STARTS_WITHIN_S or not self._thread.is_alive():
                self.stop()
                raise UnavailableError(f"The web server did not start at {self.url}; nothing is served.")
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer what has been asked, then end."""
        self._ending.set()
        self._uvicorn.should_exit = True
        for thread in (self._thread, self._watcher):
            if thread.ident is not None:
                thread.join(_STOPS_WITHIN_S)
        self.grouped.stop()
        self._socket.close()
        self._engine.dispose()

    def _watch(self) -> None:
        due = [0.0] * len(self._watches)
        while not self._ending.wait(_LOOK_S if not self._watches else 0.05):
            now = self._clock.monotonic_ns() / 1e9
            for place, (look, every_s) in enumerate(self._watches):
                if now >= due[place]:
                    due[place] = now + every_s
                    look(now)
            if not self._watches:
                return

    def _bind(self) -> socket.socket:
        settings = self.settings
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((settings.host, settings.port))
        except OSError as error:
            bound.close()
            raise UnavailableError(
                f"Port {settings.port} of {settings.host} cannot be taken ({error.strerror}); the server did not start. "
                "Set server.port to a free one."
            ) from None
        return bound

    def _config(self) -> uvicorn.Config:
        settings = self.settings
        if settings.certificate:
            try:
                ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                    settings.certificate, settings.key
                )
            except (OSError, ssl.SSLError) as error:
                with contextlib.suppress(OSError):
                    self._socket.close()
                raise BadInputError(
                    f"The certificate {settings.certificate} with key {settings.key} cannot be used "
                    f"({error.strerror or error}); the server did not start."
                ) from None
        return uvicorn.Config(
            build_app(self.api, self._pages),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=30,
            limit_concurrency=512,
            ssl_certfile=settings.certificate or None,
            ssl_keyfile=settings.key or None,
        )
