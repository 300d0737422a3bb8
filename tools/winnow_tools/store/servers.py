"""The four server processes of one folder: launching, waiting for, ending them, and what they last said."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from winnow_schemas.errors import UnavailableError
from winnow_tools.store import configuration, health, processes
from winnow_tools.store.folder import NAMES, Layout, StoreFolder, write_private

START_LIMIT_S = 30.0
"""A start takes 2 s on two idle cores; a busy small machine gets fifteen times that."""
STOP_LIMIT_S = 5.0
"""Swift leaves at once on SIGTERM; what does not is killed after this."""
MAX_LOG_BYTES = 5 * 1024 * 1024
"""A log longer than this is set aside as ``NAME.log.1`` at the next start."""
RINGS = ("account", "container", "object")
"""The servers that are found through a ring file, in the order in which ``ring_files`` takes their ports."""
_HERE = Path(__file__).parent


class Servers:
    """Processes by name; see ``processes`` for how a process is told from another."""

    def __init__(self, folder: StoreFolder) -> None:
        self.folder = folder
        self._log_starts: dict[str, int] = {}

    def pids(self) -> dict[str, int]:
        """Pids by name, 0 for what does not run.

        Raises:
            UnavailableError: a server runs where it cannot be seen.

        """
        return {name: processes.running_pid(self.folder.pid_file(name)) for name in NAMES}

    def configure(self, layout: Layout) -> None:
        """Write the configuration and the ring files, and then the layout with its ports.

        Raises:
            UnavailableError: Swift could not write its rings.

        """
        folder = self.folder
        for name, text in configuration.files(layout, folder.etc, folder.node, folder.tls).items():
            write_private(folder.etc / name, text.encode())
        rings = [folder.etc / f"{name}.ring.gz" for name in RINGS]
        as_before = folder.exists and folder.read_layout().ports == layout.ports
        if not (as_before and all(ring.is_file() for ring in rings)):
            self._write_rings(layout)
        folder.write_layout(layout)

    def _write_rings(self, layout: Layout) -> None:
        ports = [str(layout.ports[name]) for name in RINGS]
        made = subprocess.run(
            [sys.executable, "-P", str(_HERE / "ring_files.py"), str(self.folder.etc), *ports],
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
            check=False,
        )
        if made.returncode:
            raise UnavailableError(
                f"Swift could not write its ring files ({_last_line(made.stderr)}); the store was not started. "
                f"Check that the installed swift works: {sys.executable} -m swift.proxy.server --help"
            )

    def launch(self, name: str) -> None:
        """Start one server in the background; whether it comes up is :meth:`came_up`'s question."""
        folder = self.folder
        log = folder.log_file(name)
        if log.is_file() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        self._log_starts[name] = log.stat().st_size if log.is_file() else 0
        arguments = [name, str(folder.conf(name)), str(folder.pid_file(name)), str(log)]
        subprocess.run(
            [sys.executable, "-P", str(_HERE / "swift_server.py"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=START_LIMIT_S,
            check=False,
        )

    def came_up(self, layout: Layout, name: str, deadline: float) -> bool:
        """Wait until the server answers; False when it ended or ``deadline`` (monotonic seconds) passed."""
        while processes.running_pid(self.folder.pid_file(name)):
            if health.answers(self.folder, layout, name):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return False

    def last_words(self, name: str) -> str:
        """The last line that the server wrote since it was launched, empty if none."""
        try:
            with self.folder.log_file(name).open("rb") as log:
                log.seek(self._log_starts.get(name, 0))
                return _last_line(log.read(MAX_LOG_BYTES).decode("utf-8", "replace"))
        except FileNotFoundError:
            return ""

    def end(self, names: Iterable[str]) -> None:
        """End these servers, in this order; returns when they are gone."""
        for name in names:
            processes.end(self.folder.pid_file(name), STOP_LIMIT_S)

    def catch_up(self) -> None:
        """Bring listings up to date after a crash: an object whose container server was gone is not listed."""
        pending = self.folder.node.glob("sda/async_pending*/*")
        if not any(pending):
            return
        with self.folder.log_file("object").open("ab") as log:
            subprocess.run(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "swift.obj.updater",
                    str(self.folder.conf("object")),
                    "once",
                    "-v",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=START_LIMIT_S,
                check=False,
            )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else ""
