"""What an error of the store or the network means for the clip, and what a person can do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What kind of trouble it is, and with it what happens next."""

    LINK = "link"
    """Nothing answered: the whole queue waits a little and tries again."""
    STORE = "store"
    """The store failed on this request: this clip waits a little and tries again."""
    BYTES = "bytes"
    """The bytes that arrived do not fit their checksum: the local file is checked, then tried again."""
    CONTENT = "content"
    """The store will never take this: the clip is set aside."""
    EXPIRED = "expired"
    """Credentials ran out: fresh ones are fetched, the queue waits a little."""
    UPLOAD_GONE = "upload_gone"
    """The multipart upload is no longer known: finished already, or to be started again."""
    EXISTS = "exists"
    """Something lies under the key already: it is compared, never overwritten."""
    CONFIGURATION = "configuration"
    """Wrong key, no bucket, no right: the queue is kept and tried again now and then."""
    CLOCK = "clock"
    """Our clock differs too much from the store's: requests are signed with the store's time."""

    @property
    def concerns_all(self) -> bool:
        """Whether every other clip would fail the same way."""
        return self in (Cause.LINK, Cause.EXPIRED, Cause.CONFIGURATION, Cause.CLOCK)


_S3_CODES: dict[str, Cause] = {
    "AccessDenied": Cause.CONFIGURATION,
    "AccountProblem": Cause.CONFIGURATION,
    "AllAccessDisabled": Cause.CONFIGURATION,
    "AuthorizationHeaderMalformed": Cause.CONFIGURATION,
    "BadDigest": Cause.BYTES,
    "BucketAlreadyExists": Cause.CONFIGURATION,
    "EntityTooLarge": Cause.CONFIGURATION,
    "EntityTooSmall": Cause.CONTENT,
    "ExpiredToken": Cause.EXPIRED,
    "IllegalLocationConstraintException": Cause.CONFIGURATION,
    "IncompleteBody": Cause.STORE,
    "InternalError": Cause.STORE,
    "InvalidAccessKeyId": Cause.CONFIGURATION,
    "InvalidBucketName": Cause.CONFIGURATION,
    "InvalidDigest": Cause.BYTES,
    "InvalidPart": Cause.UPLOAD_GONE,
    "InvalidPartOrder": Cause.UPLOAD_GONE,
    "InvalidStorageClass": Cause.CONFIGURATION,
    "InvalidTag": Cause.CONFIGURATION,
    "InvalidToken": Cause.EXPIRED,
    "KeyTooLongError": Cause.CONTENT,
    "MetadataTooLarge": Cause.CONTENT,
    "MethodNotAllowed": Cause.CONFIGURATION,
    "NoSuchBucket": Cause.CONFIGURATION,
    "NoSuchUpload": Cause.UPLOAD_GONE,
    "NotImplemented": Cause.CONFIGURATION,
    "OperationAborted": Cause.STORE,
    "PermanentRedirect": Cause.CONFIGURATION,
    "PreconditionFailed": Cause.EXISTS,
    "ConditionalRequestConflict": Cause.STORE,
    "QuotaExceeded": Cause.CONFIGURATION,
    "RequestExpired": Cause.CLOCK,
    "RequestTimeTooSkewed": Cause.CLOCK,
    "RequestTimeout": Cause.STORE,
    "ServiceUnavailable": Cause.STORE,
    "SignatureDoesNotMatch": Cause.CONFIGURATION,
    "SlowDown": Cause.STORE,
    "TokenRefreshRequired": Cause.EXPIRED,
    "UnauthorizedAccess": Cause.CONFIGURATION,
    "XMinioStorageFull": Cause.CONFIGURATION,
    "XAmzContentChecksumMismatch": Cause.BYTES,
    "XAmzContentSHA256Mismatch": Cause.BYTES,
}
"""Error codes of the S3 API reference ("Error responses") and of Swift's s3api."""

_STATUSES: dict[int, Cause] = {
    301: Cause.CONFIGURATION,
    307: Cause.CONFIGURATION,
    400: Cause.CONFIGURATION,
    401: Cause.CONFIGURATION,
    403: Cause.CONFIGURATION,
    404: Cause.CONFIGURATION,
    405: Cause.CONFIGURATION,
    408: Cause.STORE,
    409: Cause.STORE,
    411: Cause.STORE,
    412: Cause.EXISTS,
    413: Cause.CONFIGURATION,
    429: Cause.STORE,
    501: Cause.CONFIGURATION,
    507: Cause.CONFIGURATION,
}
"""For answers without a code, as those to HEAD, and for codes that nobody has listed."""

_ADVICE: dict[str, str] = {
    "NoSuchBucket": "Create the bucket {bucket!r}, correct upload.bucket, or set upload.create_bucket.",
    "InvalidAccessKeyId": "Correct the access key in upload.credentials_file or in the environment.",
    "SignatureDoesNotMatch": "Correct the secret key in upload.credentials_file or in the environment.",
    "AccessDenied": "Give the key the right to put objects into the bucket {bucket!r}.",
    "InvalidStorageClass": "Set upload.storage_class to one that the store knows, or to nothing.",
    "AuthorizationHeaderMalformed": "Correct upload.region.",
    "PermanentRedirect": "Correct upload.region or upload.endpoint_url.",
    "EntityTooLarge": "Make room in the bucket {bucket!r} or raise its quota; if it has room, lower upload.part_mib.",
    "QuotaExceeded": "Make room in the bucket {bucket!r} or raise its quota.",
    "XMinioStorageFull": "Make room in the store.",
    "NotImplemented": "Leave out what the store cannot do: upload.tags, upload.encryption.",
}
_ADVICE_FOR_ALL = "Check upload.endpoint_url, upload.region, upload.bucket and the credentials."


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request, told without any secret."""

    cause: Cause
    sentence: str
    """What happened and what to do, for the ledger and for people."""
    code: str = ""
    """The store's own word for it; the same cause and code are the same trouble."""


def of_answer(operation: str, code: str, message: str, status: int, bucket: str) -> Failure:
    """Judge an error answer: its S3 code, and where that is unknown its HTTP status."""
    cause = _S3_CODES.get(code) or _STATUSES.get(status)
    if cause is None:
        cause = Cause.STORE if status >= 500 else Cause.CONFIGURATION
    said = f"{operation} was answered {status} {code}" + (f" ({message[:200]})" if message else "")
    if cause is Cause.CONFIGURATION:
        advice = _ADVICE.get(code, _ADVICE_FOR_ALL).format(bucket=bucket)
        return Failure(cause, f"{said}; nothing was lost, the queue waits. {advice}", code)
    return Failure(cause, f"{said}.", code)


def of_silence(operation: str, what: str) -> Failure:
    """Judge a request that got no answer: refused, cut off, timed out, or the wrong certificate."""
    return Failure(Cause.LINK, f"{operation} got no answer ({what[:200]}).")


def of_setup(operation: str, what: str, advice: str) -> Failure:
    """Judge a request that could not even be made: no credentials, a certificate that is not trusted."""
    return Failure(
        Cause.CONFIGURATION,
        f"{operation} could not be made ({what[:200]}); nothing was lost, the queue waits. {advice}",
    )
