"""Logged-in people: a random cookie, its hash in the database, and a token that every form must bring back."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from winnow_runtime.clock import Clock
from winnow_server.accounts import Accounts, Caller
from winnow_server.database import Database
from winnow_server.tables import sessions

COOKIE = "winnow_session"
LASTS_S = 12 * 3600
TRIES = 10
TRIES_WITHIN_S = 300.0
_REMEMBERED = 4096
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has logged in."""

    caller: Caller
    csrf: str

    def owns(self, csrf: str) -> bool:
        """Whether a form came from one of our own pages."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogateescape"))


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()


class Sessions:
    """All sessions; they survive the server."""

    def __init__(self, database: Database, accounts: Accounts, clock: Clock) -> None:
        self._database = database
        self._accounts = accounts
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """A new cookie, or None: wrong name or password, or too many tries from there or for that name."""
        if self.blocked_s(name, address) > 0:
            return None
        caller = self._accounts.by_password(name, password)
        if caller is None:
            self._failed(name, address)
            return None
        cookie = secrets.token_urlsafe(32)
        with self._database.writing() as (connection, now):
            connection.execute(delete(sessions).where(sessions.c.until_ns <= now))
            connection.execute(
                insert(sessions).values(
                    cookie=_hash(cookie),
                    person=name,
                    csrf=secrets.token_urlsafe(24),
                    until_ns=now + LASTS_S * _NS,
                )
            )
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie; None when it is unknown, over, or the person's account is gone."""
        with self._database.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.cookie == _hash(cookie))).one_or_none()
        if row is None or row.until_ns <= self._clock.wall_ns():
            return None
        caller = self._accounts.role_of(row.person)
        return Session(caller, row.csrf) if caller else None

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._database.writing() as (connection, _):
            connection.execute(delete(sessions).where(sessions.c.cookie == _hash(cookie)))

    def blocked_s(self, name: str, address: str) -> float:
        """How long nobody may try this name, or from this address, seconds; 0 when they may."""
        now = self._clock.monotonic_ns() / _NS
        with self._lock:
            waits = [0.0]
            for key in (f"name {name}", f"from {address}"):
                recent = [at for at in self._failures.get(key, []) if now - at < TRIES_WITHIN_S]
                if len(recent) >= TRIES:
                    waits.append(TRIES_WITHIN_S - (now - recent[0]))
        return max(waits)

    def _failed(self, name: str, address: str) -> None:
        now = self._clock.monotonic_ns() / _NS
        with self._lock:
            for key in (f"name {name[:64]}", f"from {address}"):
                recent = [at for at in self._failures.get(key, []) if now - at < TRIES_WITHIN_S]
                self._failures[key] = [*recent[-TRIES:], now]
                self._failures.move_to_end(key)
            while len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)
