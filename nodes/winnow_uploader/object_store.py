"""What the uploader asks of an object store, and the values it gets back."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from winnow_operators.upload.failure import Failure
from winnow_operators.upload.parts import Part, StoredPart
from winnow_schemas.errors import UnavailableError, WinnowError


class StoreError(UnavailableError):
    """A request failed; ``failure`` says what that means."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A finished object as the store describes it."""

    size_bytes: int
    etag: str
    metadata: dict[str, str]
    modified_wall_ns: int
    etag_is_md5: bool
    """False under key-service encryption, where the ETag says nothing about the content."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that has not been completed."""

    key: str
    upload_id: str
    opened_wall_ns: int
    """By the store's clock."""


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to send: the whole of ``data``, or a stretch of a file."""

    size_bytes: int
    sha256: str
    data: bytes = b""
    path: Path | None = None
    offset_bytes: int = 0

    def open(self) -> BinaryIO:
        """A stream of exactly these bytes.

        Raises:
            OSError: the file is gone or cannot be read.

        """
        if self.path is None:
            return io.BytesIO(self.data)
        return io.BufferedReader(_Stretch(self.path, self.offset_bytes, self.size_bytes), 256 * 1024)


class FileShrankError(WinnowError):
    """A file ended before the bytes that were promised."""


class _Stretch(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, path: Path, offset_bytes: int, size_bytes: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._offset_bytes, self._size_bytes, self._at = offset_bytes, size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)[: max(self._size_bytes - self._at, 0)]
        self._file.seek(self._offset_bytes + self._at)
        count = self._file.readinto(view)
        if len(view) and not count:
            raise FileShrankError(f"{self._file.name} became shorter while it was being sent.")
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class ObjectStore(Protocol):
    """One bucket. Every method may raise ``StoreError`` or ``SendingStoppedError``."""

    def ensure_bucket(self) -> None:
        """Make the bucket if it is missing."""
        ...

    def put(self, key: str, body: Body, metadata: dict[str, str], *, replace: bool, tags: str = "") -> str:
        """Store an object whole and return its ETag; without ``replace`` only where nothing lies yet.

        ``tags`` are a query string, and join those of the settings.
        """
        ...

    def open_upload(self, key: str, metadata: dict[str, str], tags: str = "") -> str:
        """Begin a multipart upload and return its id."""
        ...

    def send_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        """Store one part and return its ETag."""
        ...

    def checks_parts(self, key: str, upload_id: str, number: int) -> bool:
        """Whether a part with a wrong SHA-256 is refused; tried with one byte, which may take this part's place."""
        ...

    def stored_parts(self, key: str, upload_id: str) -> list[StoredPart]:
        """Every part that the store has."""
        ...

    def complete(self, key: str, upload_id: str, parts: list[Part]) -> str:
        """Make the object of its parts, only where nothing lies yet; returns its ETag."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Forget an upload and free its parts; one that is not known is fine."""
        ...

    def open_uploads(self, prefix: str) -> list[OpenUpload]:
        """Uploads whose key begins with ``prefix``."""
        ...

    def head(self, key: str) -> StoredObject | None:
        """Describe an object; None when there is none."""
        ...

    def download_sha256(self, key: str) -> str:
        """Read an object back and hash it."""
        ...

    def refresh(self) -> None:
        """Read the credentials again and connect anew, before the next request."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
