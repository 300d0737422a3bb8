"""Which run's rings are meant."""

from pathlib import Path

import yaml

from winnow_runtime.ring.folder import RingFolder, all_runs
from winnow_runtime.ring.view import RingView
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_schemas.settings import load_settings

SHM_DIR = Path("/dev/shm")  # noqa: S108 - shared memory is what is meant
_RUNS_NAMED = 8
"""At most so many runs are listed in an error."""


def find_run(wanted: str, shm_dir: Path | None = None) -> RingView:
    """The rings of a run: by its folder, by its id or the beginning of it, or the only one that runs.

    ``shm_dir``: where shared memory lies, when it is not what the run's settings say.

    Raises:
        BadInputError: several runs fit.
        UnavailableError: none does.

    """
    place = shm_dir or (_shm_dir_of(Path(wanted)) if wanted else None) or SHM_DIR
    known = [folder for folder in all_runs(place) if (folder.path / "board").exists()]
    if wanted:
        found = [folder for folder in known if _is_meant(folder, wanted)]
    else:
        found = [folder for folder in known if not folder.abandoned]
    if not found:
        raise UnavailableError(_nothing(wanted, place, known))
    if len(found) > 1:
        raise BadInputError(
            f"{len(found)} runs fit ({_listed(found)}); nothing is shown. Name one by its folder or id."
        )
    return RingView(found[0])


def _is_meant(folder: RingFolder, wanted: str) -> bool:
    out = folder.owner()[1]
    same_folder = out != "" and Path(out) == Path(wanted).resolve()
    return same_folder or folder.run_id.startswith(wanted)


def _nothing(wanted: str, place: Path, known: list[RingFolder]) -> str:
    living = [folder for folder in known if not folder.abandoned]
    if not wanted:
        left = f" (of {len(known)} dead ones the rings are left: {_listed(known)})" if known else ""
        return (
            f"No graph with rings in {place} is running{left}; nothing is shown. "
            "Start one with `winnow run`, or name another place with --shm-dir."
        )
    others = f" Running: {_listed(living)}." if living else " None is running."
    return f"No run with the folder or id {wanted!r} has rings in {place}; nothing is shown.{others}"


def _listed(folders: list[RingFolder]) -> str:
    names = [f"{folder.run_id} in {folder.owner()[1] or '?'}" for folder in folders[:_RUNS_NAMED]]
    more = len(folders) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _shm_dir_of(out: Path) -> Path | None:
    """Where the settings of a run that `winnow run` started put its rings; None when nobody can tell."""
    try:
        graph = yaml.safe_load((out / "dora" / "graph.yml").read_text("utf-8"))
        settings = Path(graph["env"]["WINNOW_SETTINGS"])
        return Path(load_settings(settings)[0].ring.shm_dir)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, WinnowError):
        return None
