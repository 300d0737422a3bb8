"""Paths in settings: relative to the settings file, whoever reads them from wherever."""

from pathlib import Path

from winnow_schemas.settings.dashcam import DashcamSettings


def anchored(settings: DashcamSettings, folder: Path) -> DashcamSettings:
    """The same settings with every path absolute."""
    proposer = settings.proposer.model_copy(update={"model": _absolute(settings.proposer.model, folder)})
    plates = settings.plates.model_copy(
        update={
            "formats": _absolute(settings.plates.formats, folder),
            "detector": _absolute(settings.plates.detector, folder),
        }
    )
    videos = [_absolute(each, folder) for each in settings.videos]
    return settings.model_copy(
        update={
            "proposer": proposer,
            "plates": plates,
            "videos": videos,
            "gps": _absolute(settings.gps, folder),
            "archive_folder": _absolute(settings.archive_folder, folder),
        }
    )


def _absolute(name: str, folder: Path) -> str:
    return str((folder / name).absolute()) if name else ""
