"""Campaigns at the triggers node: where they come from, what is asked of them, what is said about them.

A campaign is read, checked for its signature, its time, its vehicle and its version, and put onto the device's own
triggers, all before anything changes. Then it replaces the one before it between two messages, and is kept.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from winnow_operators.campaign import Merged, Vehicle, admit, differences, merge
from winnow_operators.campaign.difference import begins_anew
from winnow_runtime.campaign.offers import Answer, Offer, OfferBox
from winnow_runtime.campaign.signing import verify
from winnow_runtime.campaign.store import CampaignStore, Kept
from winnow_runtime.node import Node
from winnow_runtime.seam import Input, Parameter
from winnow_schemas.campaign import CampaignDocument, CampaignRefusedError, Refusal, read_campaign
from winnow_schemas.campaign.reading import MAX_BYTES, UNTOUCHED
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.messages import CampaignOffer
from winnow_triggers.deciding import Deciding

CAMPAIGN_INPUT = "campaign"
"""Input of the node for campaigns from elsewhere, such as the fleet link."""
PARAMETER = "campaign"
ROLL_BACK = "campaign.rollback"
FOLDER = "campaigns"
_MOST_LISTED = 100
"""Changes in one row of the ledger."""
OWN = "the device's own triggers"


class CampaignDesk:
    """Takes campaigns in, and answers for them in the ledger."""

    def __init__(self, node: Node, deciding: Deciding, save: Callable[[], None]) -> None:
        self._node = node
        self._settings = node.settings.campaign
        self._deciding = deciding
        self._save = save
        self._store = CampaignStore(node.state / FOLDER, self._settings.history)
        self._offers = OfferBox(node.state / FOLDER)
        name = self._settings.file
        self._file = Path(node.document.name).resolve().parent / name if name else None
        self._seen: tuple[int, int, int] | None = None
        self._looked_ns = node.clock.monotonic_ns()
        self._runs: Kept | None = None
        """The campaign in force that also runs: it may be over, or not fit any more."""
        deciding.on_campaign_over = self._over

    @property
    def running(self) -> str:
        """Version of the campaign that runs; empty without one."""
        return self._runs.version if self._runs else ""

    @property
    def digest(self) -> str:
        """Identity of the campaign that runs, for the checkpoint; empty without one."""
        return self._runs.digest if self._runs else ""

    # --- the beginning ------------------------------------------------------------------------------------

    def restore(self, digest: str | None = None) -> None:
        """Run the last good campaign again; before a checkpoint is restored.

        ``digest`` says what ran at a checkpoint of this very run, None that there is none: a campaign that was over
        then stays so. In a new run its time is asked again; one that may not run now is kept for the next start.
        """
        if self._store.trouble:
            self._say("", "left aside", self._store.trouble)
        kept = self._store.current
        if kept is None or (digest == "" and kept.run_id == self._node.run_id):
            return
        try:
            self._reinstate(kept)
        except WinnowError as error:
            sentence = str(error).removesuffix(UNTOUCHED).strip()
            self._say(kept.version, "not restored", f"{sentence} {OWN.capitalize()} run.")
            return
        self._say(
            kept.version,
            "restored",
            f"Campaign {kept.version} from {kept.source} runs again.",
            {"digest": kept.digest, "source": kept.source},
        )

    def start(self) -> None:
        """Take the campaign of the settings, and what was asked while the node did not run."""
        self._look_at_file()
        self._look_at_offers()

    def look(self) -> None:
        """See from time to time whether the file has changed, and whether somebody has asked."""
        now_ns = self._node.clock.monotonic_ns()
        if now_ns - self._looked_ns >= self._settings.poll_s * 1e9:
            self._looked_ns = now_ns
            self._look_at_file()
            self._look_at_offers()

    # --- sources ------------------------------------------------------------------------------------------

    def _look_at_file(self) -> None:
        if self._file is None:
            return
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return
            self._seen = seen
            with self._file.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            self._say("", "refused", f"{self._file.name} cannot be read ({error.strerror}). {UNTOUCHED}")
            return
        self.take(raw, self._file.name)

    def _look_at_offers(self) -> None:
        for name, offer in list(self._offers.waiting()):
            self._offers.answer(name, self._answer(offer))

    def _answer(self, offer: Offer | None) -> Answer:
        if offer is None:
            return Answer("refused", f"What was asked cannot be read. {UNTOUCHED}")
        if offer.action == "rollback":
            return self.roll_back(offer.source or "winnow campaign rollback")
        return self.take(offer.text, offer.source or "winnow campaign apply")

    def is_meant(self, key: str) -> bool:
        """Whether a parameter of the node is one of these."""
        return key in (PARAMETER, ROLL_BACK)

    def parameter(self, event: Parameter) -> None:
        """`dora param set triggers campaign '{...}'`, `dora param set triggers campaign.rollback true`."""
        if event.key == ROLL_BACK:
            self.roll_back("dora param")
        elif isinstance(event.value, str):
            self.take(event.value, "dora param")
        elif isinstance(event.value, dict):  # dora turns what looks like JSON into values
            self.take(json.dumps(event.value), "dora param")
        else:
            sentence = f"The parameter {PARAMETER} is a document, as text. {UNTOUCHED}"
            self._refuse("", "dora param", sentence, Refusal.MALFORMED)

    def message(self, event: Input) -> None:
        """A campaign on the node's input: a `CampaignOffer`, or a text."""
        try:
            offer = _offer(event.value)
        except BadInputError as error:
            self._say("", "refused", f"{error} {UNTOUCHED}")
            return
        if not self._settings.keys:
            self._say(
                "",
                "refused",
                f"A campaign came from {offer.origin}, and this device has no keys to check it with (campaign.keys). "
                f"{UNTOUCHED}",
                {"refusal": str(Refusal.UNSIGNED)},
            )
            return
        self.take(offer.text, offer.origin)

    # --- taking and going back ----------------------------------------------------------------------------

    def take(self, raw: bytes | str, source: str) -> Answer:
        """Judge a campaign and, when it is good, run it."""
        version = ""
        try:
            document = read_campaign(raw, source)
            version = document.campaign.version
            if self.digest == document.digest:
                return self._say(version, "unchanged", f"Campaign {version} from {source} runs already.")
            return self._take(document, source)
        except CampaignRefusedError as error:
            return self._refuse(version, source, str(error), error.refusal)
        except WinnowError as error:
            return self._refuse(version, source, f"{error} {UNTOUCHED}", Refusal.DOES_NOT_FIT)

    def _take(self, document: CampaignDocument, source: str) -> Answer:
        campaign = document.campaign
        signed = verify(document, self._settings.keys)
        kept = Kept(campaign.version, document.digest, document.text, source, self._node.run_id)
        in_force = self._store.current is not None and self._store.current.digest == document.digest
        admit(campaign, self._vehicle, self._node.clock.wall_ns(), "" if in_force else self._store.newest)
        merged = merge(campaign, self._deciding.bare)
        before = self._deciding.base
        self._deciding.set_campaign(merged, campaign.expires_ns)
        if not in_force:
            self._store.take(kept)
        self._runs = kept
        self._save()
        until = f"until {campaign.expires}" if campaign.expires else "without an end"
        notes = "".join(f" {note}" for note in merged.notes)
        values = {
            "digest": document.digest,
            "source": source,
            "signature": signed,
            "expires": campaign.expires or "",
        }
        return self._say(
            campaign.version,
            "applied",
            f"Campaign {campaign.version} from {source} runs now: {signed}, valid by this device's clock, {until}."
            f"{self._anew(before, merged)}{notes}",
            {**values, **_listed(before, merged)},
        )

    def roll_back(self, source: str) -> Answer:
        """Run what ran before the campaign that runs now; its version stays used."""
        if not self._store.before:
            return self._refuse(
                self.running,
                source,
                f"There is no earlier campaign to go back to. {UNTOUCHED}",
                Refusal.NOTHING_TO_ROLL_BACK,
            )
        gone, before, passed = self.running, self._deciding.base, ""
        for steps, target in enumerate(self._store.before, 1):
            try:
                self._go_to(target)
            except WinnowError as error:
                passed += f" {error}"
                continue
            self._store.roll_back(steps)
            self._save()
            now = f"campaign {target.version} runs" if target else f"{OWN} run"
            return self._say(
                gone or "none",
                "rolled back",
                f"By {source}, {now} again instead of {gone or 'what ran'}; a version that was rolled back is not taken "
                f"again.{self._anew(before, self._deciding.base)}{passed}",
                _listed(before, self._deciding.base),
            )
        return self._refuse(
            gone, source, f"No earlier campaign may run.{passed}", Refusal.NOTHING_TO_ROLL_BACK
        )

    def _go_to(self, target: Kept | None) -> None:
        if target is None:
            self._deciding.set_campaign(None)
            self._runs = None
        else:
            self._reinstate(target, again=True)

    def _reinstate(self, kept: Kept, *, again: bool = False) -> None:
        """Run a campaign that was taken before. Its time is not asked again within the run that took it.

        Raises:
            WinnowError: it may not run any more; nothing has changed.

        """
        document = read_campaign(kept.text, kept.source)
        verify(document, self._settings.keys)
        if kept.run_id != self._node.run_id or again:
            admit(document.campaign, self._vehicle, self._node.clock.wall_ns())
        merged = merge(document.campaign, self._deciding.bare)
        self._deciding.set_campaign(merged, document.campaign.expires_ns)
        self._runs = kept

    def _over(self, t_ns: int) -> None:
        """Message time has reached the running campaign's end."""
        version, self._runs = self.running, None
        self._say(version, "expired", f"Campaign {version} is over; {OWN} run.", t_ns=t_ns)

    # --- saying -------------------------------------------------------------------------------------------

    @property
    def _vehicle(self) -> Vehicle:
        own = self._node.settings.vehicle
        return Vehicle(own.id, own.airport)

    def _anew(self, before: Merged, after: Merged) -> str:
        names = begins_anew(before, after, self._deciding.bare)
        return f" Windows of {', '.join(names)} begin anew." if names else ""

    def _refuse(self, version: str, source: str, sentence: str, refusal: Refusal) -> Answer:
        self._node.seam.log("warn", sentence)
        return self._say(version, "refused", sentence, {"refusal": str(refusal), "source": source})

    def _say(
        self,
        version: str,
        outcome: str,
        reason: str,
        values: dict[str, Any] | None = None,
        t_ns: int | None = None,
    ) -> Answer:
        at_ns = max(0, self._deciding.feed.watermark_ns) if t_ns is None else t_ns
        self._node.decide(
            "campaign",
            t_ns=at_ns,
            subject=version or "unknown",
            outcome=outcome,
            reason=reason,
            values=values,
        )
        return Answer(outcome, reason)


def _listed(before: Merged, after: Merged) -> dict[str, Any]:
    changes = [str(change) for change in differences(before, after)]
    more = {"more_changes": len(changes) - _MOST_LISTED} if len(changes) > _MOST_LISTED else {}
    return {"changes": changes[:_MOST_LISTED], **more}


def _offer(value: pa.Array) -> CampaignOffer:
    """A message as an offer.

    Raises:
        BadInputError: it is neither an offer nor a text.

    """
    if pa.types.is_struct(value.type):
        return CampaignOffer.from_arrow(value)
    is_text = pa.types.is_string(value.type) or pa.types.is_large_string(value.type)
    if not is_text or len(value) != 1 or not value[0].is_valid:
        raise BadInputError(f"A campaign message is one text or one CampaignOffer, this one is {value.type}.")
    return CampaignOffer(text=value[0].as_py(), origin="a message")
