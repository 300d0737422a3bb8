"""What ships with Winnow as data: the 28 trigger types, and the signals of the suite."""

from functools import cache
from importlib import resources

from pydantic import Field

from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_schemas.validation import Strict, validate
from winnow_schemas.yaml_source import YamlDocument, load_text


class LibraryTrigger(TriggerSettings):
    """A trigger type of the vehicle document (3.1)."""

    title: str = Field(min_length=1)
    """The document's name for it."""
    signals: list[str] = Field(default_factory=list)
    """The standard signals that it looks at; without one of them it is inactive."""
    detectors: list[str] = Field(default_factory=list)
    """The detectors that make those signals in the standard suite."""
    needs_position: bool = False
    """Whether it looks at the vehicle's position."""

    def settings(self) -> TriggerSettings:
        """The trigger without what only the library knows."""
        return TriggerSettings(**{name: getattr(self, name) for name in TriggerSettings.model_fields})


class Suite(Strict):
    """Signals, position and zones that belong together."""

    signals: dict[str, SignalSettings]
    """By standard name."""
    position: dict[str, str] = Field(default_factory=dict)
    """Role -> signal."""
    zones: str = ""
    """Topic of the map's zones."""


class _Triggers(Strict):
    triggers: dict[str, LibraryTrigger]


@cache
def library_triggers() -> dict[str, LibraryTrigger]:
    """The 28 trigger types by name, in the order of the document."""
    return validate(_Triggers, _document("triggers.yml").below("triggers")).triggers


@cache
def standard_suite() -> Suite:
    """The signals of the suite in `docs/topics.md`."""
    return validate(Suite, _document("signals.yml"))


def _document(name: str) -> YamlDocument:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return load_text(text, f"the library's {name}")
