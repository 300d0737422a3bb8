"""What is said about a store: which of its servers run, and where it listens."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class StoreState(StrEnum):
    """The four servers together."""

    RUNNING = "running"
    """All four run and the proxy answers."""
    DEGRADED = "degraded"
    """Some of the four run, or one of them does not answer: start it again to mend that."""
    STOPPED = "stopped"
    """None runs."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server process; ``pid`` is 0 when it does not run."""

    name: str
    pid: int
    port: int
    answers: bool


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The store as it is now."""

    folder: str
    state: StoreState
    endpoint_url: str
    region: str
    access_key: str
    credentials_file: str
    """``store.json``, which also holds the secret key: what settings name as ``upload.credentials_file``."""
    ca_file: str
    """Certificate authority to trust, empty without TLS."""
    servers: tuple[ServerStatus, ...]
    notes: tuple[str, ...] = ()
    """What was found and mended on the way, one sentence each."""

    def to_builtins(self) -> dict[str, Any]:
        """Plain values for JSON; there is no secret among them."""
        return asdict(self)
