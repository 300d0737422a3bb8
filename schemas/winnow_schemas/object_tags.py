"""Tags by which the bucket's lifecycle knows how long an object stays (vehicle document 6.2, 6.4)."""

from enum import StrEnum

from winnow_schemas.priority import UploadClass

RETENTION_TAG = "retention"
TIER_TAG = "tier"
PERSONS_TAG = "persons"


class CloudRetention(StrEnum):
    """How long an object stays."""

    PERMANENT = "permanent"
    """Safety events: for good (6.3)."""
    PERSONS = "90-days"
    """It may show people: `retention.cloud.camera_days`, 90 by 6.4. The value is a name, the days are a setting."""
    STANDARD = "standard"
    """The others: three years by 6.2."""

    @classmethod
    def of(cls, upload_class: UploadClass, *, may_show_people: bool) -> "CloudRetention":
        """A safety event stays even if it shows people: it is needed for investigations (6.4)."""
        if upload_class is UploadClass.SAFETY:
            return cls.PERMANENT
        return cls.PERSONS if may_show_people else cls.STANDARD


def object_tags(upload_class: UploadClass, *, may_show_people: bool) -> dict[str, str]:
    """The three tags of an object; everything arrives in the hot tier, the lifecycle moves it on."""
    return {
        TIER_TAG: "hot",
        RETENTION_TAG: CloudRetention.of(upload_class, may_show_people=may_show_people).value,
        PERSONS_TAG: "yes" if may_show_people else "no",
    }
