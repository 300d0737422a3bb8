"""Stores that lie about ETags, check nothing, are full, or slow for an hour; and marks on packets."""

import base64
import hashlib
import http.client
import http.server
import json
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import FakeObjectStore, silence

from winnow_runtime.clock import SystemClock
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import LinkSettings, UploadSettings
from winnow_tools.faultproxy import FaultProxy, Faults
from winnow_tools.store.ring_files import PART_POWER
from winnow_uploader import Happened, UploadWorker, transfer
from winnow_uploader.wire import mark

KIB, MIB = 1024, 1024 * 1024
VEHICLE = VehicleSettings(id="v-1", airport="EGLL")
KEY = "EGLL/v-1/2026/04/11/a.mcap"


class TestFake:
    """Multipart uploads of small clips."""

    @pytest.fixture(autouse=True)
    def _small_parts(self, monkeypatch):
        monkeypatch.setattr(transfer, "MIB", KIB)

    @pytest.fixture
    def rig(self):
        memory = Path("/dev/shm")
        with tempfile.TemporaryDirectory(
            dir=memory if memory.is_dir() else None, prefix="upload-test-"
        ) as name:
            clock = FakeClock()
            store = FakeObjectStore(clock, min_part_bytes=5 * KIB)
            settings = UploadSettings(part_mib=5, max_backoff_s=300.0)
            worker = UploadWorker(
                settings,
                VEHICLE,
                Path(name),
                Path(name) / "state",
                clock=clock,
                jitter=lambda: 0.0,
                store=store.connect,
            )
            worker.add(make_clip(Path(name), "a", 23 * KIB))
            yield worker, store, clock
            worker.close()

    @staticmethod
    def steps(worker):
        found = []
        while not found or found[-1].happened not in (Happened.IDLE, Happened.WAITING):
            found.append(worker.step())
        return [step.happened for step in found]

    @staticmethod
    def spoil_a_part(store, worker):
        while worker.step().happened is not Happened.PART_SENT:
            pass
        (upload,) = store.uploads.values()
        upload[3][1] = b"x" + upload[3][1][1:]

    def test_of_a_store_that_checks_nothing_every_md5_is_compared(self, rig):
        worker, store, _ = rig
        store.checks_parts = False
        while worker.step().happened is not Happened.OPENED:
            pass
        assert all(part.md5 for part in worker._state.parts("id-a"))
        assert Happened.DONE in self.steps(worker)

    def test_of_one_that_checks_none_is_computed(self, rig):
        worker, store, _ = rig
        while worker.step().happened is not Happened.PART_SENT:
            pass
        assert not any(part.md5 for part in worker._state.parts("id-a"))
        assert Happened.DONE in self.steps(worker)
        assert store.calls["checks_parts"] == 1

    @pytest.mark.parametrize("checks", [True, False])
    def test_content_that_changed_in_the_store_does_not_count(self, rig, checks):
        worker, store, _ = rig
        store.checks_parts = checks
        self.spoil_a_part(store, worker)
        happened = self.steps(worker)
        assert Happened.DONE not in happened
        assert not [key for key in store.objects if key.endswith(".json")]

    @pytest.mark.parametrize("carried_out", ["before", "after"])
    def test_an_hour_without_answers_costs_a_dozen_tries_and_then_it_goes_on(self, rig, carried_out):
        """Whether the store does nothing, or does what it is asked and says so too late."""
        worker, store, clock = rig
        while worker.step().happened is not Happened.PART_SENT:
            pass
        begun, tries, requests = clock.wall_ns(), 0, 0
        while clock.wall_ns() - begun < 3600e9:
            store.armed(1, carried_out, silence())
            step = worker.step()
            tries += step.happened is Happened.FAILED
            requests += step.wire_bytes > 0
            if step.happened is Happened.WAITING:
                clock.advance(max(step.until_wall_ns - clock.wall_ns(), 1) / 1e9)
        assert 10 <= tries <= 25
        assert requests == tries
        store.trap = None
        clock.advance(300)
        assert Happened.DONE in self.steps(worker)
        assert not any(store.stored_again.values())

    def test_an_hour_in_which_every_answer_takes_a_minute_is_only_slow(self, rig, tmp_path):
        worker, store, clock = rig
        store.answers_after_s = 60.0
        begun, order = clock.wall_ns(), []
        while not order or order[-1][0] not in (Happened.IDLE, Happened.WAITING):
            if len(order) == 6:
                worker.make_way()
                worker.add(make_clip(worker._intake.folder, "p0", 10 * KIB, priority=0))
            step = worker.step()
            order.append((step.happened, step.clip_id))
        happened = [what for what, _ in order]
        assert Happened.FAILED not in happened
        assert order[-1][0] is Happened.IDLE
        done = [clip for what, clip in order if what is Happened.DONE]
        assert done == ["id-p0", "id-a"]
        safety = [number for number, (_, clip) in enumerate(order) if clip == "id-p0"]
        assert safety == list(range(6, 6 + len(safety)))
        assert clock.wall_ns() - begun > 600e9
        assert not any(store.stored_again.values())


