"""The pages' own styles and scripts, read from the package."""

from functools import cache
from importlib.resources import files


@cache
def read_asset(name: str) -> str:
    """The text of a file in ``winnow_tools/pages/assets``."""
    return (files("winnow_tools.pages") / "assets" / name).read_text("utf-8")
