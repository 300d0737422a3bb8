"""Where the real recordings are that tests may use: beside the repository, or where WINNOW_SHARED says."""

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("WINNOW_SHARED") or _REPOSITORY.parent / "shared")

LOGS = SHARED / "data" / "logs"


def shared_log(name: str) -> Path:
    """A recording by its path below ``logs/``; skips the test where it is absent."""
    path = LOGS / name
    if not path.exists():
        pytest.skip(f"{path} is not here (set WINNOW_SHARED)")
    return path
