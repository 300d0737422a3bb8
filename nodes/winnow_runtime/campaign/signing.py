"""Ed25519 over campaigns (RFC 8032): who made one, and that nobody changed it."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from winnow_schemas.campaign import CampaignDocument, CampaignRefusedError, Refusal, signed_bytes
from winnow_schemas.campaign.reading import UNTOUCHED
from winnow_schemas.errors import BadInputError

_MAX_KEY_FILE = 16 * 1024


def verify(document: CampaignDocument, keys: Mapping[str, str]) -> str:
    """Check who signed; ``keys`` are names and base64 public keys. A clause for the ledger.

    Raises:
        CampaignRefusedError: unsigned although there are keys, of an unknown key, or not what was signed.

    """
    campaign, head = document.campaign, f"Campaign {document.campaign.version}"
    if not keys:
        return (
            "its signature was not checked, since no keys are configured"
            if campaign.signature
            else "not signed"
        )
    if campaign.signature is None:
        raise CampaignRefusedError(
            Refusal.UNSIGNED,
            f"{head} is not signed, and this device has keys ({', '.join(sorted(keys))}). {UNTOUCHED}",
        )
    name = campaign.signature.key
    if name not in keys:
        raise CampaignRefusedError(
            Refusal.UNKNOWN_KEY,
            f"{head} is signed with the key {name!r}, this device trusts {', '.join(sorted(keys))}. {UNTOUCHED}",
        )
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[name]))
    try:
        public.verify(base64.b64decode(campaign.signature.ed25519, validate=True), document.signed)
    except (InvalidSignature, ValueError):
        raise CampaignRefusedError(
            Refusal.BAD_SIGNATURE,
            f"{head} does not fit its signature by {name!r}: it was changed after it was signed, or signed with another "
            f"key. {UNTOUCHED}",
        ) from None
    return f"signed by {name}"


def sign(data: Mapping[str, Any], name: str, private: Ed25519PrivateKey) -> dict[str, Any]:
    """The document's plain values with a signature of this key; an earlier signature is replaced."""
    rest = {key: value for key, value in data.items() if key != "signature"}
    signature = base64.b64encode(private.sign(signed_bytes(rest))).decode()
    return {**rest, "signature": {"key": name, "ed25519": signature}}


def new_key() -> tuple[bytes, str]:
    """A private key as PKCS 8 PEM without a password, and its public key in base64."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, public_text(private)


def public_text(private: Ed25519PrivateKey) -> str:
    """The public key in base64, as settings want it."""
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key (PEM, PKCS 8, no password), as `winnow campaign key` and OpenSSL write it.

    Raises:
        BadInputError: it cannot be read, or is no such key.

    """
    try:
        with path.open("rb") as file:
            pem = file.read(_MAX_KEY_FILE)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); nothing was signed.") from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInputError(
            f"{path} is no Ed25519 private key (PEM without a password); nothing was signed. "
            "`winnow campaign key NAME` makes one."
        )
    return key
