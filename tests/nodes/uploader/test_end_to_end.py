"""The uploader against the real store: what arrives, and what happens when things go wrong."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import takewhile
from pathlib import Path

import pytest
from tests.fixtures.clips import make_clip
from tests.fixtures.store import s3_client

from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkMode, LinkSettings, UploadSettings
from winnow_tools.faultproxy import FaultProxy, Faults
from winnow_uploader import Happened, UploadWorker

pytestmark = pytest.mark.store

MIB = 1024 * 1024
VEHICLE = VehicleSettings(id="v-1", airport="EGLL")
FAST = LinkSettings(ethernet_max_mbps=50_000)


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def worker_of(store_server, bucket, run, tmp_path):
    """Make workers on the same folder, one after the other."""
    workers = []

    def make(**changes):
        values = {
            "endpoint_url": store_server.endpoint_url,
            "credentials_file": str(store_server.credentials_file),
            "bucket": bucket,
            "link": FAST,
            "first_backoff_s": 0.05,
            "max_backoff_s": 0.2,
            "part_mib": 5,
        } | changes
        for worker in workers:
            worker.close()
        workers[:] = [UploadWorker(UploadSettings(**values), VEHICLE, run, tmp_path / "state")]
        return workers[0]

    yield make
    for worker in workers:
        worker.close()


def drained(worker, limit_s=20.0):
    return list(worker.drain(limit_s))


def assert_arrived(client, bucket, run, outgoing):
    path = run / outgoing.path
    key = f"EGLL/v-1/2026/04/11/{outgoing.name}.mcap"
    found = client.get_object(Bucket=bucket, Key=key)
    data = found["Body"].read()
    assert hashlib.sha256(data).hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["Metadata"] == {
        "vehicle_id": "v-1",
        "airport": "EGLL",
        "trigger_type": "ood_spike",
        "priority": str(outgoing.priority),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    sidecar = client.get_object(Bucket=bucket, Key=key.removesuffix(".mcap") + ".json")
    assert sidecar["ContentType"] == "application/json"
    assert sidecar["Body"].read() == path.with_suffix(".json").read_bytes()


@pytest.mark.parametrize("size", [1, 100_000, 20 * MIB - 1, 20 * MIB, 23 * MIB + 7])
def test_arrives_whole_verified_with_its_sidecar_last(store_server, bucket, run, worker_of, size):
    outgoing = make_clip(run, "clip", size)
    worker = worker_of(verify_download=True)
    assert worker.add(outgoing).outcome == "queued"
    steps = drained(worker)
    assert_arrived(store_server.client(), bucket, run, outgoing)
    happened = [step.happened for step in steps]
    assert happened[-4:] == [Happened.PART_SENT, Happened.VERIFIED, Happened.DONE, Happened.IDLE]
    assert happened.count(Happened.PART_SENT) == (1 if size < 20 * MIB else -(-size // (5 * MIB)))
    assert sum(step.body_bytes for step in steps) == size
    receipts = [one for step in steps for one in step.receipts]
    assert [(one.clip_id, one.bucket, one.size_bytes, one.verified) for one in receipts] == [
        ("id-clip", bucket, size, True)
    ]
    assert receipts[0].key == "EGLL/v-1/2026/04/11/clip.mcap"
    assert worker.add(outgoing).outcome == "known"
    assert [step.happened for step in drained(worker)] == [Happened.IDLE]


def test_kill_9_in_mid_upload_sends_no_finished_part_again(store_server, bucket, run, tmp_path):
    size, part = 32 * MIB + 5, 5 * MIB
    outgoing = make_clip(run, "clip", size)
    program = Path(__file__).with_name("uploading_program.py")
    with FaultProxy("127.0.0.1", store_server.port, faults=Faults(up_mbps=160)) as proxy:
        arguments = {
            "run": str(run),
            "state": str(tmp_path / "state"),
            "settings": {
                "endpoint_url": f"http://127.0.0.1:{proxy.port}",
                "credentials_file": str(store_server.credentials_file),
                "bucket": bucket,
                "part_mib": 5,
                "link": {"ethernet_max_mbps": 50_000},
            },
            "outgoing": json.loads(outgoing.to_json()),
        }
        command = [sys.executable, str(program), json.dumps(arguments)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

        def child():
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

        seen = []
        with child() as first:
            while sum(line.startswith("part_sent") for line in seen) < 3:
                seen.append(first.stdout.readline())
            time.sleep(0.1)  # into the next part
            first.send_signal(signal.SIGKILL)
        assert first.returncode == -signal.SIGKILL
        with child() as second:
            output = second.stdout.read()
        assert second.returncode == 0, output
        wire = proxy.up_bytes
    assert "3 of 7 parts" in output or "4 of 7 parts" in output
    assert output.count("part_sent") in (3, 4)
    assert output.count("receipt id-clip") == 1
    assert_arrived(store_server.client(), bucket, run, outgoing)
    assert wire <= size * (1 + part / size + 0.02)


def test_a_wrong_key_keeps_the_queue_says_what_to_do_and_heals(
    store_server, bucket, run, worker_of, tmp_path
):
    keys = json.loads(store_server.credentials_file.read_bytes())
    credentials = tmp_path / "keys.json"
    credentials.write_text(json.dumps(keys | {"secret_key": "wrong"}))
    worker = worker_of(credentials_file=str(credentials))
    outgoing = make_clip(run, "clip", 21 * MIB)
    worker.add(outgoing)
    steps = drained(worker, 1.0)
    assert not [one for step in steps for one in step.receipts]
    failures = [step for step in steps if step.happened is Happened.FAILED]
    assert len(failures) >= 2
    assert "SignatureDoesNotMatch" in failures[0].detail
    assert "Correct the secret key in upload.credentials_file" in failures[0].detail
    told = [one for step in steps for one in step.decisions if one.outcome == "waits"]
    assert len(told) == 1
    assert keys["secret_key"] not in "".join(map(repr, steps))
    assert worker.status().queued_clips == 1
    credentials.write_text(json.dumps(keys))
    assert [one.clip_id for step in drained(worker) for one in step.receipts] == ["id-clip"]
    assert_arrived(store_server.client(), bucket, run, outgoing)


def test_a_missing_bucket_is_named_and_may_be_made(store_server, run, worker_of, bucket):
    missing = bucket + "-later"
    worker = worker_of(bucket=missing)
    worker.add(make_clip(run, "clip", 1000))
    steps = drained(worker, 0.5)
    assert any(f"Create the bucket '{missing}'" in step.detail for step in steps)
    assert worker.status().queued_clips == 1
    assert worker.status().trouble
    worker = worker_of(bucket=missing, create_bucket=True)
    assert [one.bucket for step in drained(worker) for one in step.receipts] == [missing]
    assert not worker.status().trouble


def test_a_store_that_is_down_and_comes_back(store_server, bucket, run, worker_of):
    with FaultProxy("127.0.0.1", store_server.port, faults=Faults(refuse=True)) as proxy:
        worker = worker_of(endpoint_url=f"http://127.0.0.1:{proxy.port}")
        outgoing = make_clip(run, "clip", 21 * MIB)
        worker.add(outgoing)
        seen = set()
        for step in worker.drain(60):
            seen.add(step.happened)
            if {Happened.FAILED, Happened.WAITING} <= seen:
                break
        assert seen == {Happened.HASHED, Happened.FAILED, Happened.WAITING}
        assert "no answer" in worker.status().trouble
        proxy.set_faults(Faults())
        drained(worker)
    assert_arrived(store_server.client(), bucket, run, outgoing)


def test_cut_off_deaf_and_wrong_bytes_on_the_way(store_server, bucket, run, worker_of):
    """A reset in the second part, one flipped byte, and a black hole that ends."""
    with FaultProxy("127.0.0.1", store_server.port) as proxy:
        worker = worker_of(endpoint_url=f"http://127.0.0.1:{proxy.port}", connect_timeout_s=0.5)
        outgoing = make_clip(run, "clip", 25 * MIB)
        worker.add(outgoing)
        faults = [
            Faults(reset_after_bytes=2 * MIB),
            Faults(flip_up_byte=2 * MIB),
            Faults(black_hole=True),
        ]
        failures = []
        for step in worker.drain(30):
            if step.happened is Happened.PART_SENT and faults:
                proxy.set_faults(faults.pop(0))
            if step.happened is Happened.FAILED:
                failures.append(step.detail)
                proxy.set_faults(Faults())
        wire = proxy.up_bytes
    assert len(failures) == 3, failures
    assert "XAmzContentSHA256Mismatch" in failures[1] or "BadDigest" in failures[1]
    assert_arrived(store_server.client(), bucket, run, outgoing)
    assert wire <= (25 + 2 * 5 + 3) * MIB


def test_a_clip_that_changed_or_vanished_is_set_aside(store_server, bucket, run, worker_of):
    worker = worker_of()
    changed, gone, fine = (make_clip(run, name, 21 * MIB) for name in ("changed", "gone", "fine"))
    for one in (changed, gone, fine):
        worker.add(one)
    (run / gone.path).unlink()
    with (run / changed.path).open("r+b") as file:
        file.seek(20 * MIB)
        file.write(b"changed")
    steps = drained(worker)
    parked = {step.clip_id: step.detail for step in steps if step.happened is Happened.PARKED}
    assert "its sidecar says" in parked["id-changed"]
    assert "is gone" in parked["id-gone"]
    assert [one.clip_id for step in steps for one in step.receipts] == ["id-fine"]
    outcomes = {one.subject: one.outcome for step in steps for one in step.decisions}
    assert outcomes == {"id-changed": "parked", "id-gone": "parked", "id-fine": "sent"}
    keys = [one["Key"] for one in store_server.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(key.rpartition("/")[2] for key in keys) == ["fine.json", "fine.mcap"]


def test_a_clip_that_changes_while_it_is_sent_is_set_aside_and_its_upload_aborted(
    store_server, bucket, run, worker_of
):
    worker = worker_of()
    outgoing = make_clip(run, "clip", 21 * MIB)
    worker.add(outgoing)
    for step in worker.drain(20):
        if step.happened is Happened.PART_SENT:
            with (run / outgoing.path).open("r+b") as file:
                file.truncate(7 * MIB)
    assert worker.status().queued_clips == 0
    client = store_server.client()
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_another_object_under_the_key_is_not_overwritten(store_server, bucket, run, worker_of):
    client = store_server.client()
    for name in ("small", "large"):
        client.put_object(Bucket=bucket, Key=f"EGLL/v-1/2026/04/11/{name}.mcap", Body=b"somebody else's")
    worker = worker_of()
    worker.add(make_clip(run, "small", 1000))
    worker.add(make_clip(run, "large", 21 * MIB))
    steps = drained(worker)
    assert sum(step.happened is Happened.PARKED for step in steps) == 2
    assert not [one for step in steps for one in step.receipts]
    for name in ("small", "large"):
        body = client.get_object(Bucket=bucket, Key=f"EGLL/v-1/2026/04/11/{name}.mcap")["Body"].read()
        assert body == b"somebody else's"


def test_a_damaged_database_is_kept_aside_and_the_queue_found_again(
    store_server, bucket, run, worker_of, tmp_path
):
    """One clip done, one with parts in the store, one not begun; then the database is overwritten."""
    clips = [make_clip(run, name, 26 * MIB) for name in ("done", "half", "new")]
    worker = worker_of()
    worker.add(clips[0])
    drained(worker)
    worker.add(clips[1])
    parts = (step for step in worker.drain(20) if step.happened is Happened.PART_SENT)
    next(parts), next(parts)
    worker.close()
    with (tmp_path / "state" / "uploads.db").open("r+b") as file:
        file.write(b"\xff" * 4096)
    with FaultProxy("127.0.0.1", store_server.port) as proxy:
        worker = worker_of(endpoint_url=f"http://127.0.0.1:{proxy.port}")
        assert worker.rebuilt
        assert (tmp_path / "state" / "uploads.db.damaged-1").is_file()
        steps = drained(worker)
        wire = proxy.up_bytes
    assert {one.clip_id for step in steps for one in step.receipts} == {"id-done", "id-half", "id-new"}
    assert any(one.outcome == "rebuilt" for step in steps for one in step.decisions)
    assert sum(step.happened is Happened.PART_SENT for step in steps) == 6 + 4
    for outgoing in clips:
        assert_arrived(store_server.client(), bucket, run, outgoing)
    assert wire <= (26 + 16) * MIB * 1.02
    assert worker.status().spent_today_bytes >= 3 * 26 * MIB, "what the store got today was paid today"


def test_the_rate_holds_in_every_second_and_may_change(store_server, bucket, run, worker_of):
    """4 MB/s, then 6 MB/s in the middle of a part."""
    with FaultProxy("127.0.0.1", store_server.port) as proxy:
        link = LinkSettings(ethernet_max_mbps=32, wifi_max_mbps=48)
        worker = worker_of(endpoint_url=f"http://127.0.0.1:{proxy.port}", link=link, part_mib=16)
        worker.add(make_clip(run, "clip", 20 * MIB))
        most = []

        def faster():
            most.append(proxy.most_up_bytes_in(1.0))
            worker.set_link(LinkMode.WIFI_DEPOT)

        timer = threading.Timer(2.5, faster)
        timer.start()
        drained(worker)
        timer.join()
        # How much of the rate is used depends on the machine (`winnow bench` measures it); too much is never used.
        assert most[0] <= 4e6 * 1.05
        assert proxy.most_up_bytes_in(1.0) <= 6e6 * 1.05


def test_a_link_that_goes_cuts_the_part_off_and_it_is_sent_again(store_server, bucket, run, worker_of):
    link = LinkSettings(ethernet_max_mbps=40)
    worker = worker_of(link=link)
    outgoing = make_clip(run, "clip", 20 * MIB)
    worker.add(outgoing)
    steps = worker.drain(20)
    next(step for step in steps if step.happened is Happened.OPENED)
    timer = threading.Timer(0.3, worker.set_link, [LinkMode.DISCONNECTED])
    timer.start()
    begin = time.monotonic()
    failed = next(steps)
    timer.join()
    assert failed.happened is Happened.FAILED
    assert time.monotonic() - begin < 0.8
    assert 0 < failed.wire_bytes < 5 * MIB
    assert next(steps).happened is Happened.WAITING
    worker.set_link(LinkMode.WIFI_DEPOT)
    list(steps)
    assert_arrived(store_server.client(), bucket, run, outgoing)


def first_failure(worker):
    return next((step.detail for step in worker.drain(30) if step.happened is Happened.FAILED), "")


def test_tls_with_the_stores_own_authority(tls_store, worker_of, run, bucket):
    outgoing = make_clip(run, "clip", 21 * MIB)
    own = {"credentials_file": str(tls_store.credentials_file), "endpoint_url": "", "create_bucket": True}
    worker = worker_of(**own)
    worker.add(outgoing)
    assert [one.clip_id for step in drained(worker) for one in step.receipts] == ["id-clip"]
    ca_file = json.loads(tls_store.credentials_file.read_bytes())["ca_file"]
    client = s3_client(tls_store.endpoint_url, tls_store.access_key, tls_store.secret_key, ca_file)
    assert_arrived(client, bucket, run, outgoing)
    worker = worker_of(**own, ca_file="/etc/ssl/certs/ca-certificates.crt")
    worker.add(make_clip(run, "other", 1000))
    assert "Set upload.ca_file" in first_failure(worker)
    worker = worker_of(**own | {"endpoint_url": tls_store.endpoint_url.replace("https", "http")})
    assert "no answer" in first_failure(worker)


def test_early_sidecars_on_cellular_and_data_at_the_depot(store_server, bucket, run, worker_of):
    worker = worker_of(link=replace_mode(LinkMode.CELLULAR_5G))
    clips = [make_clip(run, f"p{n}", 10_000, priority=n) for n in (5, 2, 1, 0)]
    for one in clips:
        worker.add(one)
    sent = [
        (step.clip_id, step.happened.value)
        for step in takewhile(lambda one: one.happened is not Happened.WAITING, worker.drain(20.0))
        if step.happened in (Happened.EARLY_SENT, Happened.PART_SENT, Happened.DONE)
    ]
    early = [(f"id-p{n}", "early_sent") for n in (0, 1, 2, 5)]
    rest = [(f"id-p{n}", what) for n in (0, 1) for what in ("part_sent", "done")]
    assert sent == early + rest
    client = store_server.client()
    names = sorted(one["Key"].rpartition("/")[2] for one in client.list_objects_v2(Bucket=bucket)["Contents"])
    assert names == [
        *("p0.json", "p0.mcap", "p0.meta.json", "p1.json", "p1.mcap", "p1.meta.json"),
        *("p2.meta.json", "p5.meta.json"),
    ]
    worker.set_link(LinkMode.ETHERNET_DEPOT)
    drained(worker)
    for one in clips:
        assert_arrived(client, bucket, run, one)


def replace_mode(mode):
    return FAST.model_copy(update={"mode": mode})


def test_a_clock_that_is_hours_off_does_not_matter(store_server, bucket, run, worker_of, monkeypatch):
    import datetime as dt

    import botocore.auth
    from botocore.compat import get_current_datetime

    from winnow_uploader import signing

    def wrong(remove_tzinfo=True):
        return get_current_datetime(remove_tzinfo) - dt.timedelta(hours=7)

    worker = worker_of()
    outgoing = make_clip(run, "clip", 21 * MIB)
    worker.add(outgoing)
    with monkeypatch.context() as patched:
        patched.setattr(botocore.auth, "get_current_datetime", wrong)
        patched.setattr(signing, "get_current_datetime", wrong)
        steps = drained(worker)
    assert [step.happened for step in steps if step.happened is Happened.FAILED] == [Happened.FAILED]
    assert_arrived(store_server.client(), bucket, run, outgoing)
