"""Applying lifecycle rules: every call is checked against S3's own service model by botocore's stubber."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from winnow_operators.retention.lifecycle import lifecycle_configuration
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.stages import CloudSettings
from winnow_schemas.settings.upload import UploadSettings
from winnow_tools.retention.bucket import apply_lifecycle

SETTINGS = UploadSettings(bucket="fleet", endpoint_url="http://127.0.0.1:1")
OURS = lifecycle_configuration(CloudSettings(), 7.0)
THEIRS = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
OLD = {"ID": "winnow-old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
AT = {"Bucket": "fleet"}


@pytest.fixture
def stub() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.session.Session("k", "s", region_name="us-east-1").client("s3")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_others_rules_stay_and_ours_are_replaced(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    rules = [THEIRS, *OURS["Rules"]]
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": [THEIRS, OLD]}, AT)
    stubber.add_response(
        "put_bucket_lifecycle_configuration", {}, {**AT, "LifecycleConfiguration": {"Rules": rules}}
    )
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": rules}, AT)
    assert apply_lifecycle(SETTINGS, OURS, client) == 1


def test_a_bucket_without_rules(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    stubber.add_client_error(
        "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", http_status_code=404
    )
    stubber.add_response("put_bucket_lifecycle_configuration", {}, {**AT, "LifecycleConfiguration": OURS})
    stubber.add_response("get_bucket_lifecycle_configuration", OURS, AT)
    assert apply_lifecycle(SETTINGS, OURS, client) == 0


def test_a_store_that_forgets_is_not_believed(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": []}, AT)
    stubber.add_response("put_bucket_lifecycle_configuration", {}, {**AT, "LifecycleConfiguration": OURS})
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": OURS["Rules"][1:]}, AT)
    with pytest.raises(UnavailableError, match="does not have winnow-safety-kept-for-good"):
        apply_lifecycle(SETTINGS, OURS, client)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("NotImplemented", 501, "501 NotImplemented"), ("NoSuchBucket", 404, "Create the bucket 'fleet'")],
)
def test_a_store_that_refuses(stub: tuple[Any, Stubber], code: str, status: int, words: str) -> None:
    client, stubber = stub
    stubber.add_client_error("get_bucket_lifecycle_configuration", code, http_status_code=status)
    with pytest.raises(UnavailableError, match=words):
        apply_lifecycle(SETTINGS, OURS, client)


def test_more_rules_than_s3_allows(stub: tuple[Any, Stubber]) -> None:
    client, stubber = stub
    many = [{**THEIRS, "ID": f"r{n}"} for n in range(997)]
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": many}, AT)
    with pytest.raises(BadInputError, match="would have 1001 lifecycle rules"):
        apply_lifecycle(SETTINGS, OURS, client)


def test_nobody_there(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(UnavailableError, match=r"not put in force .*check upload\.endpoint_url"):
        apply_lifecycle(SETTINGS, OURS)
