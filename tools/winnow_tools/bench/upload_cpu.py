"""Uploads one clip and prints the CPU seconds that took: ``winnow`` with the uploader, ``boto3`` with its upload_file.

A program of the benchmark ``upload``, one process per measurement; imports and the connection are not counted
for either. Argument: JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from winnow_schemas.messages import Outgoing
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader import UploadWorker
from winnow_uploader.access import read_access

LIMIT_S = 300.0


def with_winnow(arguments: dict[str, Any]) -> float:
    """Through the worker: hash, parts, completion, verification, sidecar."""
    run = Path(arguments["run"])
    worker = UploadWorker(
        UploadSettings(**arguments["settings"]),
        VehicleSettings(id="v-1", airport="EGLL"),
        run,
        run / "state",
    )
    try:
        for step in _sent(worker, arguments["warm_up"]):
            assert step
        begun = time.process_time()
        done = [receipt for step in _sent(worker, arguments["outgoing"]) for receipt in step.receipts]
        spent = time.process_time() - begun
    finally:
        worker.close()
    if len(done) != 1:
        raise SystemExit("the clip did not arrive")
    return spent


def _sent(worker: UploadWorker, outgoing: dict[str, Any]) -> list[Any]:
    worker.add(Outgoing.from_builtins(outgoing))
    return list(worker.drain(LIMIT_S))


def with_boto3(arguments: dict[str, Any]) -> float:
    """One call of upload_file with parts of the same size, one at a time."""
    settings = UploadSettings(**arguments["settings"])
    access = read_access(settings)
    client = boto3.session.Session(
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        region_name=settings.region,
    ).client("s3", endpoint_url=access.endpoint_url, config=Config(s3={"addressing_style": "path"}))
    client.list_objects_v2(Bucket=settings.bucket, MaxKeys=1)
    size = settings.part_mib * 1024 * 1024
    transfer = TransferConfig(multipart_threshold=size, multipart_chunksize=size, max_concurrency=1)
    begun = time.process_time()
    path = Path(arguments["run"]) / arguments["outgoing"]["path"]
    client.upload_file(str(path), settings.bucket, "upload-file.mcap", Config=transfer)
    return time.process_time() - begun


if __name__ == "__main__":
    given = json.loads(sys.argv[2])
    print({"winnow": with_winnow, "boto3": with_boto3}[sys.argv[1]](given))
