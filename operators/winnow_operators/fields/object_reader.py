"""Takes leaves out of decoded messages: JSON values and protobuf messages.

A *getter* turns an object into a value, or None where the message does not have it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from winnow_operators.fields.arrays import as_array
from winnow_operators.fields.path import Every, Index, Name, Step
from winnow_operators.fields.resolution import Form, Leaf

Getter = Callable[[Any], Any]
StepGetter = Callable[[Name], Getter]
"""Makes the getter of a field for the decoder's kind of objects."""


def compile_getters(
    leaves: Sequence[Leaf],
    field: StepGetter,
    elements: Callable[[Any], Sequence[Any] | None],
    convert: Callable[[Leaf], Getter],
) -> Callable[[Any], tuple[Any, ...]]:
    """A function from message to the leaves' values.

    ``field`` steps into a field, ``elements`` gives the elements of a list or None, ``convert`` the value
    of what a path leads to.
    """
    getters = [_leaf(leaf, field, elements, convert(leaf)) for leaf in leaves]

    def read(message: Any) -> tuple[Any, ...]:
        return tuple([getter(message) for getter in getters])

    return read


def _leaf(
    leaf: Leaf, field: StepGetter, elements: Callable[[Any], Sequence[Any] | None], value: Getter
) -> Getter:
    if leaf.form is Form.COUNT:

        def count(found: Any) -> Any:
            listed = elements(found)
            return None if listed is None else float(len(listed))

        value = count
    steps = list(leaf.steps)
    many = [number for number, step in enumerate(steps) if isinstance(step, Every)]
    if not many:
        return _chain(steps, field, elements, value)
    gather = _gatherer(steps, field, elements, value)

    def read(message: Any) -> Any:
        found: list[Any] = []
        if not gather(message, found):
            return None
        if leaf.form is Form.COUNT:
            return float(sum(number for number in found if number is not None))
        return as_array(found, leaf.type)

    return read


def _gatherer(
    steps: list[Step], field: StepGetter, elements: Callable[[Any], Sequence[Any] | None], value: Getter
) -> Callable[[Any, list[Any]], bool]:
    """Collects values of all elements; False where the message does not have the list."""
    first = next((number for number, step in enumerate(steps) if isinstance(step, Every)), None)
    if first is None:
        last = _chain(steps, field, elements, value)

        def take(message: Any, found: list[Any]) -> bool:
            found.append(last(message))
            return True

        return take
    to_list = _chain(steps[:first], field, elements, lambda found: found)
    inner = _gatherer(steps[first + 1 :], field, elements, value)

    def walk(message: Any, found: list[Any]) -> bool:
        listed = elements(to_list(message))
        if listed is None:
            return False
        for element in listed:
            inner(element, found)
        return True

    return walk


def _chain(
    steps: Sequence[Step], field: StepGetter, elements: Callable[[Any], Sequence[Any] | None], value: Getter
) -> Getter:
    getters: list[Getter] = [
        field(step) if isinstance(step, Name) else _item(step, elements) for step in steps
    ]
    getters.append(value)

    def read(message: Any) -> Any:
        for getter in getters:
            if message is None:
                return None
            message = getter(message)
        return message

    return read


def _item(step: Step, elements: Callable[[Any], Sequence[Any] | None]) -> Getter:
    assert isinstance(step, Index)
    index = step.index

    def read(message: Any) -> Any:
        listed = elements(message)
        return listed[index] if listed is not None and index < len(listed) else None

    return read
