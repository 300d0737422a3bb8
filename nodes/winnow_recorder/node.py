"""`winnow-recorder`: heartbeats in; segments on disk."""

from pathlib import Path

from winnow_recorder.recorder import Recorder
from winnow_runtime.attach import attach
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import End

IDLE_S = 0.1
HEALTH_EVERY_NS = 1_000_000_000


def run(node: Node) -> None:
    """Follow the rings until they have ended and everything is on disk."""
    view = attach(node)
    settings = node.settings.recorder
    base = Path(settings.folder) if settings.folder else node.out / "warm"
    recorder = Recorder(
        view, view.own_cell(node.id), base / node.run_id, node.state, node.run_id, settings, node.clock
    )
    health_ns = 0
    while True:
        node.next(IDLE_S)
        beat = view.beat()
        while recorder.step():
            pass
        _report(node, recorder)
        now = node.clock.monotonic_ns()
        if now - health_ns >= HEALTH_EVERY_NS:
            health_ns = now
            messages, size = recorder.recorded
            level = 2 if recorder.down else 1 if recorder.lost else 0
            message = f"Warm tier down: {recorder.down}" if recorder.down else "OK"
            node.health(
                level, message, {"recorded_messages": messages, "recorded_bytes": size, "lost": recorder.lost}
            )
        if beat.end is not End.RUNNING or node.must_leave(producers_live=True):
            break
    recorder.finish()
    _report(node, recorder)
    node.finish()


def _report(node: Node, recorder: Recorder) -> None:
    for note in recorder.notes:
        node.decide(
            note.kind, t_ns=max(0, note.t_ns), subject=note.subject, outcome=note.outcome, reason=note.reason
        )
    recorder.notes.clear()


def main() -> None:
    """Console script."""
    run_as_process(run)
