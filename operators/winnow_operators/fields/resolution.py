"""Finds what a path means in a schema, and says helpfully when it means nothing."""

import difflib
from dataclasses import dataclass
from enum import Enum, StrEnum

from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.listing import field_paths
from winnow_operators.fields.path import Every, FieldPath, Index, Name, Reducer, Step, spell
from winnow_operators.fields.tree import Anything, Flag, ListOf, Number, Opaque, Structure, Text, Time, Type

_MAX_SUGGESTIONS = 3


class Value(StrEnum):
    """What a path gives."""

    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"
    NANOSECONDS = "nanoseconds"
    """An int."""
    NUMBERS = "numbers"
    """1-D float64."""
    BOOLS = "bools"
    """1-D bool."""
    TEXTS = "texts"
    """1-D object array of str."""
    MANY_NANOSECONDS = "many nanoseconds"
    """1-D int64."""
    ANY = "any"
    """What the message has: JSON without schema."""


class Form(Enum):
    """What is read of a leaf."""

    VALUE = "value"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing that a reader takes out of a message; times come as nanoseconds."""

    steps: tuple[Step, ...]
    type: Type
    """Of the value, or with COUNT of the list's elements."""
    form: Form = Form.VALUE

    @property
    def is_many(self) -> bool:
        """Whether it is an array."""
        return self.form is Form.VALUE and any(isinstance(step, Every) for step in self.steps)


