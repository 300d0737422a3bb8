"""``winnow types``: renders the messages as dora type files."""

from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.dora_types import type_files


def types_command(
    folder: Annotated[Path, typer.Argument(help="The graphs' types/ folder.")] = Path("dataflows/types"),
    write: Annotated[bool, typer.Option("--write", help="Write them; without it, only compare.")] = False,
) -> None:
    """Compare or write the type files beside the graphs; exit code 1 when they differ."""
    differ = []
    for name, text in type_files().items():
        path = folder / name
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            differ.append(path)
    for path in differ:
        print(f"{path} is not what schemas/ says; run `winnow types --write`.")
    if differ:
        raise typer.Exit(1)
