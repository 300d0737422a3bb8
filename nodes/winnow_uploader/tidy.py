"""Clearing away multipart uploads that nobody will finish: their parts cost money until they are aborted."""

from winnow_operators.upload.failure import Cause
from winnow_uploader.object_store import ObjectStore, StoreError


def abort_strays(store: ObjectStore, prefix: str, opened_before_ns: int, keep: set[str]) -> int:
    """Abort open uploads below ``prefix`` that are too old and not in ``keep``; returns how many.

    Credentials that may not list uploads are common; then there is nothing to do.
    """
    try:
        found = store.open_uploads(prefix)
    except StoreError as error:
        if error.failure.cause is Cause.CONFIGURATION:
            return 0
        raise
    strays = [one for one in found if one.opened_wall_ns < opened_before_ns and one.upload_id not in keep]
    for one in strays:
        store.abort(one.key, one.upload_id)
    return len(strays)
