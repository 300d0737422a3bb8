"""A campaign from outside: JSON or YAML, within limits, read whole or refused."""

import datetime as dt
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from winnow_schemas.campaign.canonical import signed_bytes
from winnow_schemas.campaign.document import Campaign
from winnow_schemas.campaign.refusal import CampaignRefusedError, Refusal
from winnow_schemas.errors import BadInputError
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import FileProblemsError, Path_, YamlDocument, load_text

MAX_BYTES = 256 * 1024
"""The largest honest campaign, 200 updates and 64 requests, has 60 kB."""
MAX_DEPTH = 8
"""The document's deepest value stands on level four."""
MAX_VALUES = 20_000
MAX_TEXT = 4096
"""Longest text of all, keys included."""
UNTOUCHED = "The campaign was refused, what ran before runs on."


@dataclass(frozen=True, slots=True)
class CampaignDocument:
    """A campaign as it was read."""

    campaign: Campaign
    data: dict[str, Any]
    """The plain values, signature included."""
    source: YamlDocument
    """Where everything stands, for messages."""

    @property
    def signed(self) -> bytes:
        """What its signature covers."""
        return signed_bytes(self.data)

    @property
    def digest(self) -> str:
        """Identity of what it says, 64 hexadecimal digits; the signature is no part of it."""
        return hashlib.sha256(self.signed).hexdigest()

    @property
    def text(self) -> str:
        """As JSON, for keeping."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def read_campaign_file(path: Path) -> CampaignDocument:
    """Read a campaign from a file.

    Raises:
        CampaignRefusedError: it cannot be read, or is no campaign.

    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        _refuse(f"{path} cannot be read ({error.strerror}).")
    return read_campaign(raw, str(path))


def read_campaign(raw: bytes | str, name: str) -> CampaignDocument:
    """Read a campaign; ``name`` says in messages where it came from.

    Raises:
        CampaignRefusedError: it is no campaign document, or beyond a limit; all problems are listed.

    """
    size = len(raw) if isinstance(raw, bytes) else len(raw.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        _refuse(f"{name} has more than {MAX_BYTES} bytes, the limit for a campaign.")
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        text.encode()
    except UnicodeError:
        _refuse(f"{name} is not UTF-8 text.")
    try:
        source = _document(text, name)
        data = _plain(source, source.data, ())
        if not isinstance(data, dict):
            _refuse(f"{name} is no campaign: a mapping with 'version' is wanted, this is {_kind(data)}.")
        source = YamlDocument(name, data, source.marks, source.texts, source.spans)
        return CampaignDocument(validate(Campaign, source), data, source)
    except CampaignRefusedError:
        raise
    except FileProblemsError as error:
        _refuse("\n".join(map(str, error.problems)), "\n")
    except BadInputError as error:
        _refuse(str(error))


def _refuse(sentence: str, joint: str = " ") -> NoReturn:
    raise CampaignRefusedError(Refusal.MALFORMED, f"{sentence}{joint}{UNTOUCHED}") from None


def _document(text: str, name: str) -> YamlDocument:
    """JSON as JSON says, everything else as YAML; comments make a JSON text YAML."""
    if text.lstrip()[:1] != "{":
        return _yaml(text, name)
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError:
        return _yaml(text, name)
    except RecursionError:
        raise BadInputError(f"{name} nests deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:
        raise BadInputError(f"{name}: {error}.") from None
    try:
        marks = load_text(text, name)
    except BadInputError:  # tabs, for one, are fine in JSON and not in YAML
        return YamlDocument(name, data)
    return YamlDocument(name, data, marks.marks, marks.texts, marks.spans)


def _yaml(text: str, name: str) -> YamlDocument:
    try:
        return load_text(text, name)
    except RecursionError:
        raise BadInputError(f"{name} nests deeper than {MAX_DEPTH} levels.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {double[:80]!r} stands there twice; one must go")
    return result


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number that JSON has")


class _Counter:
    def __init__(self) -> None:
        self.values = 0


def _plain(source: YamlDocument, value: Any, path: Path_, counter: _Counter | None = None) -> Any:
    """The values that JSON has, within the limits; YAML's times as they are written.

    Raises:
        BadInputError: beyond a limit, or something that JSON does not have.

    """
    counter = counter or _Counter()
    counter.values += 1
    if counter.values > MAX_VALUES:
        raise BadInputError(f"{source.name} holds more than {MAX_VALUES} values.")
    if len(path) > MAX_DEPTH:
        raise BadInputError(f"{source.name} nests deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        for key in value:
            _short(source, key, path)
        return {key: _plain(source, each, (*path, key), counter) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(source, each, (*path, place), counter) for place, each in enumerate(value)]
    if isinstance(value, dt.date):
        return source.texts[path]
    if isinstance(value, str):
        _short(source, value, path)
        return value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e18:
        return value
    raise BadInputError(
        f"{source.problem(path, _what(path) + f' is {_kind(value)}, which no campaign has')}."
    )


def _what(path: Path_) -> str:
    return ".".join(map(str, path)) or "the document"


def _short(source: YamlDocument, text: str, path: Path_) -> None:
    if len(text) > MAX_TEXT:
        problem = source.problem(
            path, f"{_what(path)} has a text of {len(text)} characters, the limit is {MAX_TEXT}"
        )
        raise BadInputError(f"{problem}.")


def _kind(value: Any) -> str:
    if isinstance(value, int | float):
        return "not a finite number" if not math.isfinite(value) else "a number beyond 1e18"
    return {"NoneType": "empty", "list": "a list", "str": "a text"}.get(
        type(value).__name__, f"a value of the type {type(value).__name__}"
    )
