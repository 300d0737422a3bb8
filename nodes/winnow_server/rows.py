"""Between rows of the task table and what is told of them."""

from typing import Any

import msgspec
from sqlalchemy import Row

from winnow_operators.tasks.forecast import remaining_s
from winnow_schemas.errors import BadInputError
from winnow_schemas.tasks import (
    FINAL,
    PAYLOAD_MAX_BYTES,
    Options,
    Payload,
    TaskState,
    TaskView,
    Wish,
)

_NS = 1_000_000_000


def dumped(value: Payload | Options, what: str) -> str:
    """As JSON for the table.

    Raises:
        BadInputError: larger than a task may carry.

    """
    raw = msgspec.json.encode(value)
    if len(raw) > PAYLOAD_MAX_BYTES:
        raise BadInputError(
            f"The {what} has {len(raw)} bytes, a task carries at most {PAYLOAD_MAX_BYTES}; nothing was changed. "
            "Put it into a file on the share and name that."
        )
    return raw.decode()


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / _NS


def view(row: Row[Any], attempts_max: int, now_ns: int) -> TaskView:
    """What the server tells of a task."""
    state = TaskState(row.state)
    eta = None
    if state is TaskState.RUNNING and row.started_ns is not None:
        eta = remaining_s(row.progress, row.progress_begun, (now_ns - row.started_ns) / _NS)
    return TaskView(
        id=row.id,
        kind=row.kind,
        key=row.key,
        state=state,
        urgency=row.urgency,
        payload=msgspec.json.decode(row.payload, type=Payload),
        attempts=row.attempts,
        attempts_max=attempts_max,
        worker=row.worker,
        fence=row.fence,
        wish=Wish(row.wish),
        progress=row.progress,
        note=row.note,
        error=row.error,
        checkpoint=None if row.checkpoint is None else msgspec.json.decode(row.checkpoint, type=Options),
        result=None if row.result is None else msgspec.json.decode(row.result, type=Options),
        parent=row.parent,
        created_s=row.created_ns / _NS,
        not_before_s=row.not_before_ns / _NS,
        started_s=_seconds(row.started_ns),
        finished_s=_seconds(row.finished_ns) if state in FINAL else None,
        lease_until_s=_seconds(row.lease_until_ns) if state is TaskState.RUNNING else None,
        eta_s=eta,
    )
