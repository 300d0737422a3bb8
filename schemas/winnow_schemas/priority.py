"""Priorities P0-P5 and the upload classes that follow from them (vehicle document 3.1, 3.5; errata 3.2)."""

from enum import IntEnum


class Priority(IntEnum):
    """How urgent the cause of a clip is; lower is more urgent. Six distinct values."""

    P0 = 0
    """Safety-critical: always extracted, always uploaded, never capped, muted or weakened."""
    P1 = 1
    """Perception anomaly: extracted within the budget."""
    P2 = 2
    """Localization event: extracted within the budget."""
    P3 = 3
    """Planning event: extracted within the budget."""
    P4 = 4
    """Operator flag: always extracted, uploaded like P1."""
    P5 = 5
    """Diversity sample: extracted within the budget."""

    @property
    def upload_class(self) -> "UploadClass":
        """The class in which clips of this priority are uploaded: P4 counts as P1."""
        return UploadClass(1 if self is Priority.P4 else int(self))

    @property
    def always_extracted(self) -> bool:
        """Whether the extraction budget does not apply (3.5: P0 and P4)."""
        return self in (Priority.P0, Priority.P4)


class UploadClass(IntEnum):
    """The order in which clips leave; a property of the link side, separate from the priority."""

    SAFETY = 0
    PERCEPTION = 1
    LOCALIZATION = 2
    PLANNING = 3
    DIVERSITY = 5
