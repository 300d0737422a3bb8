"""How `winnow campaign apply` and `rollback` ask a node: a file in its state folder, answered by another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from winnow_runtime import atomic
from winnow_runtime.clock import Clock
from winnow_schemas.campaign.reading import MAX_BYTES

_MOST = 1000
"""Offers that are looked at; nobody asks so often."""
_REMEMBERED = 100
"""Answers that stay for whoever asked."""
_LARGEST = 2 * MAX_BYTES
"""A document inside JSON may need two bytes per byte for its quotes and line ends."""


class Offer(msgspec.Struct, frozen=True):
    """What is asked."""

    action: Literal["apply", "rollback"]
    text: str = ""
    source: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of it."""

    outcome: str
    reason: str


class OfferBox:
    """``campaigns/offers`` of one node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "offers"

    def put(self, offer: Offer) -> str:
        """Ask; the offer's name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        taken = [int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdigit()]
        name = f"{max(taken, default=0) + 1:06d}"
        atomic.write_bytes(self._folder / f"{name}.json", msgspec.json.encode(offer))
        return name

    def waiting(self) -> Iterator[tuple[str, Offer | None]]:
        """Offers without an answer, oldest first; None for one that cannot be read."""
        names = sorted(path.stem for path in self._folder.glob("*.json") if path.stem.isdigit())
        for name in names[:_MOST]:
            if (self._folder / f"{name}.answer").exists():
                continue
            path = self._folder / f"{name}.json"
            try:
                with path.open("rb") as file:
                    yield name, msgspec.json.decode(file.read(_LARGEST), type=Offer)
            except (OSError, msgspec.MsgspecError):
                yield name, None

    def answer(self, name: str, answer: Answer) -> None:
        """Say what came of an offer; answers of long ago are forgotten."""
        atomic.write_bytes(self._folder / f"{name}.answer", msgspec.json.encode(answer))
        for path in self._folder.glob("*.answer"):
            if path.stem.isdigit() and int(path.stem) <= int(name) - _REMEMBERED:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)

    def wait(self, name: str, clock: Clock, limit_s: float) -> Answer | None:
        """The answer; None when none came in time."""
        end_ns = clock.monotonic_ns() + round(limit_s * 1e9)
        while True:
            try:
                return msgspec.json.decode((self._folder / f"{name}.answer").read_bytes(), type=Answer)
            except FileNotFoundError:
                if clock.monotonic_ns() >= end_ns:
                    return None
                clock.sleep_s(0.05)
