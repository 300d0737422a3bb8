"""From settings and the library to the triggers that run, those that cannot, and what is wrong, with its place."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from winnow_operators.condition.failure import ConditionError
from winnow_operators.triggers.checking import Inputs, check_trigger
from winnow_schemas.library import LibraryTrigger
from winnow_schemas.settings.triggers import TriggerSettings, TriggersSettings
from winnow_schemas.validation import validate_part
from winnow_schemas.yaml_source import FileProblemsError, Path_, Problem, YamlDocument

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Trigger names become parts of file names and keys."""
_ROOT: Path_ = ("triggers", "set")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the settings come to."""

    active: dict[str, TriggerSettings] = field(default_factory=dict)
    inactive: dict[str, str] = field(default_factory=dict)
    """Name -> why it does not run, a clause for a sentence."""
    problems: list[Problem] = field(default_factory=list)

    def require(self) -> dict[str, TriggerSettings]:
        """The triggers that run.

        Raises:
            FileProblemsError: something is wrong; all of it is listed.

        """
        if self.problems:
            raise FileProblemsError(self.problems, "nothing was started.")
        return self.active


def resolve_triggers(
    settings: TriggersSettings,
    inputs: Inputs,
    library: Mapping[str, LibraryTrigger],
    document: YamlDocument | None = None,
) -> Resolution:
    """Put the library's triggers and the settings' own together, and check each against the signals.

    A library trigger whose signals are not mapped is inactive, unless the settings mention it: then that is a
    problem, since whoever changes a trigger expects it to run.
    """
    resolver = _Resolver(settings, inputs, library, document or YamlDocument("settings", None))
    resolver.run()
    problems = sorted(set(resolver.result.problems), key=lambda each: (each.line, each.column, each.message))
    return Resolution(resolver.result.active, resolver.result.inactive, problems)


class _Resolver:
    def __init__(
        self,
        settings: TriggersSettings,
        inputs: Inputs,
        library: Mapping[str, LibraryTrigger],
        document: YamlDocument,
    ) -> None:
        self.settings = settings
        self.inputs = inputs
        self.library = library if settings.library == "standard" else {}
        self.all_known = library
        self.document = document
        self.result = Resolution()

    def run(self) -> None:
        for name, entry in self.library.items():
            if name not in self.settings.set:
                missing = self._missing(entry)
                if missing:
                    self.result.inactive[name] = missing
                else:
                    self._check(name, entry.settings())
        for name, changes in self.settings.set.items():
            self._own(name, changes)

    def _missing(self, entry: LibraryTrigger) -> str:
        """What a library trigger needs and does not have, in words."""
        absent = [signal for signal in entry.signals if signal not in self.inputs.specs]
        if absent:
            names = " and ".join(map(repr, absent))
            return f"it needs the signal{'s' if len(absent) > 1 else ''} {names}, not mapped under 'signals'"
        if entry.needs_position and not self.inputs.position:
            return "it needs the vehicle's position, not named under 'position'"
        return ""

    def _own(self, name: str, changes: dict[str, Any]) -> None:
        path = (*_ROOT, name)
        if not _NAME.fullmatch(name):
            self._report(
                path, f"{name[:80]!r} cannot be a trigger's name; letters, digits and '_', at most 64"
            )
            return
        entry = self.library.get(name)
        data = self._merged(name, entry, changes) if entry else changes
        if data is None:
            return
        trigger, problems = validate_part(TriggerSettings, data, self.document, path)
        for problem in problems:
            hint = self._near_library(name) if problem.message.endswith("missing") else ""
            self.result.problems.append(
                Problem(problem.file, problem.line, problem.column, f"{problem.message}{hint}")
            )
        if trigger is None:
            return
        if not trigger.enabled:
            self.result.inactive[name] = "it is switched off in the settings"
            return
        missing = self._missing(entry) if entry and "when" not in changes else ""
        if missing:
            self._report(
                path, f"triggers.set.{name}: {missing}; map it, or switch the trigger off (enabled: false)"
            )
            return
        self._check(name, trigger)

    def _merged(self, name: str, entry: LibraryTrigger, changes: dict[str, Any]) -> dict[str, Any] | None:
        """A library trigger with what the settings change; its parameters one by one."""
        base = entry.settings().model_dump()
        params = changes.get("params", {})
        if not isinstance(params, dict):
            return {**base, **changes}
        if "when" not in changes and not self._params_fit(name, entry, params):
            return None
        return {**base, **changes, "params": {**base["params"], **params}}

    def _params_fit(self, name: str, entry: LibraryTrigger, params: dict[str, Any]) -> bool:
        fits = True
        for key, value in params.items():
            path = ("triggers", "set", name, "params", str(key))
            if key not in entry.params:
                close = difflib.get_close_matches(str(key), entry.params, n=1)
                known = ", ".join(entry.params) or "none"
                hint = f"did you mean {close[0]!r}?" if close else f"it has: {known}"
                self._report(path, f"{'.'.join(path)}: {name} has no such parameter; {hint}")
                fits = False
            elif isinstance(entry.params[key], bool) is not isinstance(value, bool):
                wanted = "true or false" if isinstance(entry.params[key], bool) else "a number"
                self._report(path, f"{'.'.join(path)}: {value!r} is not allowed; it must be {wanted}")
                fits = False
        return fits

    def _near_library(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.all_known, n=1)
        if name in self.all_known:
            return "; the library is switched off (triggers.library: none)"
        return f"; did you mean the library's {close[0]!r}?" if close else ""

    def _check(self, name: str, trigger: TriggerSettings) -> None:
        try:
            check_trigger(name, trigger, self.inputs, self.settings)
        except ConditionError as error:
            key = error.file.rpartition(".")[2]
            path = (*_ROOT, name, key)
            message = f"{'.'.join(map(str, path))}: {error.sentence}\n{error.picture()}"
            self.result.problems.append(self.document.problem_within(path, error.span.start, message))
            return
        self.result.active[name] = trigger

    def _report(self, path: Path_, message: str) -> None:
        self.result.problems.append(self.document.problem(path, message))
