"""Where the store is and with which keys, without ever telling a secret."""

import json

import pytest
from tests.fixtures.clips import make_clip

from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import Encryption, UploadSettings
from winnow_uploader import Happened, UploadWorker
from winnow_uploader.access import read_access

SECRET = "s3cr3t-s3cr3t"
KEYS = {
    "access_key": "a:b",
    "secret_key": SECRET,
    "endpoint_url": "http://127.0.0.1:9",
    "region": "us-east-1",
}


@pytest.fixture
def keys_file(tmp_path):
    def write(content):
        path = tmp_path / "keys.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return write


def test_what_the_store_writes_is_understood_and_settings_go_first(keys_file):
    file = keys_file(KEYS | {"ca_file": "/ca.pem"})
    found = read_access(UploadSettings(credentials_file=file))
    assert (found.endpoint_url, found.ca_file) == ("http://127.0.0.1:9", "/ca.pem")
    assert (found.access_key, found.secret_key) == ("a:b", SECRET)
    changed = read_access(
        UploadSettings(credentials_file=file, endpoint_url="https://s3.example:8443", ca_file="/o")
    )
    assert (changed.endpoint_url, changed.ca_file) == ("https://s3.example:8443", "/o")
    assert SECRET not in repr(found)


def test_without_a_file_the_standard_chain_is_left_to_find_keys():
    found = read_access(UploadSettings())
    assert (found.endpoint_url, found.access_key, found.secret_key) == ("", "", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be used"),
        (b"[" * 100_000, "limit"),
        (b"[" * 60_000, "cannot be used"),
        ({"secret_key": SECRET}, "access_key"),
        (KEYS | {"secret_key": ""}, "an empty key"),
        (KEYS | {"secret_key": [SECRET]}, "secret_key"),
        (KEYS | {"endpoint_url": f"http://user:{SECRET}@host"}, "is not http"),
        (KEYS | {"endpoint_url": "ftp://host"}, "is not http"),
        (KEYS | {"endpoint_url": "http://host:99999"}, "is not http"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(keys_file, content, words):
    with pytest.raises(BadInputError, match=words) as caught:
        read_access(UploadSettings(credentials_file=keys_file(content)))
    if "endpoint" not in words and "is not http" not in words:
        assert SECRET not in str(caught.value)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_access(UploadSettings(credentials_file="/no/such"))


@pytest.fixture
def worker_of(tmp_path):
    workers = []

    def make(**settings):
        settings = UploadSettings(**settings)
        worker = UploadWorker(settings, VehicleSettings(id="v", airport="A"), tmp_path, tmp_path / "state")
        workers.append(worker)
        worker.add(make_clip(tmp_path, "clip", 1000))
        return worker

    yield make
    for worker in workers:
        worker.close()


def details(worker, limit_s=30.0):
    """What is said of the first failure; the limit is for machines that do much else."""
    return next((step.detail for step in worker.drain(limit_s) if step.happened is Happened.FAILED), "")


def test_no_credentials_at_all(worker_of):
    told = details(worker_of(endpoint_url="http://127.0.0.1:9"))
    assert "Unable to locate credentials" in told
    assert "upload.credentials_file" in told


def test_nobody_listens(worker_of, keys_file):
    assert "got no answer" in details(worker_of(credentials_file=keys_file(KEYS)))


@pytest.mark.store
def test_keys_from_the_environment(worker_of, store_server, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store_server.secret_key)
    worker = worker_of(endpoint_url=store_server.endpoint_url, bucket=bucket)
    assert [one.bucket for step in worker.drain(10) for one in step.receipts] == [bucket]


@pytest.mark.store
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"storage_class": "INTELLIGENT_TIERING"}, "Set upload.storage_class to one that the store knows"),
        ({"tags": {"purpose": "training"}}, "Leave out what the store cannot do"),
        ({"encryption": Encryption.AES256}, "Leave out what the store cannot do"),
    ],
)
def test_what_the_store_does_not_know_is_asked_for_and_named(
    worker_of, store_server, bucket, settings, words
):
    """Swift has no tiers, tags or encryption: so it shows that we do ask for them."""
    file = str(store_server.credentials_file)
    worker = worker_of(credentials_file=file, bucket=bucket, **settings)
    assert words in details(worker)
    assert worker.status().queued_clips == 1


@pytest.mark.store
def test_a_wrong_region_is_corrected_by_the_stores_answer(worker_of, store_server, bucket):
    worker = worker_of(credentials_file=str(store_server.credentials_file), bucket=bucket, region="eu-west-1")
    assert [one.bucket for step in worker.drain(10) for one in step.receipts] == [bucket]
