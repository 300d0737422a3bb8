"""Pacing and counting at the socket: what is counted is what a proxy sees."""

import hashlib
import socket
import threading

import pytest
from tests.fixtures.fake_clock import FakeClock

from winnow_runtime.clock import SystemClock
from winnow_schemas.settings.upload import UploadSettings
from winnow_tools.faultproxy import FaultProxy, Faults
from winnow_uploader.object_store import Body, FileShrankError, StoreError
from winnow_uploader.pacer import Pacer, SendingStoppedError
from winnow_uploader.s3_store import S3Store

MIB = 1024 * 1024


class TestPacer:
    def test_waits_as_the_rate_says(self):
        clock = FakeClock()
        pacer = Pacer(clock)
        pacer.begin(1000.0)
        for _ in range(20):
            pacer.take(500)
            pacer.sent()
        found = pacer.end()
        assert found.wire_bytes == 10_000
        assert 9.4 <= clock.slept_s <= 10.0
        assert found.busy_s == pytest.approx(clock.slept_s)
        assert found.waited_s == pytest.approx(clock.slept_s)

    def test_outside_a_unit_nothing_is_held_back(self):
        clock = FakeClock()
        pacer = Pacer(clock)
        pacer.take(10**9)
        assert clock.slept_s == 0

    def test_a_unit_begins_with_nothing_saved_up(self):
        clock = FakeClock()
        pacer = Pacer(clock)
        for _ in range(3):
            clock.advance(100)
            pacer.begin(1000.0)
            pacer.take(500)
            pacer.take(500)
            assert pacer.end().waited_s == pytest.approx(0.5, abs=0.02)

    def test_stopping_and_a_rate_of_nothing_refuse(self):
        pacer = Pacer(FakeClock())
        pacer.begin(1000.0)
        pacer.change_rate(0.0)
        with pytest.raises(SendingStoppedError, match="allows no sending"):
            pacer.take(1)
        pacer.begin(1000.0)
        pacer.stop("enough")
        with pytest.raises(SendingStoppedError, match="enough"):
            pacer.take(1)
        pacer.stop("")
        pacer.take(1)

    def test_a_change_of_rate_without_a_unit_is_for_nobody(self):
        clock = FakeClock()
        pacer = Pacer(clock)
        pacer.change_rate(1.0)
        pacer.take(1000)
        assert clock.slept_s == 0


def test_the_system_clock_runs():
    clock = SystemClock()
    wall, monotonic = clock.wall_ns(), clock.monotonic_ns()
    clock.sleep_s(0.001)
    clock.sleep_s(-1)
    assert clock.monotonic_ns() - monotonic >= 1_000_000
    assert wall > 1_700_000_000 * 10**9


@pytest.fixture
def clip(tmp_path):
    data = bytes(range(256)) * (6 * MIB // 256)
    path = tmp_path / "clip.mcap"
    path.write_bytes(data)
    return Body(len(data), hashlib.sha256(data).hexdigest(), path=path)


@pytest.mark.store
class TestWire:
    @pytest.fixture
    def proxied(self, store_server, bucket):
        with FaultProxy("127.0.0.1", store_server.port) as proxy:
            pacer = Pacer(SystemClock())
            settings = UploadSettings(
                endpoint_url=f"http://127.0.0.1:{proxy.port}",
                credentials_file=str(store_server.credentials_file),
                bucket=bucket,
                connect_timeout_s=1.0,
            )
            store = S3Store(settings, pacer)
            yield proxy, pacer, store
            store.close()

    def test_every_byte_is_counted_once(self, proxied, clip):
        proxy, pacer, store = proxied
        pacer.begin(1e9)
        upload = store.open_upload("k", {"sha256": "x"})
        store.send_part("k", upload, 1, clip)
        store.stored_parts("k", upload)
        store.abort("k", upload)
        assert pacer.end().wire_bytes == proxy.up_bytes
        assert proxy.up_bytes < clip.size_bytes + 5000

    @pytest.mark.parametrize(
        ("rate_bytes_per_s", "unsent_bytes"), [(1e6, 32 * 1024), (62.5e6, 130_000), (1e12, 8 * MIB)]
    )
    def test_the_kernel_holds_no_more_than_the_rate_needs(
        self, proxied, clip, monkeypatch, rate_bytes_per_s, unsent_bytes
    ):
        _, pacer, store = proxied
        found = []
        sendall = socket.socket.sendall

        def looked_at(self, data):
            lowat = self.getsockopt(socket.IPPROTO_TCP, 25)
            found.append((lowat, int.from_bytes(self.getsockopt(socket.SOL_SOCKET, 47, 4), "little")))
            sendall(self, data)

        monkeypatch.setattr(socket.socket, "sendall", looked_at)
        pacer.begin(1e12)
        store.head("warm")
        pacer.begin(rate_bytes_per_s)
        store.head("k")
        assert found[-1] == (unsent_bytes, min(int(rate_bytes_per_s * 1.04), 2**32 - 1))

    def test_a_refusal_comes_before_the_body_leaves(self, proxied, store_server, clip, tmp_path):
        proxy, pacer, _ = proxied
        keys = tmp_path / "keys.json"
        keys.write_text('{"access_key": "winnow:none", "secret_key": "x"}')
        stranger = S3Store(
            UploadSettings(endpoint_url=f"http://127.0.0.1:{proxy.port}", credentials_file=str(keys)), pacer
        )
        pacer.begin(100_000)
        with pytest.raises(StoreError):
            stranger.put("k", clip, {}, replace=False)
        stranger.close()
        assert pacer.end().wire_bytes == proxy.up_bytes < 2000

    def test_a_file_that_shrinks_ends_the_request_at_once(self, proxied, clip):
        _, _, store = proxied
        with clip.path.open("r+b") as file:
            file.truncate(MIB)
        with pytest.raises(FileShrankError, match="became shorter"):
            store.put("k", clip, {}, replace=False)
        assert store.head("k") is None

    def test_stopping_cuts_a_request_off(self, proxied, clip):
        _, pacer, store = proxied
        pacer.begin(1e6)
        threading.Timer(0.2, pacer.stop, ["enough"]).start()
        with pytest.raises(SendingStoppedError, match="enough"):
            store.put("k", clip, {}, replace=False)
        assert pacer.end().busy_s < 1.0

    @pytest.mark.parametrize("how", ["cut_reading", "stop"])
    def test_reading_back_is_cut_off_and_can_be_done_again(self, proxied, clip, how):
        proxy, pacer, store = proxied
        store.put("k", clip, {}, replace=False)
        proxy.set_faults(Faults(down_mbps=10))
        pacer.begin(1e9)
        threading.Timer(0.2, getattr(pacer, how), ["enough"]).start()
        with pytest.raises(SendingStoppedError, match="enough"):
            store.download_sha256("k")
        assert proxy.down_bytes < clip.size_bytes
        pacer.stop("")
        proxy.set_faults(Faults())
        pacer.begin(1e9)
        assert store.download_sha256("k") == clip.sha256

    def test_a_deaf_server_times_out(self, proxied, clip):
        proxy, _, store = proxied
        store.head("warm")
        proxy.set_faults(Faults(black_hole=True))
        with pytest.raises(StoreError, match="got no answer"):
            store.put("k", clip, {}, replace=False)


def test_an_answer_that_is_no_http_is_no_answer(clip, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text('{"access_key": "a", "secret_key": "b"}')
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        store = S3Store(UploadSettings(endpoint_url=url, credentials_file=str(keys)), Pacer(SystemClock()))
        with pytest.raises(StoreError, match="got no answer"):
            store.head("k")
        thread.join()
        store.close()