@pytest.mark.store
class TestSwift:
    @pytest.fixture
    def worker(self, store_server, bucket, tmp_path):
        settings = UploadSettings(
            credentials_file=str(store_server.credentials_file),
            bucket=bucket,
            part_mib=5,
            first_backoff_s=0.05,
            max_backoff_s=0.1,
            max_attempts=3,
            link=LinkSettings(ethernet_max_mbps=50_000),
        )
        one = UploadWorker(settings, VEHICLE, tmp_path, tmp_path / "state")
        yield one
        one.close()

    @staticmethod
    def until(worker, *wanted, limit_s=30.0):
        return next((step for step in worker.drain(limit_s) if step.happened in wanted), None)

    def test_it_refuses_a_wrong_part_and_is_found_out_to_do_so(self, worker, tmp_path):
        worker.add(make_clip(tmp_path, "a", 21 * MIB))
        assert self.until(worker, Happened.OPENED)
        assert worker._transfer._digests._store_checks is True

    def test_an_etag_that_is_a_lie_at_the_end_is_found_out(self, worker, tmp_path, monkeypatch):
        from dataclasses import replace

        worker.add(make_clip(tmp_path, "a", 21 * MIB))
        head = worker._store.head
        monkeypatch.setattr(worker._store, "head", lambda key: replace(head(key), etag="0" * 32 + "-5"))
        step = self.until(worker, Happened.PARKED, Happened.DONE)
        assert step.happened is Happened.PARKED
        assert "which is not that of this clip" in step.detail

    def test_an_etag_that_is_a_lie_for_a_part_costs_a_new_upload_and_no_more(
        self, worker, tmp_path, monkeypatch
    ):
        worker.add(make_clip(tmp_path, "a", 21 * MIB))
        send, lies = worker._store.send_part, []

        def lie(key, upload_id, number, body):
            etag = send(key, upload_id, number, body)
            if number == 2 and not lies:
                lies.append(etag)
                return "0" * 32
            return etag

        monkeypatch.setattr(worker._store, "send_part", lie)
        assert self.until(worker, Happened.DONE, Happened.PARKED).happened is Happened.DONE
        assert lies

    def test_answers_that_come_too_late_cost_at_most_one_part(self, store_server, bucket, tmp_path):
        size = 21 * MIB
        with FaultProxy("127.0.0.1", store_server.port) as proxy:
            settings = UploadSettings(
                endpoint_url=f"http://127.0.0.1:{proxy.port}",
                credentials_file=str(store_server.credentials_file),
                bucket=bucket,
                part_mib=5,
                read_timeout_s=0.3,
                first_backoff_s=0.01,
                max_backoff_s=0.02,
                link=LinkSettings(ethernet_max_mbps=50_000),
            )
            worker = UploadWorker(settings, VEHICLE, tmp_path, tmp_path / "state")
            try:
                worker.add(make_clip(tmp_path, "a", size))
                assert self.until(worker, Happened.PART_SENT)
                proxy.set_faults(Faults(down_latency_ms=2000))
                for _ in range(6):
                    assert "got no answer" in self.until(worker, Happened.FAILED, Happened.DONE).detail
                proxy.set_faults(Faults())
                assert self.until(worker, Happened.DONE, Happened.PARKED).happened is Happened.DONE
            finally:
                worker.close()
            assert proxy.up_bytes <= size + 5 * MIB + 64 * KIB

    @pytest.mark.parametrize(("size", "what_is_full"), [(100 * KIB, ""), (21 * MIB, "+segments")])
    def test_a_full_bucket_keeps_the_queue_until_there_is_room(
        self, store_server, bucket, worker, tmp_path, size, what_is_full
    ):
        set_quota(store_server, f"{bucket}{what_is_full}", 7 * MIB if what_is_full else 1000)
        worker.add(make_clip(tmp_path, "a", size))
        worker.add(make_clip(tmp_path, "b", size))
        for _ in range(5):
            failed = self.until(worker, Happened.FAILED, Happened.DONE, Happened.PARKED)
            assert failed.happened is Happened.FAILED
            assert "Make room in the bucket" in failed.detail
            assert "raise its quota" in failed.detail
        status = worker.status()
        assert (status.queued_clips, status.trouble) == (2, failed.detail)
        set_quota(store_server, f"{bucket}{what_is_full}", 10**9)
        done = [step.clip_id for step in worker.drain(30.0) if step.happened is Happened.DONE]
        assert done == ["id-a", "id-b"]


