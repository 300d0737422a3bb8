"""The task server over real HTTP: who may do what, what is refused, what devices see."""

import json
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow_runtime.clock import SystemClock
from winnow_runtime.task_client import (
    Lease,
    NotOursError,
    ServerClient,
    ServerRefusedError,
    TaskPuller,
    read_token,
)
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings.server import ServerSettings, TaskSettings
from winnow_schemas.tasks import (
    HEAVY_PROCESS_VIDEO,
    PREPROCESS_VIDEO,
    AddRequest,
    Payload,
    Place,
    TaskSpec,
    Wish,
)
from winnow_server.accounts import Accounts, Role
from winnow_server.serving import TaskServer

Tokens = dict[str, str]


def start(folder: Path, **changes: Any) -> TaskServer:
    return TaskServer(ServerSettings(port=0, **changes), folder, SystemClock(), lambda _: None)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    accounts = Accounts(tmp_path / "tokens.json")
    return {role.name.lower(): accounts.new_token(role.name.lower(), role) for role in Role}


@pytest.fixture
def server(tmp_path: Path, tokens: Tokens) -> Iterator[TaskServer]:
    del tokens
    with start(tmp_path) as running:
        yield running


@pytest.fixture
def clients(server: TaskServer, tokens: Tokens) -> Callable[[str], ServerClient]:
    return lambda role: ServerClient(server.url, tokens[role])


def spec(name: str = "a.mp4", kind: str = PREPROCESS_VIDEO, **changes: Any) -> TaskSpec:
    return TaskSpec(kind=kind, key=name, payload=Payload(video=Place(share="indoor", path=name)), **changes)


def puller(
    server: TaskServer, tokens: Tokens, folder: Path, kinds: list[str], worker: str = "jetson"
) -> TaskPuller:
    path = folder / f"{worker}.token"
    path.write_text(tokens["device"] + "\n")
    return TaskPuller(
        TaskSettings(server=server.url, token_file=str(path), worker=worker), kinds, folder, SystemClock()
    )


def raw(url: str, data: bytes | None, token: str = "", method: str = "POST") -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, data, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


