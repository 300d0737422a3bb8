"""Random ROS message definitions with values, and a plain way to look a path up in a decoded message."""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from winnow_operators.fields.path import Every, Index, Step

INTEGERS = {
    "int8": (-(2**7), 2**7 - 1),
    "uint8": (0, 2**8 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
    "char": (0, 255),
    "byte": (0, 127),  # signed in ROS 1, unsigned in ROS 2
}
DTYPES = {"char": "uint8", "byte": "int8", "bool": "bool"}
SEPARATOR = "=" * 80 + "\n"


@dataclasses.dataclass(frozen=True)
class FieldSpec:
    name: str
    base: str
    length: int | None
    """-1: a sequence; None: no list."""

    def __str__(self) -> str:
        brackets = {None: "", -1: "[]"}.get(self.length, f"[{self.length}]")
        return f"{self.base}{brackets} {self.name}\n"


@dataclasses.dataclass(frozen=True)
class TypeSpec:
    fields: tuple[FieldSpec, ...]


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, TypeSpec]:
    """Types ``Root``, ``A``, ``B``, each using only later ones, so that none contains itself."""
    names = ["Root", "A", "B"]
    scalars = st.sampled_from([*INTEGERS, "float32", "float64", "bool", "string", "time"])
    types = {}
    for place, name in enumerate(names):
        usable = st.one_of(scalars, *(st.just(later) for later in names[place + 1 :]))
        bases = draw(st.lists(usable, min_size=1, max_size=6))
        lengths = st.sampled_from([None, None, None, -1, 1, 2, 3])
        types[name] = TypeSpec(
            tuple(FieldSpec(f"f{number}", base, draw(lengths)) for number, base in enumerate(bases))
        )
    return types


def definition_text(types: dict[str, TypeSpec], time: str) -> str:
    """Concatenated sections as recordings carry them."""
    sections = []
    for name, spec in types.items():
        body = "".join(
            str(dataclasses.replace(field, base=time if field.base == "time" else field.base))
            for field in spec.fields
        )
        sections.append(body if name == "Root" else f"MSG: test_msgs/{name}\n{body}")
    if time != "time":
        sections.append("MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n")
    return SEPARATOR.join(sections)


def typestore(types: dict[str, TypeSpec]) -> Any:
    store = get_typestore(Stores.EMPTY)
    registered = {"builtin_interfaces/msg/Time": ([], [])}
    registered |= get_types_from_msg("int32 sec\nuint32 nanosec\n", "builtin_interfaces/msg/Time")
    text = definition_text(types, "builtin_interfaces/Time")
    registered |= get_types_from_msg(text, "test_msgs/msg/Root")
    store.register(registered)
    return store


@st.composite
def messages(draw: st.DrawFn, types: dict[str, TypeSpec], store: Any, name: str = "Root") -> Any:
    values = {}
    for field in types[name].fields:
        one = _value(types, store, field.base)
        if field.length is None:
            values[field.name] = draw(one)
            continue
        least, most = (0, 4) if field.length < 0 else (field.length, field.length)
        listed = draw(st.lists(one, min_size=least, max_size=most))
        plain = field.base in INTEGERS or field.base in ("float32", "float64", "bool")
        dtype = DTYPES.get(field.base, field.base)
        values[field.name] = np.array(listed, dtype=dtype) if plain else listed
    return store.types[f"test_msgs/msg/{name}"](**values)


def _value(types: dict[str, TypeSpec], store: Any, base: str) -> st.SearchStrategy[Any]:
    if base in INTEGERS:
        return st.integers(*INTEGERS[base])
    if base == "bool":
        return st.booleans()
    if base in ("float32", "float64"):
        return st.floats(width=32 if base == "float32" else 64)
    if base == "string":
        return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
    if base == "time":
        time = store.types["builtin_interfaces/msg/Time"]
        return st.builds(time, st.integers(0, 2**31 - 1), st.integers(0, 999_999_999))
    return messages(types, store, base)


def look_up(found: Any, steps: tuple[Step, ...]) -> Any:
    """The value at a path: a list where the path has ``[]``."""
    for number, step in enumerate(steps):
        if isinstance(step, Every):
            inner = [look_up(element, steps[number + 1 :]) for element in found]
            nested = any(isinstance(later, Every) for later in steps[number + 1 :])
            return [value for part in inner for value in part] if nested else inner
        if isinstance(step, Index):
            if step.index >= len(found):
                return None
            found = found[step.index]
        else:
            found = getattr(found, step.name)
    return found


def plain(found: Any) -> Any:
    """A decoded value as Winnow gives it."""
    if isinstance(found, list):
        return [plain(value) for value in found]
    if hasattr(found, "nanosec"):
        return (found.sec * 10**9 + found.nanosec) / 1e9
    if isinstance(found, bool | np.bool_):
        return bool(found)
    if isinstance(found, str) or found is None:
        return found
    return float(found)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, NaN to NaN, arrays element by element."""
    if isinstance(ours, np.ndarray):
        return (
            ours.ndim == 1
            and len(ours) == len(theirs)
            and all(same(*pair) for pair in zip(ours.tolist(), theirs, strict=True))
        )
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == theirs or (np.isnan(ours) and np.isnan(theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)
