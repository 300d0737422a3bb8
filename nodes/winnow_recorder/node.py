"""`winnow-recorder`: heartbeats in; segments on disk."""

from pathlib import Path

from winnow_recorder.recorder import Recorder
from winnow_runtime.attach import attach
from winnow_runtime.legal_holds import LegalHolds
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import End
from winnow_runtime.ring.view import RingView

IDLE_S = 0.1
NOTES_KEPT = 10_000
"""Rows that wait for a disk to take them again; at one per topic and second this is minutes of trouble."""


def run(node: Node) -> None:
    """Follow the rings until they have ended and everything is on disk."""
    view = attach(node)
    settings = node.settings.recorder
    if not settings.enabled:
        _look_on(node, view)
        return
    base = Path(settings.folder) if settings.folder else node.out / "warm"
    recorder = Recorder(
        view,
        view.own_cell(node.id),
        base / node.run_id,
        node.state,
        node.run_id,
        settings,
        node.clock,
        LegalHolds(node.out),
    )
    try:
        while True:
            node.next(IDLE_S)
            beat = view.beat()
            while recorder.step():
                node.report(lambda: _health(recorder))  # dora ends a node that is silent for a minute
            _note(node, recorder)
            node.report(lambda: _health(recorder))
            if beat.end is not End.RUNNING or node.must_leave(producers_live=view.writer_lives):
                break
        recorder.finish()
    finally:
        recorder.stop()
    _note(node, recorder, wait=True)
    node.finish()


def _look_on(node: Node, view: RingView) -> None:
    """Switched off: nothing is written, nobody waits for this node, and it leaves with the others."""
    view.own_cell(node.id).write(done=view.beat().number, finished=True)
    while view.beat().end is End.RUNNING and not node.must_leave(producers_live=view.writer_lives):
        node.next(IDLE_S)
        node.report(lambda: (0, "Switched off (recorder.enabled)", {}))
    node.finish()


def _health(recorder: Recorder) -> tuple[int, str, dict[str, object]]:
    messages, size = recorder.recorded
    values: dict[str, object] = {
        "recorded_messages": messages,
        "recorded_bytes": size,
        "lost": recorder.lost,
        "segments": recorder.room.segments,
        "used_bytes": recorder.room.used_bytes,
        "held_bytes": recorder.room.held_bytes,
        "stalls": recorder.stalls.count,
        "longest_stall_s": recorder.stalls.longest_ns / 1e9,
    }
    if recorder.down:
        return 2, f"Warm tier down: {recorder.down}", values
    if recorder.stalls.lately:
        longest_s = recorder.stalls.longest_ns / 1e9
        return (
            1,
            f"The disk stalls, up to {longest_s:.1f} s; {recorder.lost} messages were not recorded",
            values,
        )
    if recorder.lost:
        return 1, f"{recorder.lost} messages were not recorded", values
    return 0, "OK", values


def _note(node: Node, recorder: Recorder, *, wait: bool = False) -> None:
    """Write what happened to the ledger; what a full disk refuses is kept for the next time, recording goes on."""
    while recorder.stalls.told:
        node.seam.log("warn", recorder.stalls.told.pop(0))
    while recorder.notes:
        note = recorder.notes[0]
        try:
            node.decide(
                note.kind,
                t_ns=max(0, note.t_ns),
                subject=note.subject,
                outcome=note.outcome,
                reason=note.reason,
                wait=wait,
            )
        except OSError:
            del recorder.notes[NOTES_KEPT:]
            return
        recorder.notes.pop(0)


def main() -> None:
    """Console script."""
    run_as_process(run, comes_first=True)