class TestWhoMay:
    def test_nothing_but_health_answers_without_a_token(self, server: TaskServer) -> None:
        for route in server.api.routes():
            for method in (route.methods or set()) - {"HEAD"}:
                path = route.path.replace("{id}", "0" * 16).replace("{kind}", PREPROCESS_VIDEO)
                for token in ("", "wrong", "\u00e9" * 40):
                    status, said = raw(
                        server.url + path,
                        b"{}" if method == "POST" else None,
                        token.encode().decode("latin-1"),
                        method,
                    )
                    assert status == 401, (method, path)
                    assert "token" in said["error"]
        assert raw(server.url + "/healthz", None, method="GET")[0] == 200
        assert raw(server.url + "/metrics", None, method="GET")[0] == 401

    @pytest.mark.parametrize(
        ("role", "path", "status"),
        [
            ("view", "/api/v1/tasks", 403),
            ("view", "/api/v1/claim", 403),
            ("review", "/api/v1/claim", 403),
            ("device", "/api/v1/tasks", 403),
            ("device", "/api/v1/tasks/purge", 403),
            ("device", f"/api/v1/tasks/{'0' * 16}/pause", 403),
            ("admin", f"/api/v1/tasks/{'0' * 16}/pause", 404),
        ],
    )
    def test_a_role_may_what_it_is_for(
        self, server: TaskServer, tokens: Tokens, role: str, path: str, status: int
    ) -> None:
        assert raw(server.url + path, b"{}", tokens[role])[0] == status

    def test_a_removed_token_ends_at_once(self, server: TaskServer, tokens: Tokens, tmp_path: Path) -> None:
        assert raw(server.url + "/api/v1/tasks", None, tokens["view"], "GET")[0] == 200
        assert Accounts(tmp_path / "tokens.json").remove("view")
        assert raw(server.url + "/api/v1/tasks", None, tokens["view"], "GET")[0] == 401

    def test_a_broken_accounts_file_changes_nothing(
        self, server: TaskServer, tokens: Tokens, tmp_path: Path
    ) -> None:
        (tmp_path / "tokens.json").write_text('{"tokens": [{"name": 3}]}')
        assert raw(server.url + "/api/v1/tasks", None, tokens["view"], "GET")[0] == 200

    def test_only_hashes_are_stored_and_only_the_owner_reads_them(
        self, tokens: Tokens, tmp_path: Path
    ) -> None:
        path = tmp_path / "tokens.json"
        assert not any(token in path.read_text() for token in tokens.values())
        assert path.stat().st_mode & 0o077 == 0

    def test_passwords(self, tmp_path: Path) -> None:
        accounts = Accounts(tmp_path / "tokens.json")
        with pytest.raises(BadInputError, match="at least 10"):
            accounts.set_person("eva", Role.REVIEW, "short")
        accounts.set_person("eva", Role.REVIEW, "long enough 1")
        assert accounts.by_password("eva", "long enough 2") is None
        assert accounts.by_password("adam", "long enough 1") is None
        found = accounts.by_password("eva", "long enough 1")
        assert found is not None
        assert found.may(Role.REVIEW)
        assert not found.may(Role.DEVICE)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "path",
        [
            "../../etc/passwd",
            "/etc/passwd",
            "a/../../b",
            "a//b",
            "a\\b",
            "a\x00b",
            ".",
            "x/" * 70 + "x",
            "",
            "y" * 2000,
        ],
    )
    def test_forged_paths(self, server: TaskServer, tokens: Tokens, path: str) -> None:
        task = {"kind": PREPROCESS_VIDEO, "key": "k", "payload": {"video": {"share": "indoor", "path": path}}}
        status, said = raw(
            server.url + "/api/v1/tasks", json.dumps({"tasks": [task]}).encode(), tokens["admin"]
        )
        assert status == 422
        assert "nothing was changed" in said["error"]

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"", 422),
            (b"{", 400),
            (b"\xff\xfe", 400),
            (b"[" * 100_000, 422),
            (b'{"tasks": []}', 422),
            (b'{"tasks": [], "more": 1}', 422),
            (b'{"tasks": ' + b" " * (1024 * 1024) + b"[]}", 413),
        ],
    )
    def test_bodies(self, server: TaskServer, tokens: Tokens, data: bytes, status: int) -> None:
        assert raw(server.url + "/api/v1/tasks", data, tokens["admin"])[0] == status

    def test_a_payload_that_is_too_large_changes_nothing(
        self, clients: Callable[[str], ServerClient]
    ) -> None:
        options = {f"k{number}": "x" * 2000 for number in range(60)}
        fat = TaskSpec(
            kind=PREPROCESS_VIDEO,
            key="fat",
            payload=Payload(video=Place(share="i", path="a"), options=options),
        )
        with pytest.raises(ServerRefusedError, match="at most 65536"):
            clients("admin").ask("POST", "/api/v1/tasks", AddRequest(tasks=[spec(), fat]), dict)
        assert clients("view").ask("GET", "/api/v1/tasks", None, dict)["tasks"] == []

    def test_hostile_text_is_only_text(self, clients: Callable[[str], ServerClient]) -> None:
        key = "x'); DROP TABLE winnow_tasks; -- <script>alert(1)</script> \u202e%00"
        clients("admin").ask(
            "POST",
            "/api/v1/tasks",
            AddRequest(
                tasks=[
                    spec("a", urgency=1),
                    TaskSpec(
                        kind=PREPROCESS_VIDEO, key=key, payload=Payload(video=Place(share="i", path="b"))
                    ),
                ]
            ),
            dict,
        )
        found = clients("view").ask("GET", "/api/v1/tasks", None, dict)["tasks"]
        assert key in [each["key"] for each in found]

    @pytest.mark.parametrize(
        "query",
        [
            "state=nosuch",
            "limit=0",
            "limit=1e3",
            "limit=99999",
            "kind=drop table",
            "after=zz",
            "limit=\u0663",
        ],
    )
    def test_queries(self, server: TaskServer, tokens: Tokens, query: str) -> None:
        quoted = urllib.parse.quote(query, safe="=")
        assert raw(f"{server.url}/api/v1/tasks?{quoted}", None, tokens["view"], "GET")[0] == 422

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_no_body_whatever_makes_it_stumble(
        self, server: TaskServer, tokens: Tokens, data: st.DataObject
    ) -> None:
        names = [
            "kinds",
            "worker",
            "fence",
            "tasks",
            "progress",
            "note",
            "checkpoint",
            "result",
            "successors",
            "error",
            "retry",
            "load",
            "urgency",
            "states",
            "older_than_s",
            "kind",
            "key",
            "payload",
            "video",
            "share",
            "path",
            "options",
        ]
        value = st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=20)
            | st.sampled_from([PREPROCESS_VIDEO, "jetson", "done"]),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=5)
            ),
            max_leaves=12,
        )
        body = data.draw(st.dictionaries(st.sampled_from(names), value, max_size=6))
        route = data.draw(st.sampled_from(server.api.routes()))
        identity = data.draw(st.sampled_from(["0" * 16, "zz", "..%2f..", "%00", "1" * 400]))
        path = route.path.replace("{id}", identity).replace(
            "{kind}", data.draw(st.sampled_from([PREPROCESS_VIDEO, "x", "%2e%2e"]))
        )
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        sent = json.dumps(body).encode() if method == "POST" else None
        status, said = raw(
            server.url + path, sent, tokens[data.draw(st.sampled_from(["admin", "device", "view"]))], method
        )
        assert status < 500, said


