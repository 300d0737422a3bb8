"""Renders the messages as dora type files, the form that ``dora validate --strict-types`` reads."""

from pathlib import PurePosixPath

import pyarrow as pa

from winnow_schemas.messages import PAYLOAD_URN, RECORDS

_NAMES = {pa.int64(): "Int64", pa.float64(): "Float64", pa.string(): "Utf8", pa.bool_(): "Boolean"}
_HEADER = "# Rendered from schemas/winnow_schemas/messages.py by `winnow types --write`; do not edit.\n"


def type_files() -> dict[PurePosixPath, str]:
    """All type files, as path below the graphs' ``types/`` folder -> text."""
    areas: dict[str, list[str]] = {}
    area, _, name = PAYLOAD_URN.rpartition("/")
    areas[area] = [
        f"  {name}:\n    arrow: UInt8\n    description: A payload as it was encoded at the source; times in the metadata\n"
    ]
    for record in RECORDS:
        area, _, name = record.URN.rpartition("/")
        areas.setdefault(area, []).append(
            _struct(name, (record.__doc__ or "").splitlines()[0], record.arrow_type())
        )
    return {
        PurePosixPath(f"{area}.yml"): _HEADER + "types:\n" + "".join(items) for area, items in areas.items()
    }


def _struct(name: str, description: str, struct: pa.StructType) -> str:
    lines = [f"  {name}:", "    arrow: Struct", f"    description: {_quoted(description)}", "    fields:"]
    for field in struct:
        lines += [f"      - name: {field.name}", f"        type: {_type_name(field.type)}"]
    return "\n".join(lines) + "\n"


def _type_name(arrow: pa.DataType) -> str:
    if pa.types.is_list(arrow):
        return f'"List<{_NAMES[arrow.value_type]}>"'
    return _NAMES[arrow]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
