"""One suite over the real store and the fake: what the fake allows, the real one allows, and so with refusals."""

import hashlib
import os

import pytest
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import FakeObjectStore

from winnow_operators.upload.failure import Cause
from winnow_operators.upload.parts import MIB, Part
from winnow_runtime.clock import SystemClock
from winnow_schemas.settings.upload import UploadSettings
from winnow_uploader.object_store import Body, StoreError
from winnow_uploader.pacer import Pacer
from winnow_uploader.s3_store import S3Store

META = {"sha256": "x", "vehicle_id": "v"}


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.store)])
def store(request):
    if request.param == "fake":
        yield FakeObjectStore(FakeClock()).connect(UploadSettings(), Pacer(FakeClock()))
        return
    server, bucket = request.getfixturevalue("store_server"), request.getfixturevalue("bucket")
    settings = UploadSettings(credentials_file=str(server.credentials_file), bucket=bucket)
    real = S3Store(settings, Pacer(SystemClock()))
    yield real
    real.close()


def body(data, sha256=None):
    return Body(len(data), sha256 or hashlib.sha256(data).hexdigest(), data)


def part(number, data, etag):
    return Part(number, 0, len(data), hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest(), etag)


def cause(call, *arguments, **options):
    with pytest.raises(StoreError) as caught:
        call(*arguments, **options)
    return caught.value.failure.cause


def test_put_head_and_never_overwrite(store):
    assert store.head("a/k.mcap") is None
    etag = store.put("a/k.mcap", body(b"data"), META, replace=False)
    found = store.head("a/k.mcap")
    assert (found.size_bytes, found.etag, found.metadata, found.etag_is_md5) == (4, etag, META, True)
    assert etag == hashlib.md5(b"data").hexdigest()
    assert cause(store.put, "a/k.mcap", body(b"other"), META, replace=False) is Cause.EXISTS
    store.put("a/k.mcap", body(b"other"), META, replace=True)
    assert store.download_sha256("a/k.mcap") == hashlib.sha256(b"other").hexdigest()


def test_wrong_bytes_are_refused(store):
    assert cause(store.put, "k", body(b"data", "0" * 64), META, replace=False) is Cause.BYTES
    assert store.head("k") is None
    upload = store.open_upload("k", META)
    assert cause(store.send_part, "k", upload, 1, body(b"data", "0" * 64)) is Cause.BYTES
    assert store.stored_parts("k", upload) == []


def test_a_multipart_upload(store):
    first, last = os.urandom(5 * MIB), b"last"
    upload = store.open_upload("a/m.mcap", META)
    assert [(one.key, one.upload_id) for one in store.open_uploads("a/")] == [("a/m.mcap", upload)]
    assert store.open_uploads("b/") == []
    etags = [
        store.send_part("a/m.mcap", upload, 2, body(last)),
        store.send_part("a/m.mcap", upload, 1, body(first)),
    ]
    assert [(p.number, p.size_bytes, p.etag) for p in store.stored_parts("a/m.mcap", upload)] == [
        (1, 5 * MIB, etags[1]),
        (2, 4, etags[0]),
    ]
    wrong = [part(1, first, "0" * 32), part(2, last, etags[0])]
    assert cause(store.complete, "a/m.mcap", upload, wrong) is Cause.UPLOAD_GONE
    parts = [part(1, first, etags[1]), part(2, last, etags[0])]
    etag = store.complete("a/m.mcap", upload, parts)
    found = store.head("a/m.mcap")
    assert (found.size_bytes, found.etag, found.metadata) == (5 * MIB + 4, etag, META)
    assert store.open_uploads("") == []
    assert store.download_sha256("a/m.mcap") == hashlib.sha256(first + last).hexdigest()


def test_an_upload_that_is_not_known(store):
    upload = store.open_upload("k", META)
    store.abort("k", upload)
    store.abort("k", upload)
    assert cause(store.stored_parts, "k", upload) is Cause.UPLOAD_GONE
    assert cause(store.send_part, "k", upload, 1, body(b"x")) is Cause.UPLOAD_GONE


def test_completing_does_not_overwrite(store):
    data = b"x" * 100
    upload = store.open_upload("k", META)
    etag = store.send_part("k", upload, 1, body(data))
    store.put("k", body(b"first"), META, replace=False)
    assert cause(store.complete, "k", upload, [part(1, data, etag)]) is Cause.EXISTS
    assert store.download_sha256("k") == hashlib.sha256(b"first").hexdigest()


def test_parts_that_are_too_small_are_refused_when_completing(store):
    upload = store.open_upload("k", META)
    small = [part(n, b"x", store.send_part("k", upload, n, body(b"x"))) for n in (1, 2)]
    assert cause(store.complete, "k", upload, small) is Cause.CONTENT
