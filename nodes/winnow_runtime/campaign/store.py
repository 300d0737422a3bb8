"""What a device keeps of campaigns: the one that is in force, those before it, and the newest version it ever took.

One file, written whole, so that a crash leaves the state before or the state after.
"""

from pathlib import Path
from typing import Literal

import msgspec

from winnow_runtime import atomic
from winnow_schemas.campaign.version import version_key
from winnow_schemas.errors import BadInputError

_FORM: Literal[1] = 1


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign that was taken."""

    version: str
    digest: str
    text: str
    """The document as JSON."""
    source: str
    """Where it came from."""
    run_id: str
    """The run that took it."""


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: Literal[1] = _FORM
    newest: str = ""
    current: Kept | None = None
    before: list[Kept | None] = msgspec.field(default_factory=list)


class CampaignStore:
    """``campaigns/kept.json`` in a node's state folder."""

    def __init__(self, folder: Path, history: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "kept.json"
        self._history = history
        self.trouble = ""
        """Why what was there could not be used; a sentence."""
        self._state = self._read()

    def _read(self) -> _State:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return _State()
        except OSError as error:
            self.trouble = f"{self._path} cannot be read ({error.strerror}); no campaign was restored."
            return _State()
        try:
            state = msgspec.json.decode(raw, type=_State)
            if state.newest:
                version_key(state.newest)
        except (msgspec.MsgspecError, ValueError) as error:
            self.trouble = f"{self._path} is damaged ({error}); no campaign was restored."
            return _State()
        return state

    @property
    def current(self) -> Kept | None:
        """The campaign that was taken last and not rolled back; None for the device's own triggers."""
        return self._state.current

    @property
    def newest(self) -> str:
        """The newest version ever taken; empty at first. Nothing makes it smaller."""
        return self._state.newest

    @property
    def before(self) -> tuple[Kept | None, ...]:
        """What ran before, newest first; None stands for the device's own triggers."""
        return tuple(self._state.before)

    def take(self, kept: Kept) -> None:
        """A campaign runs from now on."""
        newest = self.newest
        if not newest or version_key(kept.version) > version_key(newest):
            newest = kept.version
        before = [self.current, *self._state.before][: self._history]
        self._write(_State(_FORM, newest, kept, before))

    def roll_back(self, steps: int = 1) -> None:
        """What ran so many campaigns before runs again.

        Raises:
            BadInputError: there is nothing before.

        """
        if not 0 < steps <= len(self._state.before):
            raise BadInputError("There is no earlier campaign to go back to; nothing has changed.")
        current, *before = self._state.before[steps - 1 :]
        self._write(_State(_FORM, self.newest, current, before))

    def _write(self, state: _State) -> None:
        atomic.write_bytes(self._path, msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
        self._state = state
