"""Other thresholds for one task: what a person may try from the review pages without touching a device."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.dashcam import DashcamSettings, GateSettings
from winnow_schemas.tasks import Scalar

TUNABLE = (
    *(f"gate.{name}" for name in GateSettings.model_fields),
    *("plates.least_frames", "plates.least_record", "plates.most_gap_s"),
)
"""Thresholds, and nothing that names a file or a device."""


def tuned(settings: DashcamSettings, options: Iterable[tuple[str, Scalar]]) -> DashcamSettings:
    """The settings with a task's thresholds in them.

    Raises:
        BadInputError: an option is none of :data:`TUNABLE`, or its value is outside its limits.

    """
    options = list(options)
    if not options:
        return settings
    values: dict[str, Any] = settings.model_dump()
    for name, value in options:
        if name not in TUNABLE:
            raise BadInputError(
                f"The task sets {name[:64]!r}, which no task may set; nothing was done. Allowed: {', '.join(TUNABLE)}."
            )
        section, _, field = name.partition(".")
        values[section][field] = value
    try:
        return DashcamSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInputError(
            f"The task sets {where} to {str(first['input'])[:40]!r}: {first['msg']}; nothing was done."
        ) from None
