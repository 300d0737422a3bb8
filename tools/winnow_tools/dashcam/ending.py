"""How each video of a folder ended, by the journals of the nodes."""

from pathlib import Path

from winnow_runtime.journal import JournalReader
from winnow_schemas.messages import VideoOutcome


def how_each_ended(out: Path) -> dict[str, list[str]]:
    """Video id -> what the nodes said of it, each time; exactly one word each is what must be."""
    ends: dict[str, list[str]] = {}
    for folder in sorted((out / "state").glob("*/outcomes")):
        for line in JournalReader(folder).read():
            outcome = VideoOutcome.from_builtins(line.record)
            ends.setdefault(outcome.video_id, []).append(f"{folder.parent.name}: {outcome.outcome}")
    return ends
