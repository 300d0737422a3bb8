"""Everything that speaks against a campaign, gathered, so that it is refused whole and told whole."""

import difflib

from winnow_operators.campaign.bare import BareTriggers
from winnow_schemas.campaign import CampaignRefusedError, Refusal
from winnow_schemas.campaign.reading import UNTOUCHED

MOST_TOLD = 20
"""Objections that are listed; more are counted."""


class Objections:
    """Objections refuse the campaign, notes go with it."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._found: list[tuple[Refusal, str]] = []
        self.notes: list[str] = []

    def add(self, where: str, sentence: str, refusal: Refusal = Refusal.DOES_NOT_FIT) -> None:
        """Object, with the place in the document."""
        self._found.append((refusal, f"{where}: {sentence}"))

    def weakens(self, where: str, sentence: str) -> None:
        """Object for the sake of P0."""
        self.add(where, sentence, Refusal.WEAKENS_P0)

    def note(self, sentence: str) -> None:
        """Say what was left aside or clamped."""
        self.notes.append(sentence)

    def knows(self, name: str, bare: BareTriggers, where: str) -> bool:
        """Whether a trigger runs here. One that this device cannot run is left aside, an unknown one is refused."""
        if name in bare.active:
            return True
        reason = bare.resolution.inactive.get(name)
        if reason is not None:
            self.note(f"{where} is left aside: {name} does not run here, {reason}.")
            return False
        close = difflib.get_close_matches(name, [*bare.active, *bare.resolution.inactive], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        self.add(where, f"there is no trigger {name!r}{hint}")
        return False

    def settle(self) -> None:
        """Refuse when there are objections.

        Raises:
            CampaignRefusedError: with all of them; that P0 would be weakened counts most.

        """
        if not self._found:
            return
        kinds = [refusal for refusal, _ in self._found]
        kind = Refusal.WEAKENS_P0 if Refusal.WEAKENS_P0 in kinds else kinds[0]
        told = [sentence for _, sentence in self._found[:MOST_TOLD]]
        if len(self._found) > MOST_TOLD:
            told.append(f"... and {len(self._found) - MOST_TOLD} more.")
        lines = [f"Campaign {self._version} does not fit this device:", *told, UNTOUCHED]
        raise CampaignRefusedError(kind, "\n".join(lines))
