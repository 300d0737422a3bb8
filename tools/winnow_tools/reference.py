"""Tables of the documentation that are made from the code: written between marks, and checked by a test.

`<!-- table: functions -->` ... `<!-- end -->` in a Markdown file holds the table of that name.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from winnow_operators.condition.functions import MATHS, MEMORIES, PLACES, TEXTS, TIMES, WINDOWS, Function
from winnow_operators.condition.limits import DEFAULT_LIMITS
from winnow_operators.condition.units import ATOMS, Dimension
from winnow_operators.detectors import DETECTORS
from winnow_operators.detectors.zone_map import ZONE_FIELDS
from winnow_schemas.errors import BadInputError
from winnow_schemas.library import library_triggers, standard_suite
from winnow_schemas.simulation.cofiring import load_scenes
from winnow_tools.settings_reference import settings_table
from winnow_tools.sim.matrix import TYPES, grid

_BLOCK = re.compile(r"(<!-- table: ([a-z]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def functions_table() -> str:
    """The functions of the condition language."""
    groups: list[tuple[str, dict[str, Function]]] = [
        ("samples of a window", WINDOWS),
        ("memory", MEMORIES),
        ("time", TIMES),
        ("place", PLACES),
        ("text", TEXTS),
        ("numbers", MATHS),
    ]
    rows = [
        (f"`{function.signature}`", group, function.summary)
        for group, table in groups
        for function in table.values()
    ]
    return _table(("function", "looks at", "gives"), rows)


def units_table() -> str:
    """The units, by what they measure."""
    by_dimension: dict[Dimension, list[str]] = {}
    for name, unit in ATOMS.items():
        by_dimension.setdefault(unit.dimension, []).append(f"`{name}`")
    rows = [(f"`{dimension}`", " ".join(names)) for dimension, names in by_dimension.items()]
    return _table(("SI", "units"), rows)


def limits_table() -> str:
    """The limits of a condition."""
    limits = DEFAULT_LIMITS
    rows = [(f"`{name}`", f"{getattr(limits, name):,}") for name in limits.__slots__]
    return _table(("limit", "value"), rows)


def triggers_table() -> str:
    """The 28 trigger types."""
    rows = []
    for name, entry in library_triggers().items():
        params = ", ".join(f"{key} {_plain(value)}" for key, value in entry.params.items())
        rows.append(
            (
                f"`{name}`",
                entry.priority.name,
                f"`{entry.when}`",
                f"{entry.pre_roll_s:g} / {entry.post_roll_s:g}",
                f"{entry.cooldown_s:g}",
                params,
            )
        )
    return _table(("trigger", "priority", "condition", "before / after s", "cooldown s", "parameters"), rows)


def signals_table() -> str:
    """The signals of the standard suite."""
    rows = []
    for name, signal in standard_suite().signals.items():
        source = f"`{signal.field}` of `{signal.topic}`" if signal.topic else f"detector `{signal.detector}`"
        rows.append((f"`{name}`", signal.type.value, signal.unit, source))
    return _table(("signal", "type", "unit", "from"), rows)


def detectors_table() -> str:
    """The detectors with inputs, outputs and parameters."""
    rows = []
    for name, detector in DETECTORS.items():
        inputs = []
        for key, fields in detector.inputs.items():
            paths = ["`zones[]...`"] if fields is ZONE_FIELDS else [f"`{path}`" for path in fields.values()]
            inputs.append(f"{key}: {', '.join(paths)}")
        outputs = [f"`{key}` ({output.summary})" for key, output in detector.outputs.items()]
        params = [
            f"{key} {_plain(field.default)}" for key, field in detector.params_model.model_fields.items()
        ]
        rows.append((f"`{name}`", detector.summary, "; ".join(inputs), "; ".join(outputs), ", ".join(params)))
    return _table(("detector", "what it does", "inputs", "outputs", "parameters"), rows)


def cofirings_table() -> str:
    """The matrix of what fires in the scene of each trigger type, and why what else does."""
    scenes = load_scenes()
    drawn = grid((name, scenes.expected(name)) for name in TYPES)
    rows = [
        (f"`{name}`", f"`{other}`", reason)
        for name, scene in scenes.scenes.items()
        for other, reason in scene.also.items()
    ]
    return f"```text\n{drawn}\n```\n\n" + _table(("in the scene of", "fires too", "because"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "functions": functions_table,
    "units": units_table,
    "limits": limits_table,
    "triggers": triggers_table,
    "signals": signals_table,
    "detectors": detectors_table,
    "settings": settings_table,
    "cofirings": cofirings_table,
}


def refreshed(text: str) -> str:
    """The text with all its tables as they should be.

    Raises:
        BadInputError: it asks for a table that does not exist.

    """

    def fill(match: re.Match[str]) -> str:
        name = match.group(2)
        if name not in TABLES:
            raise BadInputError(
                f"There is no table {name!r}; known: {', '.join(TABLES)}. Nothing was written."
            )
        return f"{match.group(1)}{TABLES[name]()}{match.group(4)}"

    return _BLOCK.sub(fill, text)


def write(folder: Path) -> list[Path]:
    """Refresh all Markdown files of a folder; those that changed."""
    changed = []
    for path in sorted(folder.glob("*.md")):
        before = path.read_text("utf-8")
        after = refreshed(before)
        if after != before:
            path.write_text(after, "utf-8")
            changed.append(path)
    return changed


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