def set_quota(store_server, container, size_bytes):
    """As the owner of a container does, but asked of the container's own server: the store has no Swift keys."""
    layout = store_server.store.folder.read_layout()
    path = f"/AUTH_{store_server.access_key.partition(':')[0]}/{container}"
    digest = hashlib.md5(f"{layout.hash_prefix}{path}{layout.hash_suffix}".encode(), usedforsecurity=False)
    place = int(digest.hexdigest()[:8], 16) >> (32 - PART_POWER)
    headers = {
        "X-Timestamp": f"{SystemClock().wall_ns() / 1e9:.5f}",
        "X-Container-Meta-Quota-Bytes": str(size_bytes),
    }
    connection = http.client.HTTPConnection("127.0.0.1", layout.container_port, timeout=10)
    try:
        connection.request("PUT", f"/sda/{place}{path}", headers=headers)
        assert connection.getresponse().status in (201, 202)
    finally:
        connection.close()


class Full(http.server.BaseHTTPRequestHandler):
    """A store without room: it takes nothing, and says so as different stores do."""

    protocol_version = "HTTP/1.1"
    answer = (507, "")

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, code = self.answer
        body = f"<Error><Code>{code}</Code><Message>No room.</Message></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        body = b"<ListMultipartUploadsResult></ListMultipartUploadsResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (507, "XMinioStorageFull", "Make room in the store"),
        (507, "", "Check upload.endpoint_url"),
        (403, "QuotaExceeded", "Make room in the bucket"),
        (413, "EntityTooLarge", "raise its quota"),
    ],
)
def test_a_full_bucket_keeps_the_queue_and_says_so(tmp_path, status, code, advice):
    handler = type("Handler", (Full,), {"answer": (status, code)})
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"access_key": "a", "secret_key": "b"}))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings = UploadSettings(
            endpoint_url=f"http://127.0.0.1:{server.server_port}", credentials_file=str(keys), max_attempts=1
        )
        worker = UploadWorker(settings, VEHICLE, tmp_path, tmp_path / "state")
        worker.add(make_clip(tmp_path, "a", 1000))
        failed = next(step for step in worker.drain(20.0) if step.happened is Happened.FAILED)
        assert advice in failed.detail
        waits = worker.step()
        assert (waits.happened, worker.status().queued_clips) == (Happened.WAITING, 1)
        assert worker.status().trouble == failed.detail
        worker.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("dscp", "tos"), [(0, 0), (8, 32), (46, 184)])
def test_packets_are_marked(dscp, tos):
    with socket.socket() as old, socket.socket(socket.AF_INET6) as new:
        mark(old, dscp)
        mark(new, dscp)
        assert old.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == tos
        assert new.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == tos


def test_the_hash_that_is_known_is_what_is_signed():
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from winnow_uploader.signing import CHECKSUM, Signer

    known = bytes(range(32))
    request = AWSRequest("PUT", "http://s/b/k", {CHECKSUM: base64.b64encode(known).decode()}, data=b"unread")
    signer = Signer(Credentials("a", "b"), "s3", "us-east-1")
    assert signer.payload(request) == known.hex()
