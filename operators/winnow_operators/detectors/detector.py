"""What a detector is: typed fields of messages in, signals out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from winnow_operators.condition.saved import Json
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict

Signal = tuple[str, float | bool | str | None]
"""Name of an output and its value; None is unknown."""


class Output(NamedTuple):
    """A signal that a detector makes."""

    type: SignalType
    unit: str
    summary: str


Inputs = Mapping[str, Mapping[str, str]]
"""Input name -> short field name -> path in the message."""
Outputs = Mapping[str, Output]


class NoParams(Strict):
    """A detector without parameters."""


class Detector(ABC):
    """Looks at fields of messages that conditions cannot compare: lists of objects, routes, maps.

    ``inputs`` names the messages and, for each, the fields by short names with their paths (the grammar of
    `winnow_operators.fields`: a path with ``[]`` gives a 1-D array, one value per element). ``outputs`` names the
    signals. Detectors are deterministic, know no clock but the messages' ``t_ns``, and keep a bounded state.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    inputs: ClassVar[Inputs]
    outputs: ClassVar[Outputs]
    params_model: ClassVar[type[Strict]] = NoParams

    def __init__(self, params: Strict | None = None) -> None:
        self.params: Any = params or self.params_model()

    def update(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        """Take a message's fields; the signals that follow from it.

        A field that the message lacks (None) makes the signals unknown.

        Raises:
            DetectorInputError: the fields cannot be those of such a message; nothing was changed.

        """
        if input_name not in self.inputs:
            raise DetectorInputError(f"{self.name} has no input {input_name!r}; the message was ignored.")
        wanted = self.inputs[input_name]
        taken = {key: fields.get(key) for key in wanted}
        if any(taken[key] is None for key in wanted if key not in self.optional_fields):
            return self.without(input_name)
        return self.see(input_name, t_ns, taken)

    optional_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields without which a message still says something."""

    def without(self, input_name: str) -> list[Signal]:
        """What is known after a message that lacks fields: nothing."""
        del input_name
        return [(output, None) for output in self.outputs]

    @abstractmethod
    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        """Take a complete message."""

    def snapshot(self) -> Json:
        """The state as JSON-able values."""
        return {}

    def restore(self, state: object) -> None:
        """Take over what :meth:`snapshot` gave.

        Raises:
            BadInputError: it is no state of this detector.

        """
        del state


class DetectorInputError(BadInputError):
    """A message's fields cannot be used by a detector."""
