"""Starting, watching and stopping, with real processes."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.fixtures.store import running, s3_client
from typer.testing import CliRunner

from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_tools.store import Store, StoreState, processes
from winnow_tools.store import folder as folder_module
from winnow_tools.store import store as store_module
from winnow_tools.store.command import store_app

pytestmark = pytest.mark.store
pytest.importorskip("swift", reason="the store extra is not installed")

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def own_store(tmp_path_factory):
    """A store that these tests may kill, and that runs again after each of them."""
    with Store(tmp_path_factory.mktemp("own") / "s3") as store:
        yield running(store)


def kill_all(store):
    pids = [server.pid for server in store.status().servers]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while store.status().state is not StoreState.STOPPED:
        assert time.monotonic() < deadline
    return pids


def test_parts_survive_kill_9_of_all_four(own_store):
    client = own_store.client()
    client.create_bucket(Bucket="fleet")
    where = {"Bucket": "fleet", "Key": "clip.mcap"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    data = os.urandom(5 * MIB)
    etags = [client.upload_part(**where, UploadId=upload, PartNumber=n, Body=data)["ETag"] for n in (1, 2, 3)]
    old = kill_all(own_store.store)
    status = own_store.store.start()
    assert status.state is StoreState.RUNNING
    assert status.endpoint_url == own_store.endpoint_url
    assert "without being stopped" in status.notes[0]
    assert not set(old) & {server.pid for server in status.servers}
    listed = client.list_parts(**where, UploadId=upload)["Parts"]
    assert [(part["PartNumber"], part["ETag"]) for part in listed] == list(zip((1, 2, 3), etags, strict=True))
    client.complete_multipart_upload(
        **where,
        UploadId=upload,
        MultipartUpload={
            "Parts": [{"PartNumber": n, "ETag": etag} for n, etag in zip((1, 2, 3), etags, strict=True)]
        },
    )
    assert client.get_object(**where)["Body"].read() == data * 3


def test_start_again_changes_nothing_and_mends_what_is_gone(own_store):
    store = own_store.store
    first = store.start()
    assert store.start() == first
    os.kill(first.servers[2].pid, signal.SIGKILL)
    while store.status().servers[2].pid:
        pass
    assert store.status().state is StoreState.DEGRADED
    mended = store.start()
    assert mended.state is StoreState.RUNNING
    assert "object" in mended.notes[0]
    assert [one.pid for one in mended.servers if one.name != "object"] == [
        one.pid for one in first.servers if one.name != "object"
    ]
    own_store.client().list_buckets()


def test_stop_leaves_nothing_running_and_keeps_keys_and_data_also_on_another_port(tmp_path):
    store = Store(tmp_path / "s3")
    before = running(store)
    before.client().create_bucket(Bucket="kept")
    pids = [server.pid for server in store.status().servers]
    assert store.stop().state is StoreState.STOPPED
    assert all(processes.start_ticks(pid) == -1 for pid in pids)
    assert store.stop().state is StoreState.STOPPED
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", before.port))
        taken.listen()
        with store:
            after = running(store)
            assert after.port != before.port
            assert after.endpoint_url == json.loads(store.credentials_file.read_bytes())["endpoint_url"]
            assert (after.access_key, after.secret_key) == (before.access_key, before.secret_key)
            assert [one["Name"] for one in after.client().list_buckets()["Buckets"]] == ["kept"]


def test_secrets_are_private_and_shown_nowhere(own_store, tmp_path):
    readable = [
        path
        for path in own_store.store.folder.path.rglob("*")
        if path.is_file()
        and own_store.secret_key.encode() in path.read_bytes()
        and any(p.stat().st_mode & 0o077 for p in (path,))
    ]
    assert readable == []
    for name in ("etc", "node", "log", "run", "tls"):
        assert (own_store.store.folder.path / name).stat().st_mode & 0o077 == 0
    shown = CliRunner().invoke(store_app, ["status", str(own_store.store.folder.path), "--json"]).output
    assert own_store.access_key in shown
    assert own_store.secret_key not in shown
    command_lines = [
        Path(f"/proc/{server.pid}/cmdline").read_bytes() for server in own_store.store.status().servers
    ]
    assert not any(own_store.secret_key.encode() in line for line in command_lines)


def test_a_block_leaves_a_store_running_that_ran_before(own_store):
    with Store(own_store.store.folder.path) as again:
        assert again.status().state is StoreState.RUNNING
    assert own_store.store.status().state is StoreState.RUNNING


def test_keys_differ_from_store_to_store():
    first, second = folder_module.new_layout(), folder_module.new_layout()
    assert first.secret_key != second.secret_key
    assert first.hash_suffix != second.hash_suffix


def test_tls_with_its_own_authority(tls_store):
    keys = json.loads(tls_store.credentials_file.read_bytes())
    assert tls_store.endpoint_url.startswith("https://127.0.0.1:")
    assert keys["ca_file"] == tls_store.store.status().ca_file
    client = s3_client(keys["endpoint_url"], keys["access_key"], keys["secret_key"], keys["ca_file"])
    client.create_bucket(Bucket="secure")
    client.put_object(Bucket="secure", Key="k", Body=b"x" * 100_000)
    assert client.get_object(Bucket="secure", Key="k")["Body"].read() == b"x" * 100_000


def test_a_chosen_port_that_is_taken_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"Port {port} on 127.0.0.1 is in use"):
            Store(tmp_path / "s3", port=port).start()


def test_a_running_store_is_not_moved(own_store):
    other = Store(own_store.store.folder.path, tls=True)
    with pytest.raises(UnavailableError, match="runs already at"):
        other.start()
    assert own_store.store.status().state is StoreState.RUNNING


def test_a_stale_pid_file_harms_nobody(tmp_path):
    store = Store(tmp_path / "s3")
    store.folder.prepare()
    store.folder.write_layout(folder_module.new_layout())
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        record = {"pid": bystander.pid, "start_ticks": processes.start_ticks(bystander.pid), "host": "h"}
        for name in folder_module.NAMES:
            store.folder.pid_file(name).write_text(json.dumps(record | {"conf": "x"}))
        assert store.status().state is StoreState.STOPPED
        assert store.stop().state is StoreState.STOPPED
        assert bystander.poll() is None
    finally:
        bystander.communicate()


def test_a_lock_held_by_somebody_else_means_elsewhere(tmp_path):
    store = Store(tmp_path / "s3")
    store.folder.prepare()
    store.folder.write_layout(folder_module.new_layout())
    pid_file = store.folder.pid_file("proxy")
    pid_file.write_text(json.dumps({"pid": 1, "start_ticks": 1, "host": "truck-7", "conf": "x"}))
    program = (
        "import fcntl,sys; f=open(sys.argv[1],'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('+', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(pid_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        owner.stdout.read(2)
        for action in (store.start, store.stop, store.status):
            with pytest.raises(UnavailableError, match=r"locked on host truck-7.*was not touched"):
                action()
        assert owner.poll() is None


def test_two_starts_at_once_make_one_store(tmp_path):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(Store(tmp_path / "s3").start())) for _ in range(2)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 2
        assert results[0].servers == results[1].servers
    finally:
        with contextlib.suppress(UnavailableError):
            Store(tmp_path / "s3").stop()


def test_folders_that_cannot_be_a_store(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInputError, match="is not a folder"):
        Store(tmp_path / "file").start()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(BadInputError, match=r"holds other things \(thesis.tex\)"):
        Store(tmp_path / "other").start()
    with pytest.raises(BadInputError, match="contains '%'"):
        Store(tmp_path / "100%").start()
    with pytest.raises(UnavailableError, match="cannot be written"):
        Store("/proc/nothing").start()
    with pytest.raises(UnavailableError, match="There is no store"):
        Store(tmp_path / "none").status()
    with pytest.raises(BadInputError, match="70000 is not a port"):
        Store(tmp_path / "none", port=70_000)


def test_objects_without_their_layout_are_not_buried(tmp_path):
    store = Store(tmp_path / "s3")
    store.folder.prepare()
    (store.folder.node / "sda" / "objects").mkdir()
    with pytest.raises(BadInputError, match="is gone; nothing was changed"):
        store.start()
    store.folder.layout_file.write_text("{}")
    with pytest.raises(BadInputError, match="is damaged"):
        store.start()


def test_no_xattrs_is_one_sentence(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refused)
    with pytest.raises(UnavailableError, match="has no user extended attributes"):
        Store(tmp_path / "s3").start()


def test_a_missing_swift_says_how_to_install_it(tmp_path, monkeypatch):
    def missing(name):
        raise store_module.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(store_module.importlib.metadata, "version", missing)
    with pytest.raises(UnavailableError, match=r"pip install 'winnow-dora\[store\]'"):
        Store(tmp_path / "s3").start()
    monkeypatch.setattr(store_module.importlib.metadata, "version", lambda _: "2.30.1")
    with pytest.raises(UnavailableError, match=r"Swift 2\.30\.1 is too old"):
        Store(tmp_path / "s3").start()
    assert not (tmp_path / "s3").exists()


def test_runs_as_a_user_who_has_no_name_and_no_rights(tmp_path):
    nobody = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if shutil.which("unshare") is None or subprocess.run([*nobody, "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    program = (
        "import os, sys; from winnow_tools.store import Store; s = Store(sys.argv[1]); "
        "print(os.geteuid(), s.start().state); print(s.stop().state); os.chmod(sys.argv[2], 0o500); "
        "Store(sys.argv[2] + '/x').start()"
    )
    (tmp_path / "locked").mkdir()
    done = subprocess.run(
        [*nobody, sys.executable, "-c", program, str(tmp_path / "s3"), str(tmp_path / "locked")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "54321 running\nstopped\n", done.stderr
    last = done.stderr.splitlines()[-1]
    assert "/locked/x cannot be written (Permission denied); no store was started" in last


def test_the_command_line(tmp_path):
    runner = CliRunner()
    folder = str(tmp_path / "s3")
    assert runner.invoke(store_app, ["status", folder]).exit_code == 4
    started = runner.invoke(store_app, ["start", folder, "--json"])
    try:
        assert started.exit_code == 0, started.output
        found = json.loads(started.stdout)
        assert found["state"] == "running"
        assert found["credentials_file"] == str(tmp_path / "s3" / "store.json")
        text = runner.invoke(store_app, ["status", folder])
        assert text.exit_code == 0
        assert found["endpoint_url"] in text.stdout
    finally:
        stopped = runner.invoke(store_app, ["stop", folder])
    assert stopped.exit_code == 0
    assert runner.invoke(store_app, ["status", folder, "--json"]).exit_code == 4