class TestWhatDevicesSee:
    def test_a_video_goes_through_the_chain(
        self, server: TaskServer, tokens: Tokens, clients: Callable[[str], ServerClient], tmp_path: Path
    ) -> None:
        clients("admin").ask("POST", "/api/v1/tasks", AddRequest(tasks=[spec()]), dict)
        jetson = puller(server, tokens, tmp_path, [PREPROCESS_VIDEO])
        first = jetson.claim()
        assert first is not None
        assert jetson.claim() is None
        assert "Nothing" in jetson.because
        rtx = puller(server, tokens, tmp_path, [HEAVY_PROCESS_VIDEO], "rtx")
        assert rtx.claim() is None
        first.complete({"frames": 100}, [spec(kind=HEAVY_PROCESS_VIDEO)])
        second = rtx.claim()
        assert second is not None
        assert second.task.parent == first.task.id
        second.fail("The file is no video.", retry=False)
        states = {
            each["kind"]: each["state"]
            for each in clients("view").ask("GET", "/api/v1/tasks", None, dict)["tasks"]
        }
        assert states == {PREPROCESS_VIDEO: "done", HEAVY_PROCESS_VIDEO: "dead"}

    def test_pause_reaches_a_running_device_and_resume_goes_on_at_the_checkpoint(
        self, server: TaskServer, tokens: Tokens, clients: Callable[[str], ServerClient], tmp_path: Path
    ) -> None:
        clients("admin").ask("POST", "/api/v1/tasks", AddRequest(tasks=[spec()]), dict)
        device = puller(server, tokens, tmp_path, [PREPROCESS_VIDEO])
        lease = claimed(device)
        lease.report(0.4, "frame 40", {"frame": 40})
        clients("admin").ask("POST", f"/api/v1/tasks/{lease.task.id}/pause", {}, dict)
        until(lambda: lease.must_stop)
        assert lease.wish is Wish.PAUSE
        lease.release({"frame": 41})
        assert device.claim() is None
        clients("admin").ask("POST", f"/api/v1/tasks/{lease.task.id}/resume", {}, dict)
        again = claimed(device)
        assert again.task.checkpoint == {"frame": 41}
        assert again.task.progress == 0.4
        assert again.task.attempts == 1
        again.complete({})

    def test_a_device_that_slept_too_long_can_publish_nothing(self, tmp_path: Path, tokens: Tokens) -> None:
        with start(tmp_path, lease_s=0.3) as server:
            admin = ServerClient(server.url, tokens["admin"])
            admin.ask("POST", "/api/v1/tasks", AddRequest(tasks=[spec()]), dict)
            slow, quick = (
                puller(server, tokens, tmp_path, [PREPROCESS_VIDEO], name) for name in ("slow", "quick")
            )
            lost = claimed(slow)
            lost.abandon()
            taken: list[Lease] = []
            until(lambda: bool(taken.append(lease) if (lease := quick.claim()) else taken))
            with pytest.raises(NotOursError, match="Throw the work away"):
                lost.complete({"by": "slow"}, [spec(kind=HEAVY_PROCESS_VIDEO)])
            taken[0].complete({"by": "quick"})
            tasks = admin.ask("GET", "/api/v1/tasks", None, dict)["tasks"]
            assert [(each["state"], each["result"]) for each in tasks] == [("done", {"by": "quick"})]

    def test_a_paused_kind_is_not_handed_out(
        self, server: TaskServer, tokens: Tokens, clients: Callable[[str], ServerClient], tmp_path: Path
    ) -> None:
        clients("admin").ask("POST", "/api/v1/tasks", AddRequest(tasks=[spec()]), dict)
        clients("admin").ask("POST", f"/api/v1/kinds/{PREPROCESS_VIDEO}/pause", {}, dict)
        device = puller(server, tokens, tmp_path, [PREPROCESS_VIDEO])
        assert device.claim() is None
        assert "paused by a person" in device.because
        clients("admin").ask("POST", f"/api/v1/kinds/{PREPROCESS_VIDEO}/resume", {}, dict)
        claimed(device).release(None)

    def test_off_hours_and_a_busy_device(self, tmp_path: Path, tokens: Tokens) -> None:
        never = (
            {"hours": ["00:00-00:01"]}
            if SystemClock().wall_ns() // 60_000_000_000 % 1440 > 1
            else {"hours": ["12:00-12:01"]}
        )
        with start(
            tmp_path, kinds={PREPROCESS_VIDEO: never, HEAVY_PROCESS_VIDEO: {"load_max": 0.000001}}
        ) as server:
            admin = ServerClient(server.url, tokens["admin"])
            admin.ask(
                "POST", "/api/v1/tasks", AddRequest(tasks=[spec(), spec(kind=HEAVY_PROCESS_VIDEO)]), dict
            )
            device = ServerClient(server.url, tokens["device"])
            said = device.ask(
                "POST",
                "/api/v1/claim",
                {"kinds": [PREPROCESS_VIDEO, HEAVY_PROCESS_VIDEO], "worker": "w", "load": 0.9},
                dict,
            )
            assert said["task"] is None
            assert "runs from" in said["because"]
            assert "load per core" in said["because"]
            assert said["retry_after_s"] > 0

    def test_ten_thousand_tasks_at_once(self, clients: Callable[[str], ServerClient]) -> None:
        admin = clients("admin")
        for start_at in range(0, 10_000, 1000):
            batch = [spec(f"v{number}.mp4") for number in range(start_at, start_at + 1000)]
            admin.ask("POST", "/api/v1/tasks", AddRequest(tasks=batch), dict)
        counts = admin.ask("GET", "/api/v1/summary", None, dict)["counts"]
        assert counts == {PREPROCESS_VIDEO: {"ready": 10_000}}
        seen: set[str] = set()
        after = ""
        while page := admin.ask("GET", f"/api/v1/tasks?limit=1000{after}", None, dict)["tasks"]:
            seen |= {each["id"] for each in page}
            after = f"&after={page[-1]['id']}"
        assert len(seen) == 10_000


