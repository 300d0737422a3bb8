"""Serves one clip on loopback so that a viewer in a browser can read it: ranges, and leave for other origins."""

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from winnow_schemas.errors import BadInputError, UnavailableError

HOST = "127.0.0.1"
_BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_IDLE_S = 60
"""A connection that says nothing for so long is closed."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where a clip is to be had while it is served."""

    url: str
    server: ThreadingHTTPServer

    def viewers(self) -> dict[str, str]:
        """What a person types or clicks, by viewer."""
        packed = quote(self.url, safe="")
        return {
            "Lichtblick": f"https://lichtblick-suite.github.io/lichtblick/?ds=remote-file&ds.url={packed}",
            "Foxglove": f"https://app.foxglove.dev/~/view?ds=remote-file&ds.url={packed}",
            "Rerun": f"rerun {self.url}",
        }


@contextmanager
def served(path: Path, port: int = 0) -> Iterator[Served]:
    """Serve a file until the end of the block.

    Only who knows the address gets it: its path holds 16 random bytes, because any page that the user has
    open could otherwise ask for it.

    Raises:
        UnavailableError: the port is taken.

    """
    secret = secrets.token_urlsafe(16)
    route = f"/{secret}/{quote(path.name)}"

    class Handler(_Handler):
        file = path

    Handler.route = route
    try:
        server = ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise UnavailableError(
            f"Port {port} of {HOST} is not to be had ({error.strerror}); {path.name} is not served. Name another --port."
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="serving", daemon=True)
    thread.start()
    try:
        yield Served(f"http://{HOST}:{server.server_address[1]}{route}", server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of one file, whole or one range of it."""

    file: Path
    route: str
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_OPTIONS(self) -> None:
        """A browser asks first, whether a page may ask for ranges, and for something on this machine."""
        self.send_response(HTTPStatus.NO_CONTENT if self.path == self.route else HTTPStatus.NOT_FOUND)
        self._leave()
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.send_header("Access-Control-Allow-Private-Network", "true")
        self.send_header("Access-Control-Max-Age", "600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _leave(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header(
            "Access-Control-Expose-Headers", "Content-Length, Content-Range, Accept-Ranges, ETag"
        )
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")

    def _answer(self, *, with_body: bool) -> None:
        if not secrets.compare_digest(self.path.encode(), self.route.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            with self.file.open("rb") as file:
                size = file.seek(0, 2)
                begin, end = 0, size
                given = self.headers.get("Range")
                if given is not None:
                    try:
                        begin, end = parse_range(given, size)
                    except BadInputError:
                        self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"bytes */{size}")
                        return
                self.send_response(HTTPStatus.OK if given is None else HTTPStatus.PARTIAL_CONTENT)
                self._leave()
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(end - begin))
                if given is not None:
                    self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
                self.end_headers()
                if with_body:
                    self._send(file, begin, end)
        except OSError:
            self.close_connection = True  # the file went, or the viewer did

    def _send(self, file: Any, begin: int, end: int) -> None:
        file.seek(begin)
        while begin < end:
            block = file.read(min(_BLOCK_BYTES, end - begin))
            if not block:
                self.close_connection = True
                return
            self.wfile.write(block)
            begin += len(block)

    def _refuse(self, status: HTTPStatus, content_range: str = "") -> None:
        self.send_response(status)
        self._leave()
        if content_range:
            self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Nothing: the user sees the link."""


def parse_range(text: str, size: int) -> tuple[int, int]:
    """First byte and the one behind the last, of one range as RFC 9110 has it.

    Raises:
        BadInputError: it is none, several, or outside the file.

    """
    match = _RANGE.fullmatch(text.strip())
    first, last = (match[1], match[2]) if match else ("", "")
    if first:
        begin = int(first)
        end = min(size, int(last) + 1) if last else size
    elif last:
        begin, end = max(0, size - int(last)), size
    else:
        begin = end = 0
    if begin >= end:
        raise BadInputError(f"The range {text[:60]!r} is none of a file of {size} bytes; nothing was sent.")
    return begin, end
