"""What the uploader has to say: receipts and decisions, handed out once, kept until they were taken."""

import json
from dataclasses import replace
from typing import Any

from winnow_runtime.clock import Clock
from winnow_schemas.ids import content_id
from winnow_schemas.messages import Decision, Receipt
from winnow_uploader.item import Item, ItemState
from winnow_uploader.results import Step
from winnow_uploader.state import UploadState


class Outbox:
    """Attaches to each step what has become of clips since the last one.

    What was handed out is marked as such only when the next step is asked for. After a crash in between it is
    handed out again, with the same ids.
    """

    def __init__(self, state: UploadState, bucket: str, run_id: str, clock: Clock) -> None:
        self._state = state
        self._bucket = bucket
        self._run_id = run_id
        self._clock = clock
        self._told: list[Decision] = []
        self._handed_out: list[Item] = []
        self._has_news = True

    def news(self) -> None:
        """A clip is done or was set aside."""
        self._has_news = True

    def tell(self, item: Item | None, outcome: str, reason: str, **values: Any) -> None:
        """Put a decision into the next step."""
        self._told.append(self.decision(item, outcome, reason, **values))

    def decision(
        self, item: Item | None, outcome: str, reason: str, clip_id: str = "", **values: Any
    ) -> Decision:
        """One row for the ledger; without an item its message time is 0."""
        subject, t_ns = (item.clip_id, item.t_ns) if item else (clip_id, 0)
        told = json.dumps(values, sort_keys=True)
        return Decision(
            decision_id=content_id(t_ns, "uploader", "upload", subject, outcome, reason, told),
            run_id=self._run_id,
            wall_ns=self._clock.wall_ns(),
            t_ns=t_ns,
            node="uploader",
            kind="upload",
            subject=subject,
            outcome=outcome,
            reason=reason,
            values=told,
        )

    def acknowledge(self) -> None:
        """What was handed out last has been kept."""
        if self._handed_out:
            with self._state.transaction():
                for item in self._handed_out:
                    self._state.save(replace(item, announced=True))
            self._handed_out = []

    def result(self, step: Step) -> Step:
        """The step, with everything that has to be said."""
        if self._has_news:
            self._handed_out = self._state.unannounced_items()
            self._has_news = False
        closed = self._handed_out
        decisions = [*self._told, *(self._outcome(item) for item in closed)]
        self._told = []
        receipts = tuple(
            self._receipt(item) for item in closed if item.state is ItemState.DONE and not item.kind
        )
        return replace(step, receipts=receipts, decisions=tuple(decisions))

    def _outcome(self, item: Item) -> Decision:
        if item.state is ItemState.DONE:
            return self.decision(
                item,
                "sent",
                f"{item.key} is in the store, verified{'' if item.kind else ', with its sidecar'}.",
                size_bytes=item.size_bytes,
                sha256=item.sha256,
            )
        return self.decision(item, item.state.value, item.reason, attempts=item.attempts)

    def _receipt(self, item: Item) -> Receipt:
        return Receipt(
            clip_id=item.clip_id,
            name=item.name,
            path=item.path,
            bucket=self._bucket,
            key=item.key,
            size_bytes=item.size_bytes,
            sha256=item.sha256,
            verified=True,
        )
