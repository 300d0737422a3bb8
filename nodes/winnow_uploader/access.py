"""Where the store is and with which keys, from settings, credentials file, environment or the AWS chain."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.upload import UploadSettings

MAX_CREDENTIALS_BYTES = 64 * 1024

_Text = Annotated[str, msgspec.Meta(max_length=4096)]


class CredentialsFile(msgspec.Struct, frozen=True):
    """JSON as ``winnow store start`` writes it; other fields are passed over."""

    access_key: _Text
    secret_key: _Text
    session_token: _Text = ""
    endpoint_url: _Text = ""
    ca_file: _Text = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"CredentialsFile(access_key={self.access_key!r})"


class Access(msgspec.Struct, frozen=True):
    """What a client is made of. Empty keys: the standard AWS chain (environment, profiles, instance role)."""

    endpoint_url: str = ""
    ca_file: str = ""
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Access(endpoint_url={self.endpoint_url!r}, access_key={self.access_key!r})"


def read_access(settings: UploadSettings) -> Access:
    """Read the credentials file, if there is one, and put the settings before it.

    Raises:
        BadInputError: the file cannot be used, or the endpoint is no URL.

    """
    keys = _read(Path(settings.credentials_file)) if settings.credentials_file else CredentialsFile("", "")
    endpoint_url = settings.endpoint_url or keys.endpoint_url
    if endpoint_url:
        _check_url(endpoint_url)
    return Access(
        endpoint_url, settings.ca_file or keys.ca_file, keys.access_key, keys.secret_key, keys.session_token
    )


def _read(path: Path) -> CredentialsFile:
    advice = "nothing was uploaded. Correct upload.credentials_file"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CREDENTIALS_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            f"The credentials file {path} cannot be read ({error.strerror}); {advice}."
        ) from None
    if len(data) > MAX_CREDENTIALS_BYTES:
        raise BadInputError(
            f"The credentials file {path} has over {MAX_CREDENTIALS_BYTES} bytes, which is the limit; {advice}."
        )
    try:
        keys = msgspec.json.decode(data, type=CredentialsFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        # msgspec names fields and types, never values, so no secret gets into the sentence.
        raise BadInputError(f"The credentials file {path} cannot be used ({error}); {advice}.") from None
    if not keys.access_key or not keys.secret_key:
        raise BadInputError(f"The credentials file {path} has an empty key; {advice}.")
    return keys


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good:
        raise BadInputError(
            f"The endpoint {url[:100]!r} is not http://HOST[:PORT] or https://HOST[:PORT]; nothing was uploaded. "
            "Correct upload.endpoint_url."
        )
