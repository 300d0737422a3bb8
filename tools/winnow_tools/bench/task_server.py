"""The main server as a process of its own, for measurements."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from winnow_schemas.errors import UnavailableError
from winnow_server.accounts import Accounts


@contextlib.contextmanager
def server(folder: Path, database: str, *, lease_s: float = 30.0) -> Iterator[tuple[str, Accounts]]:
    """Its address, and who may use it; stopped at the end."""
    accounts = Accounts(folder / "out" / "state" / "server" / "tokens.json")
    settings = folder / "settings.yml"
    settings.write_text(
        f"out: out\nserver: {{port: 0, lease_s: {lease_s}, backoff_s: 0, database: {json.dumps(database)}}}\n"
    )
    command = [sys.executable, "-c", "from winnow_tools.cli import main; main()", "server"]
    process = subprocess.Popen(
        [*command, "--settings", str(settings), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1].strip() != "}":
            line = process.stdout.readline()
            if not line:
                raise UnavailableError("The task server did not start; nothing was measured.")
            lines.append(line)
        yield str(json.loads("".join(lines))["url"]), accounts
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def environment() -> dict[str, str]:
    """For processes that import what this one does."""
    return {**os.environ, "PYTHONPATH": ":".join(part for part in sys.path if part)}
