"""Why a campaign is not taken: a kind for programs, a sentence for people."""

from enum import StrEnum

from winnow_schemas.errors import BadInputError


class Refusal(StrEnum):
    """What is wrong with a campaign, or why it is not for this vehicle."""

    MALFORMED = "malformed"
    """It is no campaign document, or beyond a limit."""
    UNSIGNED = "unsigned"
    """Keys are configured, and it carries no signature."""
    UNKNOWN_KEY = "unknown_key"
    """It is signed with a key that this vehicle does not trust."""
    BAD_SIGNATURE = "bad_signature"
    """What was signed is not what is here."""
    EXPIRED = "expired"
    """Its time is over."""
    NOT_YET_VALID = "not_yet_valid"
    """Its time has not come."""
    OTHER_VEHICLE = "other_vehicle"
    """It names vehicles or airports, and this is none of them."""
    NOT_IN_CANARY = "not_in_canary"
    """It is for a share of the fleet that this vehicle is not part of."""
    REPLAYED = "replayed"
    """This version, or a newer one, was already taken."""
    DOES_NOT_FIT = "does_not_fit"
    """It names triggers, parameters or signals that are not there, or values that they cannot have."""
    WEAKENS_P0 = "weakens_p0"
    """It would mute, limit or weaken a P0 trigger, or make another trigger P0."""
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    """There is no earlier state."""


class CampaignRefusedError(BadInputError):
    """A campaign was refused; what ran before runs on untouched."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        self.refusal = refusal
        super().__init__(sentence)
