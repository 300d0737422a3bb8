"""The pages in a real browser: logging in, pausing and resuming, and what a stranger or another site can do."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.server.test_api import Tokens, puller, spec, start, until

from winnow_runtime.task_client import ServerClient
from winnow_schemas.tasks import PREPROCESS_VIDEO, AddRequest
from winnow_server.accounts import Accounts, Role
from winnow_server.serving import TaskServer

PASSWORD = "correct horse battery"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    accounts = Accounts(tmp_path / "tokens.json")
    for role in (Role.VIEW, Role.REVIEW, Role.ADMIN):
        accounts.set_person(f"{role.name.lower()}er", role, PASSWORD)
    return {role.name.lower(): accounts.new_token(role.name.lower(), role) for role in Role}


@pytest.fixture
def server(tmp_path: Path, tokens: Tokens) -> Iterator[TaskServer]:
    with start(tmp_path, lease_s=5) as running:
        names = ["night/a.mp4", "night/b.mp4", "<script>alert(1)</script>.mp4"]
        ServerClient(running.url, tokens["admin"]).ask(
            "POST", "/api/v1/tasks", AddRequest(tasks=[spec(name) for name in names]), dict
        )
        yield running


class Visitor:
    """A person without a browser: cookies, no redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookie = ""

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, Any]:
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(
            self.url + path, data, {**({"Cookie": self.cookie} if self.cookie else {}), **headers}
        )

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        try:
            with urllib.request.build_opener(Stay).open(request, timeout=10) as reply:
                return reply.status, reply.read().decode(), reply.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers

    def log_in(self, name: str, password: str = PASSWORD) -> int:
        status, _, headers = self.ask("/login", {"name": name, "password": password})
        self.cookie = (headers.get("Set-Cookie") or "").partition(";")[0]
        return status

    def csrf(self) -> str:
        return self.ask("/videos")[1].partition('name="csrf" value="')[2].partition('"')[0]