class TestTrouble:
    def test_a_port_in_use_is_one_sentence(self, server: TaskServer, tmp_path: Path) -> None:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(UnavailableError, match=f"Port {port} of 127.0.0.1 cannot be taken"):
            TaskServer(ServerSettings(port=port), tmp_path / "other", SystemClock())

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("mysql://x", "works with sqlite and postgresql"),
            ("nonsense", "is none"),
            ("sqlite:////proc/nowhere/x.sqlite", "cannot be used"),
            ("postgresql+psycopg://nobody:secret@127.0.0.1:1/x", "cannot be used"),
        ],
    )
    def test_databases_that_are_not_there(self, tmp_path: Path, url: str, words: str) -> None:
        with pytest.raises((BadInputError, UnavailableError), match=words) as caught:
            start(tmp_path, database=url)
        assert "secret" not in str(caught.value)

    def test_no_server_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError, match="does not answer"):
            ServerClient("http://127.0.0.1:1", "x").ask("GET", "/api/v1/tasks", None, dict)
        with pytest.raises(BadInputError, match="cannot be read"):
            read_token(tmp_path / "none")

    def test_tls_with_an_authority_of_its_own(self, tmp_path: Path, tokens: Tokens) -> None:
        key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
        subprocess.run(
            [*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
        )
        with start(tmp_path, certificate=str(certificate), key=str(key)) as server:
            assert server.url.startswith("https")
            found = ServerClient(server.url, tokens["view"], ca=str(certificate)).ask(
                "GET", "/api/v1/tasks", None, dict
            )
            assert found == {"tasks": []}
            with pytest.raises(UnavailableError, match=r"(?i)certificate"):
                ServerClient(server.url, tokens["view"]).ask("GET", "/api/v1/tasks", None, dict)
        with pytest.raises(BadInputError, match="cannot be used"):
            start(tmp_path, certificate=str(key), key=str(certificate))
        assert ssl.OPENSSL_VERSION

    def test_other_machines_need_tls(self) -> None:
        with pytest.raises(ValueError, match="open to other machines"):
            ServerSettings(host="0.0.0.0")


def claimed(device: TaskPuller) -> Lease:
    lease = device.claim()
    assert lease is not None
    return lease


def until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    clock = SystemClock()
    end = clock.monotonic_ns() + within_s * 1e9
    while not condition():
        assert clock.monotonic_ns() < end, "it did not happen"
        clock.sleep_s(0.02)
