"""What nobody meant to send: requests drawn from the interface's own schema, and addresses that try to get out."""

import hashlib
import json
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.nodes.server.test_api import Tokens, spec, start
from tests.nodes.server.test_pages import PASSWORD, Visitor

from winnow_schemas.tasks import PREPROCESS_VIDEO
from winnow_server.accounts import Accounts, Role
from winnow_server.openapi import document
from winnow_server.serving import TaskServer
from winnow_server.tables import metadata

CANARY = "canary 4711 must stay where it is"
MAY_ANSWER = {200, 400, 401, 403, 404, 405, 409, 413, 415, 416, 422, 429, 303, 204, 307}
BOUNDED = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
OPERATIONS = [
    (method, path) for path, methods in sorted(document()["paths"].items()) for method in sorted(methods)
]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tokens]:
    folder = tmp_path_factory.mktemp("fuzz")
    accounts = Accounts(folder / "tokens.json")
    accounts.set_person("adminer", Role.ADMIN, PASSWORD)
    return folder, {role.name.lower(): accounts.new_token(role.name.lower(), role) for role in Role}


@pytest.fixture(scope="module")
def server(tokens: tuple[Path, Tokens]) -> Iterator[TaskServer]:
    folder, _ = tokens
    (folder / "canary.txt").write_text(CANARY)
    (folder / "canary.json").write_text(json.dumps(CANARY))
    results, run = folder / "results", folder / "run"
    (results / "records").mkdir(parents=True)
    (run / "clips" / "P1").mkdir(parents=True)
    with start(folder, results=[str(results)], runs={"shift": str(run)}) as running:
        running.queue.add([spec(f"{n}.mp4") for n in range(20)])
        yield running


def fingerprint(server: TaskServer) -> str:
    """Of everything in the database but sessions."""
    digest = hashlib.sha256()
    with server._engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name != "winnow_sessions":
                rows = connection.execute(text(f"SELECT * FROM {table.name}")).all()
                digest.update(repr(sorted(map(repr, rows))).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def operation() -> Callable[[str, str], Any]:
    schema = schemathesis.openapi.from_dict(document())
    return lambda method, path: schema[path][method.upper()]


def ask(case: Any, server: TaskServer, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return case.call(base_url=server.url, headers=headers, timeout=20)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_of_the_interface_makes_it_stumble(
    server: TaskServer,
    tokens: tuple[Path, Tokens],
    operation: Callable[[str, str], Any],
    method: str,
    path: str,
) -> None:
    @BOUNDED
    @given(case=operation(method, path).as_strategy())
    def sent(case: Any) -> None:
        reply = ask(case, server, tokens[1]["admin"])
        assert reply.status_code in MAY_ANSWER
        if reply.status_code >= 400:
            assert isinstance(reply.json()["error"], str)

    sent()


def refused(strategy: Any, server: TaskServer, token: str, status: int) -> None:
    @settings(BOUNDED, max_examples=2)
    @given(case=strategy)
    def sent(case: Any) -> None:
        assert ask(case, server, token).status_code == status

    sent()


def test_nobody_without_the_right_token_changes_anything(
    server: TaskServer, tokens: tuple[Path, Tokens], operation: Callable[[str, str], Any]
) -> None:
    before = fingerprint(server)
    mine = tokens[1]
    for method, path in OPERATIONS:
        if method == "post":
            for token, status in (("", 401), ("wrong", 401), (mine["view"], 403), (mine["review"], 403)):
                refused(operation(method, path).as_strategy(), server, token, status)
    assert fingerprint(server) == before


PARTS = st.sampled_from(
    ["..", ".", "%2e%2e", "%2f", "%5c", "\\", "canary.txt", "canary.json", "etc", "passwd", "shift", "0" * 16, "a", "",
     "%00", "x" * 300, "crop.jpg", "video.mp4", "tokens.json", "%c0%ae", "\u202e", "labels.csv", "thumbs.png"]
)  # fmt: skip
ROOTS = st.sampled_from(
    [
        "/static",
        "/plates",
        "/films",
        "/clips",
        "/clips/shift",
        "/open",
        "/open/1-00/shift",
        "/tasks",
        "/why",
        "/map",
        "",
    ]
)


def test_no_address_gets_out_of_its_folder(server: TaskServer) -> None:
    one = Visitor(server.url)
    assert one.log_in("adminer") == 303
    csrf = one.csrf()

    @settings(BOUNDED, max_examples=150)
    @given(
        ROOTS,
        st.lists(PARTS, max_size=5),
        st.dictionaries(st.sampled_from(["q", "page", "state", "run", "at", "limit"]), PARTS, max_size=3),
        st.booleans(),
    )
    def asked(root: str, parts: list[str], query: dict[str, str], post: bool) -> None:
        path = "/".join([root, *(urllib.parse.quote(part, safe="%") for part in parts)]) or "/"
        full = path if path.startswith("/") else f"/{path}"
        if query and not (full == "/why" and query.get("at", "").strip()):
            full += "?" + urllib.parse.urlencode(query)
        status, body, _ = one.ask(full, {"csrf": csrf, "label": "x"} if post and root != "" else None)
        assert status in MAY_ANSWER, full
        assert CANARY not in body

    asked()


def test_nobody_who_is_not_logged_in_changes_or_sees_anything(server: TaskServer) -> None:
    before = fingerprint(server)
    stranger = Visitor(server.url)
    task = server.queue.listing(kind=PREPROCESS_VIDEO, limit=1)[0].id
    for path in (
        f"/tasks/{task}/pause",
        f"/plates/{'0' * 16}/review",
        f"/films/{'0' * 16}/again",
        "/clips/shift/x/label",
        "/logout",
    ):
        for form in ({}, {"csrf": "x", "verdict": "confirm", "label": "near_miss"}):
            assert stranger.ask(path, form)[0] == 401
    for path in (
        "/plates",
        "/films",
        "/map",
        "/clips",
        "/clips/labels.csv",
        "/why?run=shift&at=14:32",
        f"/plates/{'0' * 16}/crop.jpg",
    ):
        assert stranger.ask(path)[0] == 303
    assert fingerprint(server) == before
