"""Where campaigns come from and whom a device believes (vehicle document 8.4)."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from winnow_schemas.validation import Strict

KEY_BYTES = 32
"""An Ed25519 public key (RFC 8032)."""


def _public_key(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(
            "it must be the base64 text of a public key (`winnow campaign key` prints it)"
        ) from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"an Ed25519 public key has {KEY_BYTES} bytes, this one {len(raw)}")
    return text


PublicKey = Annotated[str, AfterValidator(_public_key)]
"""32 bytes in base64, as `winnow campaign key` prints them."""
KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class CampaignSettings(Strict):
    """Updates of the triggers from the fleet."""

    file: str = Field(default="", max_length=1024)
    """A campaign to run from the start, and to look at again when it changes; relative to this file. Empty = none."""
    keys: dict[KeyName, PublicKey] = Field(default_factory=dict, max_length=32)
    """Keys that campaigns may be signed with, by name. With any of them, unsigned campaigns are refused; without,
    campaigns that come over a topic are."""
    poll_s: float = Field(default=1.0, ge=0.05, le=3600)
    """How often the file and `winnow campaign apply` are looked for."""
    history: int = Field(default=8, ge=1, le=64)
    """How many earlier campaigns a rollback can reach."""
