"""States that were saved are outside data: read by declared types, refused when they do not fit."""

from typing import Any, TypeVar

import msgspec

from winnow_schemas.errors import BadInputError

Json = dict[str, Any]
Model = TypeVar("Model", bound=msgspec.Struct)


class Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of saved states."""

    def to_json(self) -> Json:
        """Plain JSON-able values."""
        plain: Json = msgspec.to_builtins(self)
        return plain


def load(model: type[Model], state: object) -> Model:
    """Read a saved state.

    Raises:
        BadInputError: it is not of this form.

    """
    try:
        return msgspec.convert(state, model)
    except msgspec.ValidationError as error:
        raise BadInputError(f"it is no {model.__qualname__}: {error}") from None


def require(holds: bool, what: str) -> None:
    """Refuse a saved state that contradicts itself.

    Raises:
        BadInputError: the condition does not hold.

    """
    if not holds:
        raise BadInputError(f"it contradicts itself: {what}")


def pack(value: float | bool | str | None) -> list[Any]:
    """A value with its type; floats as hexadecimal text, since JSON has no infinities."""
    return [type(value).__name__, value.hex() if isinstance(value, float) else value]


def unpack(packed: list[Any]) -> float | bool | str | None:
    """What :func:`pack` gave.

    Raises:
        BadInputError: it is no such value.

    """
    require(len(packed) == 2, "a value is not a pair")
    kind, value = packed
    if kind == "float" and isinstance(value, str):
        try:
            return float.fromhex(value)
        except (ValueError, OverflowError):
            raise BadInputError(f"{value[:40]!r} is no number") from None
    kinds: dict[str, type] = {"bool": bool, "str": str, "NoneType": type(None)}
    require(
        isinstance(kind, str) and kind in kinds and type(value) is kinds[kind], f"{packed!r} is no value"[:80]
    )
    result: bool | str | None = value
    return result
