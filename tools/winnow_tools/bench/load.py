"""What a benchmark is given to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """A place to work, and what the user named."""

    scratch: Path
    """An empty folder for files."""
    recordings: Path | None
    """A folder of real recordings; without it the benchmarks that want one generate theirs, and say so."""
    say: Say
    """Takes a line about what is going on."""
