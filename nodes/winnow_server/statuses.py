"""Which HTTP status an error is answered with."""

from winnow_schemas.errors import UnavailableError, WinnowError
from winnow_server.book import UnknownTaskError
from winnow_server.plates import UnknownPlateError
from winnow_server.queue import LostLeaseError, WrongStateError

_STATUS: list[tuple[type[WinnowError], int]] = [
    (UnknownTaskError, 404),
    (UnknownPlateError, 404),
    (LostLeaseError, 409),
    (WrongStateError, 409),
    (UnavailableError, 503),
    (WinnowError, 422),
]


def status_of(error: WinnowError) -> int:
    """The first that fits."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))
