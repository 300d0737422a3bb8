"""The bucket's rules: what S3 takes, and what 6.2 and 6.4 want."""

from itertools import product

import pytest
from pydantic import ValidationError

from winnow_operators.retention.lifecycle import lifecycle_configuration
from winnow_schemas.object_tags import CloudRetention, object_tags
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.stages import CloudSettings

RULES = {rule["ID"]: rule for rule in lifecycle_configuration(CloudSettings(), 7.0)["Rules"]}


def steps(rule: dict) -> list[tuple[int, str]]:
    return [(step["Days"], step["StorageClass"]) for step in rule["Transitions"]]


def test_the_documents_table() -> None:
    warm, cold = (90, "STANDARD_IA"), (365, "GLACIER_IR")
    safety = RULES["winnow-safety-kept-for-good"]
    assert steps(safety) == [warm, cold, (1095, "DEEP_ARCHIVE")]
    assert "Expiration" not in safety
    assert steps(RULES["winnow-clips"]) == [warm, cold]
    assert RULES["winnow-clips"]["Expiration"] == {"Days": 1095}
    assert RULES["winnow-people-limited"]["Expiration"] == {"Days": 90}
    assert RULES["winnow-unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_every_object_has_exactly_one_rule_and_safety_is_never_deleted() -> None:
    for upload_class, people in product(UploadClass, (False, True)):
        tags = object_tags(upload_class, may_show_people=people)
        mine = [
            rule
            for rule in RULES.values()
            if "Tag" in rule["Filter"]
            and tags[rule["Filter"]["Tag"]["Key"]] == rule["Filter"]["Tag"]["Value"]
        ]
        assert len(mine) == 1
        days = mine[0].get("Expiration", {}).get("Days")
        assert days == (None if upload_class is UploadClass.SAFETY else 90 if people else 1095)
        assert tags["persons"] == ("yes" if people else "no")


def test_kept_for_ever_when_the_settings_say_so() -> None:
    rules = lifecycle_configuration(CloudSettings(expire_after_days=0), 7.0)["Rules"]
    assert [rule["ID"] for rule in rules if "Expiration" in rule] == ["winnow-people-limited"]


def test_longer_than_the_archive_goes_through_it() -> None:
    rules = lifecycle_configuration(CloudSettings(expire_after_days=2190), 7.0)["Rules"]
    clips = next(rule for rule in rules if rule["ID"] == "winnow-clips")
    assert steps(clips)[-1] == (1095, "DEEP_ARCHIVE")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cold_after_days": 90}, "must grow"),
        ({"expire_after_days": 300}, "must come after cold_after_days"),
        ({"infrequent_after_days": 29}, "greater than or equal to 30"),
    ],
)
def test_what_s3_would_refuse(changes: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CloudSettings(**changes)


def test_what_the_names_say() -> None:
    assert CloudRetention.of(UploadClass.SAFETY, may_show_people=True) is CloudRetention.PERMANENT
