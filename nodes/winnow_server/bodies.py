"""Reading requests with limits, and answering in JSON with one sentence per error."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")

BODY_MAX_BYTES = 1024 * 1024


class RefusedError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers


async def body(request: Request, kind: type[T]) -> T:
    """The request's JSON body as a checked value.

    Raises:
        RefusedError: 413, larger than a megabyte; 400, no JSON; 422, not what is allowed.

    """
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_MAX_BYTES:
            raise RefusedError(
                413,
                f"The body is larger than {BODY_MAX_BYTES} bytes; nothing was changed. Send less at once.",
            )
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise RefusedError(422, f"The body does not fit: {error}; nothing was changed.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"The body is no JSON ({error}); nothing was changed.") from None


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query.

    Raises:
        RefusedError: it is none, or outside ``[low, high]``.

    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16 and low <= int(text) <= high):
        raise RefusedError(422, f"{name} = {text[:40]!r} is not a whole number from {low} to {high}.")
    return int(text)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    plain = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(value), status, plain, "application/json")
