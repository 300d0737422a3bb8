"""The Zenoh session: how it is configured, opened, and watched. Zenoh itself reconnects; this sees and says it."""

import json
import threading
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.ros2 import Ros2Settings

if TYPE_CHECKING:
    import zenoh

RETRY_S = 1.0
"""Between attempts to open the session, and the longest between Zenoh's own to connect again."""
LOOK_S = 0.2
"""How often the connection is looked at."""
_VARIABLES = ("ZENOH_SESSION_CONFIG_URI", "ZENOH_CONFIG")
"""rmw_zenoh's, then Zenoh's own."""


class LinkChange(Enum):
    """What became of the connection."""

    OPENED = "opened"
    """The session is there; the router may not be."""
    CONNECTED = "connected"
    LOST = "lost"


def configuration(settings: Ros2Settings, folder: Path, environment: Mapping[str, str]) -> "zenoh.Config":
    """How to join: the configuration that is named, else like a ROS node.

    Raises:
        BadInputError: a configuration is named and is none.
        UnavailableError: Zenoh is not installed.

    """
    try:
        import zenoh
    except ImportError:
        raise UnavailableError(
            "eclipse-zenoh is not installed, so no ROS 2 system can be joined; nothing was started. "
            "`pip install 'winnow-dora[ros2]'`."
        ) from None
    named = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    path = folder / settings.config if settings.config else Path(named) if named else None
    if path is not None:
        try:
            return zenoh.Config.from_file(str(path))
        except zenoh.ZError as error:
            raise BadInputError(f"{path} is no Zenoh configuration ({error}); nothing was started.") from None
    config = zenoh.Config()
    # As in rmw_zenoh's session configuration: found through the router, never by multicast.
    values: dict[str, object] = {
        "mode": settings.mode,
        "connect/endpoints": list(settings.connect),
        "connect/retry": {
            "period_init_ms": 200,
            "period_max_ms": int(RETRY_S * 1000),
            "period_increase_factor": 2,
        },
        "scouting/multicast/enabled": False,
        "scouting/delay": 50,  # milliseconds to wait for multicast's answers, which is off
        "timestamping/enabled": True,
    }
    if settings.mode == "peer":
        values["listen/endpoints"] = ["tcp/localhost:0"]
    for key, value in values.items():
        config.insert_json5(key, json.dumps(value))
    return config


class Link:
    """Opens the session without ever making the node wait, and counts outages."""

    def __init__(self, config: "zenoh.Config", clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.session: zenoh.Session | None = None
        self.connected = False
        self.outages = 0
        self.out_since_ns = 0
        """Monotonic; when the connection was lost, or the first attempt was made."""
        self._had_router = False
        self._looked_ns = 0
        self._tried_ns: int | None = None
        self._opening: threading.Thread | None = None
        self._opened: list[zenoh.Session] = []
        self.refusal = ""
        """Why the last attempt to open failed."""

    def step(self) -> list[LinkChange]:
        """Look at the connection; what has changed since."""
        now = self._clock.monotonic_ns()
        if self._tried_ns is not None and now - self._looked_ns < LOOK_S * 1e9:
            return []
        self._looked_ns = now
        if self.session is None:
            return self._open(now)
        there = self._is_there(self.session)
        if there == self.connected:
            return []
        self.connected = there
        if there:
            return [LinkChange.CONNECTED]
        self.outages += 1
        self.out_since_ns = now
        return [LinkChange.LOST]

    def out_s(self) -> float:
        """Seconds without a connection, so far."""
        return (self._clock.monotonic_ns() - self.out_since_ns) / 1e9

    def _is_there(self, session: "zenoh.Session") -> bool:
        """A router is; or a peer, where the configuration has no router."""
        routers = bool(session.info.routers_zid())
        self._had_router = self._had_router or routers
        return routers or (not self._had_router and bool(session.info.peers_zid()))

    def _open(self, now: int) -> list[LinkChange]:
        if self._opened:
            self.session = self._opened.pop()
            return [LinkChange.OPENED]
        if self._tried_ns is None:
            self.out_since_ns = now
        is_busy = self._opening is not None and self._opening.is_alive()
        if not is_busy and (self._tried_ns is None or now - self._tried_ns >= RETRY_S * 1e9):
            self._tried_ns = now
            self._opening = threading.Thread(target=self._try, daemon=True, name="zenoh-open")
            self._opening.start()
        return []

    def _try(self) -> None:
        import zenoh

        try:
            self._opened.append(zenoh.open(self._config))
        except zenoh.ZError as error:
            self.refusal = str(error).split(" at /", 1)[0][:200]

    def close(self) -> None:
        """Leave; tokens and subscriptions go with the session."""
        if self.session is not None:
            self.session.close()  # type: ignore[no-untyped-call]
            self.session = None