class TestWithoutABrowser:
    def test_strangers_are_sent_to_the_login(self, server: TaskServer) -> None:
        for path in ("/", "/videos", f"/tasks/{'0' * 16}"):
            status, _, headers = Visitor(server.url).ask(path)
            assert (status, headers["Location"]) == (303, "/login")
        assert Visitor(server.url).ask("/videos.json")[0] == 401
        assert Visitor(server.url).ask(f"/tasks/{'0' * 16}/pause", {})[0] == 401

    def test_every_page_forbids_inline_scripts_and_framing(self, server: TaskServer) -> None:
        visitor = Visitor(server.url)
        assert visitor.log_in("viewer") == 303
        for path in ("/login", "/videos", "/videos.json", "/static/live.js", "/tasks/0000000000000000"):
            policy = visitor.ask(path)[2]["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy

    def test_the_cookie_is_kept_from_scripts_and_other_sites(self, server: TaskServer) -> None:
        cookie = Visitor(server.url).ask("/login", {"name": "viewer", "password": PASSWORD})[2]["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()

    def test_a_form_of_another_site_changes_nothing(self, server: TaskServer, tokens: Tokens) -> None:
        visitor = Visitor(server.url)
        visitor.log_in("adminer")
        task = ServerClient(server.url, tokens["view"]).ask("GET", "/api/v1/tasks", None, dict)["tasks"][0]
        for form in ({}, {"csrf": ""}, {"csrf": "x" * 32}, {"csrf": "\u00e9"}):
            status, text, _ = visitor.ask(f"/tasks/{task['id']}/pause", form)
            assert status == 403
            assert "nothing was changed" in text
        assert (
            visitor.ask("/login", {"name": "viewer", "password": PASSWORD}, Origin="https://evil.example")[0]
            == 403
        )
        assert visitor.ask(f"/tasks/{task['id']}/pause", {"csrf": visitor.csrf()})[0] == 303

    def test_a_viewer_may_only_look(self, server: TaskServer, tokens: Tokens) -> None:
        visitor = Visitor(server.url)
        visitor.log_in("viewer")
        task = ServerClient(server.url, tokens["view"]).ask("GET", "/api/v1/tasks", None, dict)["tasks"][0]
        status, text, _ = visitor.ask(f"/tasks/{task['id']}/pause", {"csrf": visitor.csrf()})
        assert status == 403
        assert "needs admin" in text
        assert ">Pause<" not in visitor.ask(f"/tasks/{task['id']}")[1]

    def test_guessing_is_slowed_down_and_ends_with_the_account(
        self, server: TaskServer, tmp_path: Path
    ) -> None:
        visitor = Visitor(server.url)
        assert visitor.log_in("viewer") == 303
        assert visitor.ask("/videos")[0] == 200
        Accounts(tmp_path / "tokens.json").remove("viewer")
        assert visitor.ask("/videos")[0] == 303
        statuses = [Visitor(server.url).log_in("adminer", f"wrong {number}") for number in range(12)]
        assert statuses[:10] == [401] * 10
        assert set(statuses[10:]) == {429}
        assert Visitor(server.url).log_in("adminer") == 429

    def test_logging_out_ends_the_session(self, server: TaskServer) -> None:
        visitor = Visitor(server.url)
        visitor.log_in("viewer")
        cookie = visitor.cookie
        assert visitor.ask("/logout", {"csrf": visitor.csrf()})[0] == 303
        visitor.cookie = cookie
        assert visitor.ask("/videos")[0] == 303

    def test_hostile_names_are_text(self, server: TaskServer) -> None:
        visitor = Visitor(server.url)
        visitor.log_in("viewer")
        text = visitor.ask("/videos")[1]
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
        for path in ("/videos?state=%3Cscript%3E", "/tasks/%3Cscript%3E"):
            assert "<script>" not in visitor.ask(path)[1].replace('<script src="/static', "")

    @pytest.mark.parametrize(
        "path", ["/static/../accounts.py", "/static/..%2f..%2faccounts.py", "/static/nothing.js"]
    )
    def test_only_our_own_files_are_served(self, server: TaskServer, path: str) -> None:
        assert Visitor(server.url).ask(path)[0] == 404


@pytest.mark.browser
class TestInABrowser:
    def test_log_in_pause_resume_and_watch(
        self, server: TaskServer, tokens: Tokens, browser: Any, tmp_path: Path
    ) -> None:
        browser.open(server.url)
        browser.run(
            f"document.getElementById('name').value='adminer'; document.getElementById('password').value={json.dumps(PASSWORD)}"
        )
        browser.go("document.querySelector('main button').click()")
        assert browser.run("document.querySelector('h1').textContent") == "Tasks"
        device = puller(server, tokens, tmp_path, [PREPROCESS_VIDEO])
        lease = device.claim()
        assert lease is not None
        lease.report(0.42, "frame 420")
        row = f"document.querySelector('[data-id=\"{lease.task.id}\"]')"
        until(lambda: "42 %" in browser.run(f"{row}.textContent"))
        assert "frame 420" in browser.run(f"{row}.textContent")
        browser.press("j")
        browser.press("j")
        assert browser.run("document.activeElement.closest('tr').dataset.id")
        browser.go(f"{row}.querySelector('a').click()")
        browser.go(
            "[...document.querySelectorAll('.actions button')].find((each) => each.textContent === 'Pause').click()"
        )
        until(lambda: lease.must_stop)
        lease.release({"frame": 421})
        browser.open(f"{server.url}/tasks/{lease.task.id}")
        browser.go(
            "[...document.querySelectorAll('.actions button')].find((each) => each.textContent === 'Go on').click()"
        )
        assert browser.run("document.querySelector('[role=status]').textContent") == "Goes on."
        again = device.claim()
        assert again is not None
        assert again.task.checkpoint == {"frame": 421}
        again.complete({"frames": 1000})
        assert browser.messages == []

    @pytest.mark.parametrize(
        ("width", "dark", "phone"), [(1280, False, False), (1280, True, False), (390, False, True)]
    )
    def test_no_page_is_wider_than_the_screen_and_every_field_has_a_label(
        self, server: TaskServer, browser: Any, width: int, dark: bool, phone: bool
    ) -> None:
        visitor = Visitor(server.url)
        visitor.log_in("adminer")
        name, _, value = visitor.cookie.partition("=")
        browser.open(server.url + "/login", width=width, dark=dark, phone=phone)
        pages = ["/login"]
        browser.call("Network.setCookie", name=name, value=value, url=server.url)
        task = server.queue.listing()[0].id
        pages += ["/videos", f"/tasks/{task}"]
        for path in pages:
            browser.open(server.url + path, width=width, dark=dark, phone=phone)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth"), path
            assert browser.run(UNLABELLED) == [], path
            assert browser.run("document.querySelectorAll('h1').length") == 1, path
            assert browser.run("document.documentElement.lang") == "en"
            low = browser.run(CONTRAST)
            assert low == [], (path, low)
            assert browser.messages == []


UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea, progress, button, a")]
  .filter((each) => !(each.labels && each.labels.length) && !each.getAttribute("aria-label") && !each.textContent.trim())
  .map((each) => each.outerHTML)
"""
CONTRAST = """
(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (node) => { for (let at = node; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const node of document.querySelectorAll("main *, header *")) {
    if (![...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim())) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([node.tagName, node.textContent.slice(0, 30), ratio]);
  }
  return bad;
})()
"""
