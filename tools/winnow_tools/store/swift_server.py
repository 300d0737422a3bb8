"""Starts one of Swift's servers in the background. Run as a program by file, never imported.

``python -P swift_server.py NAME CONF PIDFILE LOG``: takes a lock on the pid file, which says that this server
runs for as long as the process lives, writes into it who it is, and becomes the server. The starting
process returns when that is done: 0, or 3 when the lock is somebody else's.
"""

import fcntl
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

MODULES = {
    "account": "swift.account.server",
    "container": "swift.container.server",
    "object": "swift.obj.server",
    "proxy": "swift.proxy.server",
}
LOCKED_ELSEWHERE = 3


def start(name: str, conf: str, pid_file: str, log: str) -> int:
    """Fork the server off; returns in the starting process only."""
    ready, done = os.pipe()
    if os.fork():
        os.close(done)
        with os.fdopen(ready, "rb") as answer:
            return 0 if answer.read(1) == b"+" else LOCKED_ELSEWHERE
    os.close(ready)
    os.setsid()
    if not _claim(pid_file, conf):
        os._exit(LOCKED_ELSEWHERE)
    _redirect(log)
    os.write(done, b"+")
    os.close(done)
    _serve(name, conf)
    return 0


def _claim(pid_file: str, conf: str) -> bool:
    """Lock the pid file and write this process into it; the lock lives as long as the process."""
    descriptor = os.open(pid_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    stat = Path("/proc/self/stat").read_text("ascii", "replace")
    record = {
        "pid": os.getpid(),
        "start_ticks": int(stat.rpartition(")")[2].split()[19]),
        "host": os.uname().nodename,
        "conf": conf,
    }
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(record).encode())
    return True


def _redirect(log: str) -> None:
    with Path(os.devnull).open("rb") as null:
        os.dup2(null.fileno(), 0)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _serve(name: str, conf: str) -> None:
    server: Any = importlib.import_module(MODULES[name])
    wsgi: Any = importlib.import_module("swift.common.wsgi")
    # Swift changes to a named account, which a container's bare user id does not have; we stay who we are.
    wsgi.drop_privileges = lambda _user: None
    if name == "proxy":
        _keep_underscores()
    sys.argv = [f"swift-{name}-server", conf, "-v"]
    server.main()


def _keep_underscores() -> None:
    """Make multipart uploads keep ``_`` in metadata names, as single puts and AWS do.

    Swift 2.38 writes them as ``=5F`` on a single put, but completes a multipart upload from the decoded names,
    and the next WSGI environment cannot tell ``vehicle_id`` from ``vehicle-id``.
    """
    controllers: Any = importlib.import_module("swift.common.middleware.s3api.controllers.multi_upload")
    original = getattr(controllers, "_get_upload_info", None)
    if original is None:
        return

    def with_escaped_names(req: Any, app: Any, upload_id: str) -> Any:
        answer, is_marker = original(req, app, upload_id)
        for key in [key for key in answer.headers if key.lower().startswith("x-amz-meta-") and "_" in key]:
            answer.headers[key.replace("_", "=5F")] = answer.headers.pop(key)
        return answer, is_marker

    controllers._get_upload_info = with_escaped_names


if __name__ == "__main__":
    sys.exit(start(*sys.argv[1:5]))
