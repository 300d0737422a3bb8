"""Files in answers: whole or one range, pictures and videos for our pages, clips for viewers of other sites."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from winnow_server.bodies import RefusedError

_BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"^bytes=(\d{0,19})-(\d{0,19})$", re.ASCII)
VIEWERS_MAY = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, Accept-Ranges, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Whoever knows the address may read: it carries a signature, and no cookie is looked at."""


def ranged(request: Request, path: Path, media_type: str, headers: Mapping[str, str]) -> Response:
    """A file, or the one range that is asked for.

    Raises:
        RefusedError: 404, it cannot be read; 416, the range lies outside.

    """
    try:
        status = path.stat()
    except OSError:
        raise RefusedError(404, "The file is not there any more.") from None
    size = status.st_size
    begin, end, code = 0, size, 200
    given = request.headers.get("range")
    plain = {
        **headers,
        "Accept-Ranges": "bytes",
        "ETag": f'"{status.st_mtime_ns:x}-{size:x}"',
        "X-Content-Type-Options": "nosniff",
    }
    if given is not None:
        found = _span(given, size)
        if found is None:
            raise RefusedError(
                416, f"The range {given[:60]!r} lies outside.", {"Content-Range": f"bytes */{size}"}
            )
        begin, end = found
        code = 206
        plain["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    plain["Content-Length"] = str(end - begin)
    if request.method == "HEAD":
        return Response(None, code, plain, media_type)
    return StreamingResponse(_blocks(path, begin, end), code, plain, media_type)


def _span(given: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last."""
    match = _RANGE.match(given.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    return (begin, end) if begin < end else None


def _blocks(path: Path, begin: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end:
            block = file.read(min(_BLOCK_BYTES, end - begin))
            if not block:
                return
            begin += len(block)
            yield block
