"""Where an object lies in the bucket and what is written beside it (vehicle document 5.3)."""

import datetime as dt
import re
from urllib.parse import quote

from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""What may become part of a key: no separators, nothing hidden, nothing that needs quoting."""
MAX_TYPE_CHARS = 128
"""S3 gives all metadata of an object 2 KiB."""


def object_key(airport: str, vehicle_id: str, t_ns: int, file_name: str) -> str:
    """``{airport}/{vehicle}/{YYYY/MM/DD}/{file_name}``, the date in UTC.

    Raises:
        BadInputError: a part of it is no plain name.

    """
    for what, text in (("airport", airport), ("vehicle id", vehicle_id), ("file name", file_name)):
        if not NAME.fullmatch(text):
            raise BadInputError(
                f"The {what} {text[:80]!r} cannot be part of an object key (letters, digits, '.', '_', '-', at "
                "most 200); nothing was queued. Rename it."
            )
    day = dt.datetime.fromtimestamp(t_ns // 10**9, dt.UTC)
    return f"{airport}/{vehicle_id}/{day:%Y/%m/%d}/{file_name}"


def object_metadata(
    vehicle_id: str, airport: str, trigger_type: str, priority: Priority, sha256: str
) -> dict[str, str]:
    """The document's five fields; what is not plain ASCII in a trigger's name is percent-encoded."""
    return {
        "vehicle_id": vehicle_id,
        "airport": airport,
        "trigger_type": quote(trigger_type, safe=" !#$&'()*+,/:;=?@[]")[:MAX_TYPE_CHARS],
        "priority": str(int(priority)),
        "sha256": sha256,
    }


def same_metadata(wanted: dict[str, str], found: dict[str, str]) -> bool:
    """Whether an object carries the metadata; some gateways turn ``_`` in names into ``-``."""
    plain = {name.lower().replace("-", "_"): value for name, value in found.items()}
    return all(plain.get(name) == value for name, value in wanted.items())
