"""Proves that what was uploaded is in the store: every object is fetched and hashed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow_runtime.journal import JournalReader
from winnow_schemas.messages import Receipt
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader.access import read_access

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """What was found in the store."""

    objects: int
    bytes: int
    problems: tuple[str, ...]


def check_store(out: Path, settings: UploadSettings) -> Stored:
    """Fetch every object that a receipt names, and its sidecar.

    Raises:
        UnavailableError: the store cannot be reached.

    """
    client = _client(settings)
    receipts = [
        Receipt.from_builtins(line.record)
        for folder in (out / "state").glob("*/receipts")
        for line in JournalReader(folder).read()
    ]
    problems: list[str] = []
    size = 0
    for receipt in receipts:
        body = client.get_object(Bucket=receipt.bucket, Key=receipt.key)["Body"]
        digest, length = hashlib.sha256(), 0
        while block := body.read(_BLOCK):
            digest.update(block)
            length += len(block)
        size += length
        if length != receipt.size_bytes or digest.hexdigest() != receipt.sha256:
            problems.append(f"{receipt.key} in the store is not the clip that was sent.")
        sidecar = client.get_object(Bucket=receipt.bucket, Key=receipt.key.removesuffix(".mcap") + ".json")[
            "Body"
        ].read()
        if sidecar != (out / receipt.path).with_suffix(".json").read_bytes():
            problems.append(f"The sidecar of {receipt.key} in the store differs from the one here.")
    return Stored(len(receipts), size, tuple(problems))


def _client(settings: UploadSettings) -> Any:
    """A plain S3 client: a witness that shares no code with the uploader's sending."""
    import boto3

    access = read_access(settings)
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint_url or None,
        aws_access_key_id=access.access_key or None,
        aws_secret_access_key=access.secret_key or None,
        region_name=settings.region,
        verify=access.ca_file or None,
    )