class Finish(Enum):
    """What becomes of the leaves."""

    AS_IS = "as is"
    SECONDS = "seconds"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    MEAN = "mean"
    NORM = "norm"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A path that exists."""

    leaves: tuple[Leaf, ...]
    finish: Finish
    value: Value
    from_time: bool = False
    """The leaf is a time in nanoseconds whose value is wanted in seconds."""


_ONE = {Number: Value.NUMBER, Flag: Value.BOOL, Text: Value.TEXT, Time: Value.NUMBER, Anything: Value.ANY}
_MANY = {
    Number: Value.NUMBERS,
    Flag: Value.BOOLS,
    Text: Value.TEXTS,
    Time: Value.NUMBERS,
    Anything: Value.ANY,
}


def resolve(root: Type, path: FieldPath) -> Resolved:
    """Find a path in a schema.

    Raises:
        FieldError: it leads nowhere, or to something that is no value.

    """
    nanoseconds, steps, target = _walk(root, path)
    if path.reducer is Reducer.LEN:
        if not isinstance(steps[-1], Every):
            raise _useless(root, path, f"len() counts the elements of a list: len({spell(steps)}[])")
        return Resolved((Leaf(steps[:-1], target, Form.COUNT),), Finish.AS_IS, Value.NUMBER)
    if isinstance(target, Structure) and target.value_field:
        steps, target = (*steps, Name(target.value_field)), target.fields[target.value_field]
    if path.reducer is Reducer.NORM:
        return _norm(root, path, steps, target)
    if not isinstance(target, Number | Flag | Text | Time | Anything):
        raise _useless(root, path, _advice(steps, target))
    leaf = Leaf(steps, target)
    if path.reducer is not None:
        if not leaf.is_many or isinstance(target, Text):
            raise _useless(
                root,
                path,
                f"{path.reducer}() needs the numbers of a list, as in {path.reducer}(name[].field)",
            )
        return Resolved((leaf,), Finish(path.reducer.value), Value.NUMBER, isinstance(target, Time))
    if nanoseconds:
        return Resolved((leaf,), Finish.AS_IS, Value.MANY_NANOSECONDS if leaf.is_many else Value.NANOSECONDS)
    finish = Finish.SECONDS if isinstance(target, Time) else Finish.AS_IS
    return Resolved((leaf,), finish, (_MANY if leaf.is_many else _ONE)[type(target)])


def _walk(root: Type, path: FieldPath) -> tuple[bool, tuple[Step, ...], Type]:
    """Follow the steps; whether nanoseconds are wanted, the steps of the leaf, and its type."""
    current = root
    for number, step in enumerate(path.steps):
        done = path.steps[:number]
        if isinstance(current, Anything):
            return False, path.steps, current
        if isinstance(step, Name):
            following = _field(current, step.name)
            if following is not None:
                current = following
                continue
            if number == len(path.steps) - 1 and step.name.endswith("_ns"):
                time = _field(current, step.name.removesuffix("_ns"))
                if isinstance(time, Time):
                    return True, (*done, Name(step.name.removesuffix("_ns"))), time
            raise _unknown(root, path, done, current, step)
        if not isinstance(current, ListOf):
            raise _useless(root, path, f"{spell(done) or 'the message'} is no list, but {_kind(current)}")
        if isinstance(step, Index) and current.length is not None and step.index >= current.length:
            raise _useless(
                root, path, f"{spell(done)} has {current.length} elements, [0] to [{current.length - 1}]"
            )
        current = current.element
    return False, path.steps, current


def _field(current: Type, name: str) -> Type | None:
    if isinstance(current, Time):
        return {current.seconds_name: current.seconds, current.nanos_name: current.nanos}.get(name)
    if not isinstance(current, Structure):
        return None
    found = current.fields.get(name)
    return Anything() if found is None and current.is_open else found


def _norm(root: Type, path: FieldPath, steps: tuple[Step, ...], target: Type) -> Resolved:
    if isinstance(target, Structure) and not any(isinstance(step, Every) for step in steps):
        fields = target.fields
        if fields and all(isinstance(field, Number) for field in fields.values()):
            leaves = tuple(Leaf((*steps, Name(name)), field) for name, field in fields.items())
            return Resolved(leaves, Finish.NORM, Value.NUMBER)
    if isinstance(target, ListOf):
        steps, target = (*steps, Every()), target.element
    if isinstance(target, Number | Anything) and any(isinstance(step, Every) for step in steps):
        return Resolved((Leaf(steps, target),), Finish.NORM, Value.NUMBER)
    raise _useless(
        root, path, f"norm() needs a structure or a list of numbers; {spell(steps)} is {_kind(target)}"
    )


# --- sentences --------------------------------------------------------------------------------------------


def _kind(found: Type) -> str:
    if isinstance(found, Structure):
        return f"a structure ({found.name})"
    return f"a list ({found.name})" if isinstance(found, ListOf) else f"of type {found.name}"


def _advice(steps: tuple[Step, ...], target: Type) -> str:
    text = spell(steps)
    if isinstance(target, ListOf):
        return f"{text} is a list; write {text}[] for all its values, {text}[0] for one, len({text}[]) for their count"
    if isinstance(target, Structure):
        inner = list(target.fields)[:8]
        return f"{text} is a structure; its fields are {', '.join(inner) or 'none'}"
    reason = target.reason if isinstance(target, Opaque) else "it is no value"
    return f"{text} is {target.name}, which is not read ({reason})"


def _useless(root: Type, path: FieldPath, why: str) -> FieldError:
    return FieldError(f"The field path {str(path)!r} cannot be used with {root.name}: {why}.")


def _unknown(root: Type, path: FieldPath, done: tuple[Step, ...], current: Type, step: Name) -> FieldError:
    if isinstance(current, ListOf):
        text = spell(done)
        return _useless(root, path, f"{text} is a list; write {text}[].{step.name} or {text}[0].{step.name}")
    if not isinstance(current, Structure):
        return _useless(root, path, f"{spell(done)} is {_kind(current)} and has no fields")
    here = difflib.get_close_matches(step.name, current.fields, _MAX_SUGGESTIONS)
    prefix = f"{spell(done)}." if done else ""
    suggestions = [prefix + name for name in here] or _elsewhere(root, step.name)
    if suggestions:
        hint = f"did you mean {' or '.join(map(repr, suggestions))}?"
    else:
        hint = f"it has {', '.join(list(current.fields)[:12]) or 'no fields'}"
    where = f"{spell(done)} ({current.name})" if done else current.name
    return FieldError(
        f"The field path {str(path)!r} cannot be used: {where} has no field {step.name!r}; {hint}"
    )


def _elsewhere(root: Type, name: str) -> list[str]:
    """Paths of the schema that end like this."""
    paths = [path for path, _ in field_paths(root)]
    exact = [path for path in paths if path.rpartition(".")[2].removesuffix("[]") == name]
    return exact[:_MAX_SUGGESTIONS] or difflib.get_close_matches(name, paths, _MAX_SUGGESTIONS)
