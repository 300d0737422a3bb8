"""Signs requests: with the store's time where the device's clock is wrong, and with the hash that is known already.

S3 refuses signatures that are more than 15 minutes off. A vehicle without a battery-backed clock starts in
1970 and is corrected minutes later; an upload must not depend on that.
"""

import base64
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any

import botocore.auth
from botocore.compat import get_current_datetime

SIGNER = "winnow-s3v4"
_OFFSET = "winnow_clock_offset"
ADOPTED_FROM_S = 240.0
"""Less than this does no harm (S3 allows 15 minutes); the ``Date`` of an answer is only good to a second."""


CHECKSUM = "x-amz-checksum-sha256"


class Signer(botocore.auth.S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """Signature version 4 at the present plus the offset in the request's context.

    A body whose SHA-256 goes along as a checksum is signed with that, and not read and hashed once more.
    """

    def payload(self, request: Any) -> str:
        given = request.headers.get(CHECKSUM)
        if given:
            return base64.b64decode(given).hex()
        return str(super().payload(request))

    def _modify_request_before_signing(self, request: Any) -> None:
        offset = request.context.get(_OFFSET)
        if offset:
            now = get_current_datetime() + offset
            request.context["timestamp"] = now.strftime(botocore.auth.SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)


class StoreTime:
    """How far the store's clock is ahead of ours, learned from its answers."""

    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def attach(self, client: Any) -> None:
        """Make a boto3 client sign with this time."""
        botocore.auth.AUTH_TYPE_MAPS[SIGNER] = Signer
        client.meta.events.register_first("choose-signer.s3", self._choose)
        client.meta.events.register("before-sign.s3", self._before_sign)

    def learn(self, date_header: str) -> bool:
        """Take the time from an answer; True when it differs so much that signing again makes sense."""
        try:
            theirs = parsedate_to_datetime(date_header).astimezone(dt.UTC).replace(tzinfo=None)
        except (ValueError, TypeError):
            return False
        offset = theirs - get_current_datetime()
        if abs((offset - self.offset).total_seconds()) < ADOPTED_FROM_S:
            return False
        self.offset = offset
        return True

    def _choose(self, signature_version: Any, **_: Any) -> str | None:
        return SIGNER if signature_version in ("s3v4", "v4") else None

    def _before_sign(self, request: Any, **_: Any) -> None:
        request.context[_OFFSET] = self.offset
