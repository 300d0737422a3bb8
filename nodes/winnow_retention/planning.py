"""The plan for a run's folder, the same for the node that carries it out and for the command that prints it."""

import shutil
from pathlib import Path

from winnow_operators.retention.clips import RetentionPlan, RetentionRules, plan_retention
from winnow_retention.survey import Survey
from winnow_schemas.settings.stages import RetentionSettings, Unverified


def rules_of(settings: RetentionSettings, room_bytes: int) -> RetentionRules:
    """The settings as the operator takes them."""
    return RetentionRules(
        p0_days=settings.p0_days,
        p1_p4_days=settings.p1_p4_days,
        p5_days=settings.p5_days,
        room_bytes=room_bytes,
        high_fraction=settings.high_fraction,
        low_fraction=settings.low_fraction,
        sidecar_days=settings.sidecar_days,
        camera_days=settings.camera_days,
        camera_needs_proof=settings.camera_needs_proof,
        gives_up_unverified=settings.unverified is Unverified.LAST_RESORT,
    )


def room_bytes(settings: RetentionSettings, used_bytes: int, free_bytes: int) -> int:
    """What clips may take: the limit, and never more than the file system has above its floor."""
    beside = max(free_bytes - int(settings.free_floor_gb * 1e9), 0)
    return min(int(settings.clips_gb * 1e9), used_bytes + beside)


def free_bytes(out: Path) -> int:
    """What the file system of the run's folder has left; everything when it cannot be asked."""
    try:
        return shutil.disk_usage(out).free
    except OSError:
        return 2**62


def plan_of(survey: Survey, settings: RetentionSettings, now_wall_ns: int, free: int) -> RetentionPlan:
    """What is to be done with what was found."""
    rules = rules_of(settings, room_bytes(settings, survey.bytes, free))
    return plan_retention(survey.files, now_wall_ns, rules)
