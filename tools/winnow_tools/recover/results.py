"""Which file goes where, and what came of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow_runtime.salvage.report import Report
from winnow_schemas.errors import BadInputError

SUFFIX = ".recovered.mcap"
_SEVERITY = (0, 1, 3, 2, 4)
"""Exit codes, the harmless ones first: lost messages are less than no file, a full disk stops everything."""


@dataclass(frozen=True, slots=True)
class Result:
    """One file."""

    path: Path
    report: Report | None
    """None when nothing was written."""
    problem: str
    exit_code: int

    def to_json(self) -> dict[str, Any]:
        """The report, or why there is none."""
        if self.report is None:
            return {"input": str(self.path), "output": None, "outcome": "hopeless", "problem": self.problem}
        return self.report.to_json()


def outputs(files: Sequence[Path], output: Path | None) -> list[tuple[Path, Path]]:
    """The output of every input.

    Raises:
        BadInputError: two inputs would be written to the same file.

    """
    if output is not None and len(files) > 1 and not output.is_dir():
        raise BadInputError(
            f"{output} is not a folder and {len(files)} files were named; nothing was written; name a folder with -o."
        )
    pairs = [(path, _output(path, output)) for path in files]
    seen: dict[Path, Path] = {}
    for path, target in pairs:
        if target in seen:
            raise BadInputError(
                f"{seen[target]} and {path} would both become {target}; nothing was written; recover one after the "
                "other, with names of your choice."
            )
        seen[target] = path
    return pairs


def exit_code(results: Sequence[Result]) -> int:
    """The worst of all."""
    return max((result.exit_code for result in results), key=_SEVERITY.index, default=0)


def _output(path: Path, output: Path | None) -> Path:
    if output is not None and not output.is_dir():
        return output
    # `run.bag.active` and `run.mcap` become `run.recovered.mcap`.
    stem = path.name.removesuffix(".active")
    for suffix in (".mcap", ".bag"):
        stem = stem.removesuffix(suffix)
    return (output if output is not None else path.parent) / f"{stem}{SUFFIX}"
