"""The plate formats that ship with Winnow, and files of the same form from a user."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field

from winnow_schemas.validation import Strict, validate
from winnow_schemas.yaml_source import load_file, load_text

MOST_FORMATS = 1000
"""The library has some seventy; each is tried on each reading."""


class PlateFormat(Strict):
    """One series of plates."""

    country: str = Field(min_length=2, max_length=2, pattern="^[A-Z]{2}$")
    """ISO 3166 code."""
    name: str = Field(min_length=1, max_length=60)
    """Which series."""
    pattern: str = Field(min_length=1, max_length=400)
    """Characters, [classes], (one|another), {m}, {m,n} and ?; no separators."""
    band: str = Field(default="", max_length=3, pattern="^[A-Z]*$")
    """What stands in the band at the left."""
    weight: float = Field(default=1.0, gt=0, le=100)
    """How usual the series is, beside the others."""


class PlateFormats(Strict):
    """Formats, and the characters that look alike."""

    formats: list[PlateFormat] = Field(max_length=MOST_FORMATS)
    """In no particular order."""
    confusables: dict[
        Annotated[str, Field(min_length=2, max_length=2)], Annotated[float, Field(ge=0, le=0.5)]
    ] = Field(default_factory=dict, max_length=MOST_FORMATS)
    """Two characters -> how often one is read as the other."""


@cache
def plate_formats() -> PlateFormats:
    """The library's own."""
    text = resources.files(__package__).joinpath("plate_formats.yml").read_text("utf-8")
    return validate(PlateFormats, load_text(text, "the library's plate_formats.yml"))


def load_plate_formats(path: Path) -> PlateFormats:
    """Read a user's file.

    Raises:
        BadInputError: the file cannot be read.
        FileProblemsError: with all problems.

    """
    return validate(PlateFormats, load_file(path))
