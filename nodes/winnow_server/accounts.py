"""Who may do what: tokens of devices and programs, passwords of people. Only hashes are stored."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError, UnavailableError

TOKEN_BYTES = 32
PASSWORD_MIN = 10
_FILE_MAX_BYTES = 4 * 1024 * 1024
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}


class Role(IntEnum):
    """Each may do what those before it may, except that only devices (and admins) take tasks."""

    VIEW = 1
    REVIEW = 2
    DEVICE = 3
    ADMIN = 4

    @classmethod
    def of(cls, text: str) -> "Role":
        """By name.

        Raises:
            BadInputError: there is no such role.

        """
        try:
            return cls[text.upper()]
        except KeyError:
            names = ", ".join(role.name.lower() for role in cls)
            raise BadInputError(
                f"There is no role {text[:40]!r}; nothing was changed. Take one of {names}."
            ) from None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this caller may do what ``role`` may. A device reads, and works on its own tasks; it reviews nothing."""
        if self.role is Role.DEVICE:
            return role in (Role.VIEW, Role.DEVICE)
        return self.role >= role


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    role: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class _Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]
    role: str
    salt: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    scrypt: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}$")]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: list[_Token] = []
    people: list[_Person] = []


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


class Accounts:
    """The accounts file; a changed file is read again, a broken one leaves the accounts as they were."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._content = _File()
        self._by_hash: dict[str, Caller] = {}
        self.refresh(strict=True)

    def refresh(self, *, strict: bool = False) -> str:
        """Read the file if it changed; what is wrong with it comes back (or is raised, when ``strict``)."""
        try:
            status = self.path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if stamp == self._stamp:
                return ""
            self._take(self.path.read_bytes(), stamp)
        except FileNotFoundError:
            return ""
        except (OSError, msgspec.MsgspecError, BadInputError) as error:
            sentence = (
                f"The accounts file {self.path} cannot be used ({error}); the accounts stay as they were. "
                "Mend it, or make accounts with `winnow server token` and `winnow server user`."
            )
            if strict:
                raise BadInputError(sentence) from None
            return sentence
        return ""

    def _take(self, raw: bytes, stamp: tuple[int, int]) -> None:
        if len(raw) > _FILE_MAX_BYTES:
            raise BadInputError(f"it has {len(raw)} bytes, at most {_FILE_MAX_BYTES} are read")
        content = msgspec.json.decode(raw, type=_File)
        self._by_hash = {each.sha256: Caller(each.name, Role.of(each.role)) for each in content.tokens}
        for person in content.people:
            Role.of(person.role)
        self._content, self._stamp = content, stamp

    def by_token(self, token: str) -> Caller | None:
        """Who holds this token. The look-up is by hash: its time says nothing about any token."""
        self.refresh()
        return self._by_hash.get(hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest())

    def by_password(self, name: str, password: str) -> Caller | None:
        """The person, if the password is right; an unknown name takes as long as a wrong password."""
        self.refresh()
        person = next((each for each in self._content.people if each.name == name), None)
        salt = bytes.fromhex(person.salt) if person else bytes(16)
        given = _hash(password[:1024], salt)
        if person is None or not hmac.compare_digest(given, bytes.fromhex(person.scrypt)):
            return None
        return Caller(person.name, Role.of(person.role))

    def role_of(self, person: str) -> Caller | None:
        """The person as they stand now: a session ends with its account."""
        self.refresh()
        found = next((each for each in self._content.people if each.name == person), None)
        return Caller(found.name, Role.of(found.role)) if found else None

    def new_token(self, name: str, role: Role) -> str:
        """Make a token; it replaces the one of the same name. Only its hash is kept."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        digest = hashlib.sha256(token.encode()).hexdigest()
        others = [each for each in self._content.tokens if each.name != name]
        self._write(
            msgspec.structs.replace(self._content, tokens=[*others, _Token(name, role.name.lower(), digest)])
        )
        return token

    def set_person(self, name: str, role: Role, password: str) -> None:
        """Make or change a person's account."""
        if len(password) < PASSWORD_MIN:
            raise BadInputError(
                f"The password has {len(password)} letters, at least {PASSWORD_MIN} are wanted; no account was made."
            )
        salt = secrets.token_bytes(16)
        entry = _Person(name, role.name.lower(), salt.hex(), _hash(password, salt).hex())
        others = [each for each in self._content.people if each.name != name]
        self._write(msgspec.structs.replace(self._content, people=[*others, entry]))

    def remove(self, name: str) -> bool:
        """Forget a token or a person; whether there was one."""
        tokens = [each for each in self._content.tokens if each.name != name]
        people = [each for each in self._content.people if each.name != name]
        found = len(tokens) + len(people) < len(self._content.tokens) + len(self._content.people)
        if found:
            self._write(_File(tokens, people))
        return found

    def listing(self) -> list[dict[str, str]]:
        """Name, role and kind of every account."""
        return [{"name": each.name, "role": each.role, "kind": "token"} for each in self._content.tokens] + [
            {"name": each.name, "role": each.role, "kind": "person"} for each in self._content.people
        ]

    def _write(self, content: _File) -> None:
        raw = msgspec.json.encode(content)
        try:
            msgspec.json.decode(raw, type=_File)
        except msgspec.ValidationError as error:
            raise BadInputError(f"This is no name for an account ({error}); nothing was changed.") from None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(self.path, msgspec.json.format(raw, indent=1) + b"\n", mode=0o600)
        except OSError as error:
            raise UnavailableError(
                f"The accounts file {self.path} cannot be written ({error.strerror}); nothing was changed."
            ) from None
        self._stamp = None
        self.refresh(strict=True)
