"""What becomes of a clip as cut when a redacted copy of it exists: kept, locked, or replaced by the copy."""

import shutil
from pathlib import Path

from winnow_redactor.withhold import Made
from winnow_runtime import atomic
from winnow_schemas.settings.redaction import Originals, RedactorSettings

HOLD = ".hold"
"""A legal hold, as retention understands it."""
_REASON = "The original of a safety clip with pictures: kept for the investigation by redactor.originals.\n"
_OWNER_ONLY = 0o400


def settle_original(clip: Path, made: Made, settings: RedactorSettings) -> None:
    """Follow the policy; repeating it does no harm.

    Raises:
        OSError: the disk refuses.

    """
    redaction = made.sidecar.redaction
    if made.path == clip or redaction is None or not (redaction.topics or made.withheld):
        return
    if settings.originals is Originals.KEEP:
        return
    if made.sidecar.priority == 0:
        hold = clip.with_suffix(HOLD)
        if not hold.exists():
            atomic.write_bytes(hold, _REASON.encode())
        clip.chmod(_OWNER_ONLY)
    elif settings.originals is Originals.DESTROY:
        _replace(clip, made)


def _replace(clip: Path, made: Made) -> None:
    """Put the copy in the clip's place; a crash in between leaves a clip whose sidecar has another hash, and is mended next time."""
    temporary = clip.with_name(clip.name + atomic.TEMPORARY)
    shutil.copyfile(made.path, temporary)
    atomic.publish(temporary, clip)
    atomic.write_json(clip.with_suffix(".json"), made.sidecar.to_json())
