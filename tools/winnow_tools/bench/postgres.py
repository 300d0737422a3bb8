"""A PostgreSQL server of one's own for a test or a measurement: in a folder, on loopback, stopped by its own program."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from winnow_schemas.errors import UnavailableError

_STARTS_WITHIN_S = 60
_OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"


def programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3].zfill(8))
    if found:
        return found[-1].parent
    other = shutil.which("initdb")
    return Path(other).resolve().parent if other else None


class Postgres:
    """A new, empty server. Leave the ``with`` block to stop it and remove its folder.

    Raises:
        UnavailableError: PostgreSQL is not installed, or cannot run as this user.

    """

    def __init__(self) -> None:
        found = programs()
        if found is None:
            raise UnavailableError(
                "PostgreSQL is not installed; install it (Debian: apt-get install postgresql)."
            )
        self._programs = found
        self._as: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="winnow-postgres-"))
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            try:
                pwd.getpwnam("postgres")
            except KeyError:
                shutil.rmtree(self._folder)
                raise UnavailableError(
                    "PostgreSQL does not run as root, and there is no user postgres."
                ) from None
            self._as = ["runuser", "-u", "postgres", "--"]
            shutil.chown(self._folder, "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"postgresql+psycopg://winnow@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", self._data, "-U", "winnow", "--auth=trust", "-E", "UTF8")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_STARTS_WITHIN_S,
            cwd="/",
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = str(self._folder / "data" / "log")
        self._run("pg_ctl", "-D", self._data, "-o", f"-p {self.port} {_OPTIONS}", "-l", log, "-w", "start")

    def stop(self) -> None:
        """Stop it as a crash would: clients are cut off."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except (subprocess.SubprocessError, OSError):
            pass  # a test stopped it already
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
