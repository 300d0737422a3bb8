"""The bucket's own retention (vehicle document 6.2, 6.4) as S3 lifecycle rules: pure.

Rules go by one tag that the uploader puts on every object, because an S3 filter can only say what an object has,
never what it lacks: three values, three rules, and none of them overlap.
"""

from typing import Any

from winnow_schemas.object_tags import RETENTION_TAG, CloudRetention
from winnow_schemas.settings.stages import CloudSettings

OURS = "winnow-"
"""What the ids of our rules begin with; rules with others are somebody else's."""
MOST_RULES = 1000
"""S3's limit per bucket."""


def lifecycle_configuration(settings: CloudSettings, abort_parts_after_days: float) -> dict[str, Any]:
    """The body of ``PutBucketLifecycleConfiguration``.

    Permanent: hot, warm, cold, then Glacier Deep Archive, never deleted. Standard: the same, deleted instead of
    archived. Pictures that may show people: deleted, with old versions that a versioned bucket keeps.
    """
    warm: list[dict[str, Any]] = [
        {"Days": settings.infrequent_after_days, "StorageClass": "STANDARD_IA"},
        {"Days": settings.cold_after_days, "StorageClass": "GLACIER_IR"},
    ]
    archive: dict[str, Any] = {"Days": settings.archive_after_days, "StorageClass": "DEEP_ARCHIVE"}
    permanent = _rule("safety-kept-for-good", CloudRetention.PERMANENT, Transitions=[*warm, archive])
    if settings.expire_after_days:
        before = [step for step in [*warm, archive] if step["Days"] < settings.expire_after_days]
        ends: dict[str, Any] = {
            "Expiration": {"Days": settings.expire_after_days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        }
        standard = _rule("clips", CloudRetention.STANDARD, Transitions=before, **ends)
    else:
        standard = _rule("clips", CloudRetention.STANDARD, Transitions=[*warm, archive])
    persons = _rule(
        "people-limited",
        CloudRetention.PERSONS,
        Expiration={"Days": settings.camera_days},
        NoncurrentVersionExpiration={"NoncurrentDays": 1},
    )
    leftovers = {
        "ID": f"{OURS}unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": max(1, round(abort_parts_after_days))},
    }
    return {"Rules": [permanent, standard, persons, leftovers]}


def _rule(name: str, retention: CloudRetention, **actions: Any) -> dict[str, Any]:
    return {
        "ID": f"{OURS}{name}",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": RETENTION_TAG, "Value": retention.value}},
        **actions,
    }
