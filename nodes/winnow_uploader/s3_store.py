"""The object store over S3, with boto3's low-level client: one request per call, retries are the caller's."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import boto3
import botocore.exceptions as boto_errors
import botocore.session
from botocore.config import Config
from botocore.utils import get_environ_proxies

from winnow_operators.upload.failure import Cause, Failure, of_answer, of_setup, of_silence
from winnow_operators.upload.parts import Part, StoredPart
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.upload import Encryption, UploadSettings
from winnow_uploader.access import read_access
from winnow_uploader.object_store import Body, FileShrankError, OpenUpload, StoredObject, StoreError
from winnow_uploader.pacer import Pacer, SendingStoppedError
from winnow_uploader.signing import StoreTime
from winnow_uploader.wire import WireSession

MAX_OPEN_UPLOADS = 10_000
"""How many open uploads are looked at; a vehicle has a handful."""
DOWNLOAD_CHUNK_BYTES = 1024 * 1024


class S3Store:
    """The bucket that the settings name. Connects at the first request."""

    def __init__(self, settings: UploadSettings, pacer: Pacer) -> None:
        self._settings = settings
        self._pacer = pacer
        self._time = StoreTime()
        self._connected: tuple[Any, WireSession] | None = None

    def ensure_bucket(self) -> None:
        bucket = self._settings.bucket
        if self._has_bucket():
            return
        with self._asking("CreateBucket"):
            try:
                self._client().create_bucket(Bucket=bucket)
            except boto_errors.ClientError as error:
                if _code(error) != "BucketAlreadyOwnedByYou":
                    raise

    def _has_bucket(self) -> bool:
        with self._asking("HeadBucket"):
            try:
                self._client().head_bucket(Bucket=self._settings.bucket)
            except boto_errors.ClientError as error:
                if _status(error) != 404:
                    raise
                return False
        return True

    def put(self, key: str, body: Body, metadata: dict[str, str], *, replace: bool, tags: str = "") -> str:
        condition = {} if replace else {"IfNoneMatch": "*"}
        with self._asking("PutObject"), body.open() as stream:
            answer = self._client().put_object(
                **self._at(key),
                **self._options(tags),
                **condition,
                Body=stream,
                ContentLength=body.size_bytes,
                ContentType=_content_type(key),
                ChecksumSHA256=_base64(body.sha256),
                Metadata=metadata,
            )
        return _etag(answer)

    def open_upload(self, key: str, metadata: dict[str, str], tags: str = "") -> str:
        with self._asking("CreateMultipartUpload"):
            answer = self._client().create_multipart_upload(
                **self._at(key),
                **self._options(tags),
                ChecksumAlgorithm="SHA256",
                ContentType=_content_type(key),
                Metadata=metadata,
            )
        return str(answer["UploadId"])

    def send_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        with self._asking("UploadPart"), body.open() as stream:
            answer = self._client().upload_part(
                **self._at(key),
                UploadId=upload_id,
                PartNumber=number,
                Body=stream,
                ContentLength=body.size_bytes,
                ChecksumSHA256=_base64(body.sha256),
            )
        return _etag(answer)

    def checks_parts(self, key: str, upload_id: str, number: int) -> bool:
        wrong = Body(1, hashlib.sha256(b"+").hexdigest(), b"-")
        try:
            self.send_part(key, upload_id, number, wrong)
        except StoreError as error:
            if error.failure.cause is Cause.BYTES:
                return True
            raise
        return False

    def stored_parts(self, key: str, upload_id: str) -> list[StoredPart]:
        pages = self._pages("ListParts", "list_parts", **self._at(key), UploadId=upload_id)
        return [
            StoredPart(
                part["PartNumber"], part["Size"], _etag(part), _hexadecimal(part.get("ChecksumSHA256", ""))
            )
            for page in pages
            for part in page.get("Parts", [])
        ]

    def complete(self, key: str, upload_id: str, parts: list[Part]) -> str:
        listed = [
            {"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": _base64(part.sha256)}
            for part in parts
        ]
        with self._asking("CompleteMultipartUpload"):
            answer = self._client().complete_multipart_upload(
                **self._at(key), UploadId=upload_id, IfNoneMatch="*", MultipartUpload={"Parts": listed}
            )
        return _etag(answer)

    def abort(self, key: str, upload_id: str) -> None:
        with self._asking("AbortMultipartUpload"):
            try:
                self._client().abort_multipart_upload(**self._at(key), UploadId=upload_id)
            except boto_errors.ClientError as error:
                if _status(error) != 404:
                    raise

    def open_uploads(self, prefix: str) -> list[OpenUpload]:
        found: list[OpenUpload] = []
        bucket = self._settings.bucket
        for page in self._pages(
            "ListMultipartUploads", "list_multipart_uploads", Bucket=bucket, Prefix=prefix
        ):
            found += [
                OpenUpload(one["Key"], one["UploadId"], _wall_ns(one["Initiated"]))
                for one in page.get("Uploads", [])
            ]
            if len(found) >= MAX_OPEN_UPLOADS:
                break
        return found

    def head(self, key: str) -> StoredObject | None:
        with self._asking("HeadObject"):
            try:
                answer = self._client().head_object(**self._at(key))
            except boto_errors.ClientError as error:
                if _status(error) == 404:
                    return None
                if _status(error) < 500:  # an answer to HEAD cannot say why; one to GET does
                    self._client().get_object(**self._at(key), Range="bytes=0-0")["Body"].close()
                raise
        return StoredObject(
            answer["ContentLength"],
            _etag(answer),
            answer.get("Metadata", {}),
            _wall_ns(answer["LastModified"]),
            not answer.get("ServerSideEncryption", "").startswith("aws:kms")
            and "SSECustomerAlgorithm" not in answer,
        )

    def download_sha256(self, key: str) -> str:
        state = hashlib.sha256()
        with self._asking("GetObject"):
            stream = self._client().get_object(**self._at(key))["Body"]
            with stream:
                for chunk in stream.iter_chunks(DOWNLOAD_CHUNK_BYTES):
                    self._pacer.may_read()
                    state.update(chunk)
        return state.hexdigest()

    def refresh(self) -> None:
        self.close()

    def close(self) -> None:
        if self._connected is not None:
            client, session = self._connected
            self._connected = None
            session.close()
            client.close()

    def _client(self) -> Any:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected[0]

    def _connect(self) -> tuple[Any, WireSession]:
        settings = self._settings
        access = read_access(settings)
        core = botocore.session.Session()
        session = boto3.session.Session(
            botocore_session=core,
            aws_access_key_id=access.access_key or None,
            aws_secret_access_key=access.secret_key or None,
            aws_session_token=access.session_token or None,
            region_name=settings.region,
        )
        timeouts = (settings.connect_timeout_s, settings.read_timeout_s)
        config = Config(
            connect_timeout=timeouts[0],
            read_timeout=timeouts[1],
            # total_max_attempts, because max_attempts: 1 would still try twice.
            retries={"total_max_attempts": 1, "mode": "standard"},
            s3={"addressing_style": "path" if access.endpoint_url else "auto"},
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_extra="winnow-uploader",
        )
        client = session.client("s3", endpoint_url=access.endpoint_url or None, config=config)
        wire = WireSession(
            self._pacer,
            settings.link.dscp,
            verify=access.ca_file or core.get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(client.meta.endpoint_url),
            timeout=timeouts,
            max_pool_connections=1,
        )
        client.meta.events.register_last("before-send.s3", lambda request, **_: wire.send(request))
        self._time.attach(client)
        return client, wire

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._settings.bucket, "Key": key}

    def _options(self, tags: str) -> dict[str, str]:
        settings = self._settings
        options = {
            "StorageClass": settings.storage_class,
            "Tagging": "&".join(filter(None, (urlencode(sorted(settings.tags.items())), tags))),
            "ServerSideEncryption": settings.encryption.value,
            "SSEKMSKeyId": settings.kms_key_id if settings.encryption is Encryption.KMS else "",
        }
        return {name: value for name, value in options.items() if value}

    def _pages(self, operation: str, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        with self._asking(operation):
            yield from self._client().get_paginator(method).paginate(**arguments)

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        """Turn whatever goes wrong into a ``StoreError`` without secrets."""
        try:
            yield
        except boto_errors.ClientError as error:
            raise StoreError(self._judge_answer(operation, error)) from None
        except (boto_errors.HTTPClientError, boto_errors.ConnectionError) as error:
            inner = error.kwargs.get("error")
            if isinstance(inner, SendingStoppedError | FileShrankError):
                raise inner from None
            raise StoreError(_judge_silence(operation, error)) from None
        except (boto_errors.ResponseStreamingError, boto_errors.IncompleteReadError) as error:
            raise StoreError(of_silence(operation, str(error))) from None
        except BadInputError as error:
            raise StoreError(Failure(Cause.CONFIGURATION, str(error))) from None
        except (boto_errors.BotoCoreError, ValueError) as error:
            advice = "Check upload.endpoint_url, upload.region, upload.credentials_file and the environment."
            raise StoreError(of_setup(operation, str(error), advice)) from None

    def _judge_answer(self, operation: str, error: Any) -> Failure:
        date = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        failure = of_answer(
            operation,
            _code(error),
            error.response.get("Error", {}).get("Message", ""),
            _status(error),
            self._settings.bucket,
        )
        # HEAD answers 403 without saying that it is for the time.
        if _status(error) in (400, 403) and self._time.learn(date):
            return Failure(
                Cause.CLOCK,
                f"{operation} was refused, and the store's clock says {date}; requests are signed with that from "
                "now on. Set this device's clock.",
            )
        return failure


def _judge_silence(operation: str, error: Any) -> Failure:
    text = str(error)
    if isinstance(error, boto_errors.SSLError) and ("CERTIFICATE_VERIFY" in text or "WRONG_VERSION" in text):
        advice = (
            "Set upload.ca_file to the authority that signed the store's certificate, or correct the URL."
        )
        return of_setup(operation, text, advice)
    return of_silence(operation, text)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _etag(answer: dict[str, Any]) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def _hexadecimal(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        return ""


def _wall_ns(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1e9)


def _content_type(key: str) -> str:
    return "application/json" if key.endswith(".json") else "application/octet-stream"
