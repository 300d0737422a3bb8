"""Message definitions for types that come by name: the user's own, and those that rosbags ships.

The hash that a publisher sends (RIHS01) decides: a definition with another hash would decode to nonsense, and is
not used. The same name may have the right definition in another distribution; those are looked through too.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from winnow_schemas.errors import BadInputError
from winnow_schemas.ros.definitions import PACKAGE, suite_typestore

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

MAX_FILES = 10_000
MAX_FILE_BYTES = 1024 * 1024
"""A generous multiple of the longest definition that ROS ships (20 kB)."""
_HASHED = "RIHS01_"
_ALL = ("lyrical", "kilted", "jazzy", "iron", "humble")
"""Newest first."""


class Definition(NamedTuple):
    """A schema as a channel has it; empty with a reason when there is none."""

    text: bytes
    problem: str = ""


class Definitions:
    """Looks definitions up; each distribution's are loaded when they are first needed."""

    def __init__(self, distribution: str, paths: Sequence[Path] = ()) -> None:
        """Read the user's definitions.

        Raises:
            BadInputError: one of the paths cannot be read or is no definition.

        """
        self._order = (distribution, *(name for name in _ALL if name != distribution))
        self._own = {**_suite_types(), **dict(_own_types(paths))}
        self._stores: dict[str, Typestore] = {}
        self._found: dict[tuple[str, str], Definition] = {}

    def find(self, type_name: str, type_hash: str) -> Definition:
        """The complete definition of a type: its own and those of everything in it."""
        key = (type_name, type_hash)
        if key not in self._found:
            self._found[key] = self._look_up(type_name, type_hash)
        return self._found[key]

    def _look_up(self, type_name: str, type_hash: str) -> Definition:
        from rosbags.typesys import TypesysError

        hashed = type_hash.startswith(_HASHED)
        others: list[str] = []
        for distribution in self._order if hashed else self._order[:1]:
            store = self._store(distribution)
            if type_name not in store.fielddefs:
                continue
            try:
                text, _ = store.generate_msgdef(type_name, ros_version=2)
                own_hash = store.hash_rihs01(type_name)
            except (TypesysError, KeyError, RecursionError) as error:
                return Definition(b"", f"the definition of {type_name} is not complete ({_one_line(error)})")
            if not hashed or own_hash == type_hash:
                return Definition(text.encode())
            others.append(own_hash)
        if others:
            return Definition(
                b"",
                f"its publisher's definition has the hash {type_hash[:24]}..., ours {others[0][:24]}...: they differ",
            )
        return Definition(b"", "no definition is known")

    def _store(self, distribution: str) -> "Typestore":
        from rosbags.typesys import Stores, get_typestore

        if distribution not in self._stores:
            store = get_typestore(Stores(f"ros2_{distribution}"))
            store.fielddefs.update(self._own)  # for texts and hashes only: no classes are made from them
            self._stores[distribution] = store
        return self._stores[distribution]


def _suite_types() -> dict[str, Any]:
    """The sensor suite's own package (docs/topics.md)."""
    return {
        name: fields for name, fields in suite_typestore().fielddefs.items() if name.startswith(f"{PACKAGE}/")
    }


def _own_types(paths: Iterable[Path]) -> Iterator[tuple[str, Any]]:
    from rosbags.typesys import TypesysError, get_types_from_msg

    for path in _files(paths):
        name = "/".join((*path.parts[-3:-1], path.stem))
        if len(path.parts) < 3 or path.parts[-2] != "msg":
            raise BadInputError(
                f"{path} does not lie in PACKAGE/msg/, so its type has no name; nothing was started. "
                "Keep definitions as ROS packages do."
            )
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise BadInputError(
                    f"{path} has {path.stat().st_size} bytes, a definition may have {MAX_FILE_BYTES}; nothing was started."
                )
            yield from get_types_from_msg(path.read_text("utf-8"), name).items()
        except (OSError, UnicodeDecodeError, TypesysError) as error:
            raise BadInputError(
                f"{path} is no message definition ({_one_line(error)}); nothing was started."
            ) from None


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    count = 0
    for path in paths:
        if not path.exists():
            raise BadInputError(
                f"The definitions {path} do not exist; nothing was started. Mend ros2.definitions in the settings."
            )
        for file in sorted(path.rglob("*.msg")) if path.is_dir() else [path]:
            count += 1
            if count > MAX_FILES:
                raise BadInputError(
                    f"{path} brings more than {MAX_FILES} definitions; nothing was started. Name smaller folders."
                )
            yield file.resolve()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
