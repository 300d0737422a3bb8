"""Asking the triggers node of a run to take a campaign, or to go back."""

from dataclasses import dataclass
from pathlib import Path

from winnow_runtime.campaign.offers import Answer, Offer, OfferBox
from winnow_runtime.clock import Clock
from winnow_runtime.locks import is_held
from winnow_schemas.errors import BadInputError, UnavailableError


@dataclass(frozen=True, slots=True)
class Desk:
    """The place where a run's triggers node takes campaigns in."""

    state: Path
    """The node's state folder."""

    @property
    def runs(self) -> bool:
        """Whether the node runs at this moment."""
        return is_held(self.state / "lock")

    def ask(self, offer: Offer, clock: Clock, limit_s: float) -> Answer | None:
        """Leave an offer and wait for what comes of it; None when the node does not run.

        Raises:
            UnavailableError: it runs, and does not answer in time.

        """
        box = OfferBox(self.state / "campaigns")
        name = box.put(offer)
        if not self.runs:
            return None
        answer = box.wait(name, clock, limit_s)
        if answer is None:
            raise UnavailableError(
                f"The node {self.state.name} runs and did not answer within {limit_s:g} s; what was asked stays in "
                f"{self.state / 'campaigns' / 'offers'} until it does."
            )
        return answer


def find_desk(out: Path) -> Desk:
    """The desk in a run's folder.

    Raises:
        BadInputError: there is none, or there are several.

    """
    found = sorted(path.parent for path in (out / "state").glob("*/campaigns") if path.is_dir())
    if not found:
        raise BadInputError(
            f"{out} is not the folder of a run with a triggers node; nothing was asked. Name it with --out."
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise BadInputError(f"{out} has several triggers nodes ({names}); nothing was asked.")
    return Desk(found[0])
