"""Puts lifecycle rules into a bucket, beside those that somebody else has put there."""

from typing import Any

import boto3
import botocore.exceptions as boto_errors
from botocore.config import Config

from winnow_operators.retention.lifecycle import MOST_RULES, OURS
from winnow_operators.upload.failure import of_answer
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader.access import read_access


def apply_lifecycle(settings: UploadSettings, configuration: dict[str, Any], client: Any = None) -> int:
    """Replace our rules in the bucket, and look whether they are there; returns how many others it has.

    Raises:
        BadInputError: the bucket would have more rules than S3 allows, or the credentials file cannot be used.
        UnavailableError: the store cannot be reached, refuses, has no lifecycle, or did not keep the rules.

    """
    client = client or _client(settings)
    try:
        others = [rule for rule in _rules(client, settings.bucket) if not _is_ours(rule)]
        rules = [*others, *configuration["Rules"]]
        if len(rules) > MOST_RULES:
            raise BadInputError(
                f"The bucket {settings.bucket} would have {len(rules)} lifecycle rules, S3 allows {MOST_RULES}; none "
                "was changed. Remove some of its own."
            )
        client.put_bucket_lifecycle_configuration(
            Bucket=settings.bucket, LifecycleConfiguration={"Rules": rules}
        )
        there = {rule.get("ID") for rule in _rules(client, settings.bucket)}
    except boto_errors.ClientError as error:
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        failure = of_answer(
            error.operation_name,
            code,
            str(answer.get("Error", {}).get("Message", "")),
            status,
            settings.bucket,
        )
        raise UnavailableError(f"The lifecycle rules were not put in force: {failure.sentence}") from None
    except boto_errors.BotoCoreError as error:
        raise UnavailableError(
            f"The lifecycle rules were not put in force ({error}); check upload.endpoint_url, upload.region, "
            "upload.credentials_file and the environment."
        ) from None
    if missing := sorted({rule["ID"] for rule in configuration["Rules"]} - there):
        raise UnavailableError(
            f"The bucket {settings.bucket} took the lifecycle rules and does not have {', '.join(missing)}; do not "
            "rely on it. Check with the store's operator."
        )
    return len(others)


def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        answer = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    except boto_errors.ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchLifecycleConfiguration":
            return []
        raise
    rules: list[dict[str, Any]] = answer.get("Rules", [])
    return rules


def _is_ours(rule: dict[str, Any]) -> bool:
    return str(rule.get("ID", "")).startswith(OURS)


def _client(settings: UploadSettings) -> Any:
    access = read_access(settings)
    session = boto3.session.Session(
        aws_access_key_id=access.access_key or None,
        aws_secret_access_key=access.secret_key or None,
        aws_session_token=access.session_token or None,
        region_name=settings.region,
    )
    config = Config(
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        retries={"total_max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path" if access.endpoint_url else "auto"},
        user_agent_extra="winnow-retention",
    )
    return session.client(
        "s3", endpoint_url=access.endpoint_url or None, verify=access.ca_file or None, config=config
    )
