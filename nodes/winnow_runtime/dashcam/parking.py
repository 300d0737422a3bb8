"""Videos that cannot be gone through: set aside with the reason, so that the rest goes on."""

from typing import Any

from winnow_runtime import atomic
from winnow_runtime.dashcam.job import Job
from winnow_runtime.dashcam.lines import clear


def park(job: Job, reason: str) -> dict[str, Any]:
    """Write why; what was half done is removed."""
    value = {"video": str(job.video), "video_id": job.id, "reason": reason}
    job.parked.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_json(job.parked, value)
    clear(job.scratch)
    clear(job.thumbnails)
    return value
