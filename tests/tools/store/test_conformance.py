"""What Winnow relies on in an S3 server, asked of the one that `winnow store` starts."""

import base64
import hashlib
import os
import random

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.store

MIB = 1024 * 1024


def b64(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_parts_in_any_order_one_replaced_give_the_object(store_server, bucket):
    client = store_server.client()
    where = {"Bucket": bucket, "Key": "a/b.mcap"}
    metadata = {"vehicle_id": "v-1", "trigger_type": "estop", "plain": "x"}
    upload = client.create_multipart_upload(**where, Metadata=metadata, ChecksumAlgorithm="SHA256")[
        "UploadId"
    ]
    parts = {n: random.Random(n).randbytes(5 * MIB if n < 3 else 1000) for n in (3, 1, 2)}
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=os.urandom(5 * MIB))
    etags = {
        n: client.upload_part(**where, UploadId=upload, PartNumber=n, Body=data, ChecksumSHA256=b64(data))[
            "ETag"
        ]
        for n, data in parts.items()
    }
    assert etags == {n: f'"{hashlib.md5(data).hexdigest()}"' for n, data in parts.items()}
    pages = [
        client.list_parts(**where, UploadId=upload, MaxParts=2),
        client.list_parts(**where, UploadId=upload, MaxParts=2, PartNumberMarker=2),
    ]
    listed = [(part["PartNumber"], part["Size"], part["ETag"]) for page in pages for part in page["Parts"]]
    assert listed == [(n, len(parts[n]), etags[n]) for n in (1, 2, 3)]
    assert [one["UploadId"] for one in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    done = client.complete_multipart_upload(
        **where,
        UploadId=upload,
        IfNoneMatch="*",
        MultipartUpload={
            "Parts": [{"PartNumber": n, "ETag": etags[n], "ChecksumSHA256": b64(parts[n])} for n in (1, 2, 3)]
        },
    )
    digests = b"".join(hashlib.md5(parts[n]).digest() for n in (1, 2, 3))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    head = client.head_object(**where)
    assert (head["ContentLength"], head["ETag"], head["Metadata"]) == (
        10 * MIB + 1000,
        done["ETag"],
        metadata,
    )
    assert client.get_object(**where)["Body"].read() == b"".join(parts[n] for n in (1, 2, 3))


def test_metadata_of_a_single_put_keeps_underscores(store_server, bucket):
    client = store_server.client()
    client.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"vehicle_id": "v"})
    assert client.head_object(Bucket=bucket, Key="k")["Metadata"] == {"vehicle_id": "v"}


def test_a_wrong_secret_and_a_wrong_key_are_refused(store_server, bucket):
    wrong = store_server.client(secret_key="wrong")
    assert code(wrong.put_object, Bucket=bucket, Key="k", Body=b"x") == "SignatureDoesNotMatch"
    unknown = store_server.client(access_key="winnow:nobody")
    assert code(unknown.list_buckets) in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied")
    assert "Contents" not in store_server.client().list_objects_v2(Bucket=bucket)


def test_bytes_that_do_not_fit_their_checksum_are_refused_and_not_kept(store_server, bucket):
    client = store_server.client()
    assert code(client.put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256=b64(b"y")) == "BadDigest"
    where = {"Bucket": bucket, "Key": "m"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    part = {"UploadId": upload, "PartNumber": 1, "Body": b"x" * 5 * MIB}
    assert code(client.upload_part, **where, **part, ChecksumSHA256=b64(b"y")) == "BadDigest"
    assert not client.list_parts(**where, UploadId=upload).get("Parts")
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_an_object_is_not_overwritten_under_if_none_match(store_server, bucket):
    client = store_server.client()
    client.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    assert code(client.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"


def test_unknown_and_aborted_uploads_are_named_as_such(store_server, bucket):
    client = store_server.client()
    where = {"Bucket": bucket, "Key": "m"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.abort_multipart_upload(**where, UploadId=upload)
    assert code(client.list_parts, **where, UploadId=upload) == "NoSuchUpload"
    assert code(client.upload_part, **where, UploadId=upload, PartNumber=1, Body=b"x") == "NoSuchUpload"


def test_a_missing_bucket_is_named_as_such(store_server):
    assert code(store_server.client().put_object, Bucket="nowhere-1", Key="k", Body=b"x") == "NoSuchBucket"


def test_deleting_a_multipart_object_frees_its_segments(store_server, bucket):
    client = store_server.client()
    where = {"Bucket": bucket, "Key": "m"}
    data = store_server.store.folder.node

    def stored_bytes():
        return sum(file.stat().st_size for file in data.rglob("*.data"))

    before = stored_bytes()
    upload = client.create_multipart_upload(**where)["UploadId"]
    etag = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"z" * 6 * MIB)["ETag"]
    client.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )
    assert stored_bytes() >= before + 6 * MIB
    client.delete_object(**where)
    assert stored_bytes() < before + MIB
