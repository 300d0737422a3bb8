"""``winnow types``: renders the messages as dora type files, the sidecar's JSON Schema, and the derived graph."""

from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.dora_types import type_files
from winnow_schemas.sidecar import SCHEMA_FILE, sidecar_schema
from winnow_tools.scaffold.vehicle_ros2 import SOURCE, TARGET, vehicle_ros2


def types_command(
    folder: Annotated[Path, typer.Argument(help="The graphs' types/ folder.")] = Path("dataflows/types"),
    write: Annotated[bool, typer.Option("--write", help="Write them; without it, only compare.")] = False,
) -> None:
    """Compare or write the generated files beside the graphs and schemas; exit code 1 when they differ."""
    differ = []
    files = {folder / name: text for name, text in type_files().items()}
    vehicle = folder.parent / SOURCE
    if vehicle.exists():
        files[folder.parent / TARGET] = vehicle_ros2(vehicle.read_text("utf-8"))
    schemas = folder.parent.parent / "schemas" / "winnow_schemas"
    if schemas.is_dir():
        files[schemas / SCHEMA_FILE] = sidecar_schema()
    for path, text in files.items():
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            differ.append(path)
    for path in differ:
        print(f"{path} is not what it is made from; run `winnow types --write`.")
    if differ:
        raise typer.Exit(1)
