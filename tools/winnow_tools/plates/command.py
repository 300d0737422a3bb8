"""``winnow plates read``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.plates.reader import PlateReader
from winnow_runtime.inference.text import OnnxText
from winnow_runtime.photo import SUFFIXES, read_photo
from winnow_schemas.errors import BadInputError
from winnow_schemas.library.plate_formats import load_plate_formats, plate_formats
from winnow_tools.console import sentences

plates_app = typer.Typer(name="plates", help="Read registration plates.", no_args_is_help=True)


@plates_app.command("read")
def read_command(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Photos, or folders of them.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per photo and line.")
    ] = False,
    country: Annotated[
        list[str] | None,
        typer.Option(
            help="Expect plates of this country (ISO code, such as DE); may be repeated. Default: all."
        ),
    ] = None,
    formats: Annotated[
        Path | None, typer.Option(help="YAML file of plate formats, instead of the library's.")
    ] = None,
    least_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Print plates from this confidence on.")
    ] = 0.5,
) -> None:
    """Read the plates in photos, best first; a photo that cannot be read is named on stderr, the rest goes on.

    Exit code 0 when every photo could be read, whether or not it shows a plate; 2 otherwise.
    """
    with sentences():
        data = load_plate_formats(formats) if formats else plate_formats()
        known = {each.country for each in data.formats}
        if unknown := sorted(set(country or []) - known):
            raise BadInputError(
                f"There is no plate format of {unknown[0]!r}; nothing was read. Known: {', '.join(sorted(known))}."
            )
        photos = list(_photos(images))
        reader = PlateReader(OnnxText(), Formats(data, country or ()), least_confidence=least_confidence)
    bad = 0
    for path in photos:
        try:
            plates = [_plate(look) for look in reader.read(read_photo(path))]
        except BadInputError as error:
            bad += 1
            typer.echo(str(error), err=True)
            plates, problem = [], str(error)
            if as_json:
                print(
                    json.dumps({"file": str(path), "plates": [], "error": problem}, ensure_ascii=False),
                    flush=True,
                )
            continue
        if as_json:
            print(json.dumps({"file": str(path), "plates": plates}, ensure_ascii=False), flush=True)
        else:
            said = ", ".join(f"{each['text']} ({each['confidence']:.2f})" for each in plates)
            print(f"{path}: {said or 'no plate'}", flush=True)
    if bad:
        raise typer.Exit(2)


def _photos(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        if not inside:
            raise BadInputError(
                f"There is no photo in {path} ({', '.join(sorted(SUFFIXES))}); nothing was read."
            )
        yield from inside


def _plate(look: Any) -> dict[str, Any]:
    return {
        "text": look.text,
        "confidence": round(look.confidence, 4),
        "box_xyxy": [round(side, 1) for side in look.box_xyxy],
        "country": look.country,
    }
