"""Review pages on what the real stages and the real extractor made: search, correct, look, label, explain."""

import json
import os
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clip_makers import clip_of
from tests.nodes.server.dashcam_devices import drive
from tests.nodes.server.test_api import Tokens, start, until
from tests.nodes.server.test_pages import CONTRAST, PASSWORD, UNLABELLED, Visitor
from tests.small_drives import write_ros2_drive

from winnow_operators.decisions import DecisionRow, decision
from winnow_runtime.ledger import LedgerWriter
from winnow_schemas.settings.dashcam import DashcamSettings, ProposerSettings
from winnow_schemas.sidecar import read_sidecar
from winnow_schemas.tasks import HEAVY_PROCESS_VIDEO, PREPROCESS_VIDEO, Payload, Place, TaskSpec
from winnow_server.accounts import Accounts, Role
from winnow_server.plates import ReviewState
from winnow_server.serving import TaskServer
from winnow_tools.classifier.dataset import read_labels
from winnow_tools.video.going import Watcher, go_through, open_stages

PLATE = "RK891AU"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short drives through all stages; one has a GPS log."""
    folder = tmp_path_factory.mktemp("review")
    videos = [drive(folder / "a.mp4", seed=1, plate=PLATE), drive(folder / "b.mp4", seed=2, plate="LH0157BC")]
    lines = [
        f"2026-11-20T10:00:{second:02}Z,48.{1000 + 7 * second},11.{5000 + 9 * second}" for second in range(20)
    ]
    videos[0].with_suffix(".csv").write_text("\n".join(["time,latitude,longitude", *lines]) + "\n")
    settings = DashcamSettings(threads=1, proposer=ProposerSettings(kind="none"))
    go_through(videos, folder / "out", settings, lambda: open_stages(settings), Watcher())
    return folder / "out"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vehicle's run with one clip."""
    folder = tmp_path_factory.mktemp("run")
    clip = clip_of(write_ros2_drive(folder / "drive", 8), folder / "cut", 8)
    out, sidecar = clip.parents[2], read_sidecar(clip.with_suffix(".json"))
    facts = {"start_ns": sidecar.start_ns, "end_ns": sidecar.end_ns, "name": sidecar.name}
    row = DecisionRow("clip", sidecar.start_ns, sidecar.clip_id, "cut", "It was cut: 937 messages.", facts)
    writer = LedgerWriter(out)
    writer.append([decision(row, node="extractor", run_id="r", wall_ns=sidecar.end_ns)])
    writer.close()
    return out


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    accounts = Accounts(tmp_path / "tokens.json")
    for role in (Role.VIEW, Role.REVIEW, Role.ADMIN):
        accounts.set_person(f"{role.name.lower()}er", role, PASSWORD)
    return {role.name.lower(): accounts.new_token(role.name.lower(), role) for role in Role}


@pytest.fixture(autouse=True)
def _command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`winnow` on PATH is this checkout's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    root = Path(__file__).parents[3]
    paths = ":".join(str(root / each) for each in ("nodes", "operators", "schemas", "tools"))
    program = folder / "winnow"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={paths} exec {sys.executable} -c "from winnow_tools.cli import main; main()" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def server(tmp_path: Path, tokens: Tokens, results: Path, run: Path) -> Iterator[TaskServer]:
    del tokens
    with start(tmp_path, results=[str(results)], runs={"shift": str(run)}) as running:
        until(lambda: sum(running.results.book.counts().values()) == 2)
        yield running


@pytest.fixture
def visitor(server: TaskServer) -> Callable[[str], Visitor]:
    def make(name: str) -> Visitor:
        one = Visitor(server.url)
        assert one.log_in(name) == 303
        return one

    return make


def plate_id(server: TaskServer, text: str = PLATE) -> str:
    found = [
        row.id
        for video in server.results.book.videos()
        for row in server.results.book.of_video(video.video)
        if row.text == text
    ]
    return found[0]


class TestPlates:
    def test_search(self, visitor: Callable[[str], Visitor]) -> None:
        one = visitor("viewer")
        found = {"", PLATE, "rk 891-au", "RK891A", "RK8Q1AV", "RK*", "*91?U", "%", "R*9*", "?K891A?"}
        missing = {"RX8Q1AV", "*91U", "_K891AU*", "?RK891AU", "RK8", "0"}
        for said in sorted(found | missing):
            status, text, _ = one.ask("/plates?q=" + urllib.parse.quote(said))
            assert status == 200
            assert (f">{PLATE}<" in text) is (said in found), said

    def test_exact_leaves_near_matches_out(self, visitor: Callable[[str], Visitor]) -> None:
        assert f">{PLATE}<" not in visitor("viewer").ask("/plates?q=RK891A&exact=1")[1]

    def test_a_plate_shows_crop_frame_votes_and_place(
        self, server: TaskServer, visitor: Callable[[str], Visitor]
    ) -> None:
        one = visitor("viewer")
        identity = plate_id(server)
        text = one.ask(f"/plates/{identity}")[1]
        assert "frames read RK891AU" in text
        assert 'class="track"' in text
        assert "48.1" in text
        for picture in ("crop", "frame"):
            with urllib.request.urlopen(
                urllib.request.Request(
                    f"{server.url}/plates/{identity}/{picture}.jpg", headers={"Cookie": one.cookie}
                )
            ) as reply:
                assert reply.read(3) == b"\xff\xd8\xff"
                assert reply.headers["Content-Type"] == "image/jpeg"
        assert one.ask(f"/plates/{identity}/passwd.jpg")[0] == 404
        assert one.ask("/plates/0123456789abcdef")[0] == 404
        assert one.ask("/plates/..%2f..%2fetc")[0] == 404

    def test_a_correction_is_found_and_outlasts_another_reading(
        self, server: TaskServer, visitor: Callable[[str], Visitor], results: Path
    ) -> None:
        one = visitor("reviewer")
        identity = plate_id(server)
        form = {"csrf": one.csrf(), "verdict": "correct", "text": "rk 777-zz"}
        assert one.ask(f"/plates/{identity}/review", form)[0] == 303
        assert ">RK777ZZ<" in one.ask("/plates?q=RK777Z")[1]
        assert one.ask(f"/plates?q={PLATE}&exact=1")[1].count('class="card plate"') == 0
        row = server.results.book.plate(identity)
        assert (row.text, row.read, row.state) == ("RK777ZZ", PLATE, ReviewState.CORRECTED)
        server.results.book.take_in(server.results.record(row.video), 0, "another stamp")
        assert server.results.book.plate(identity).text == "RK777ZZ"
        assert one.ask(f"/plates/{identity}/review", {"csrf": one.csrf(), "verdict": "open"})[0] == 303
        row = server.results.book.plate(identity)
        assert (row.text, row.state) == (PLATE, ReviewState.OPEN)

    def test_bad_reviews_change_nothing(self, server: TaskServer, visitor: Callable[[str], Visitor]) -> None:
        identity = plate_id(server)
        before = server.results.book.plate(identity)
        one = visitor("reviewer")
        for form, status in (
            ({"verdict": "correct", "text": "***"}, 422),
            ({"verdict": "correct", "text": ""}, 422),
            ({"verdict": "maybe"}, 422),
        ):
            assert one.ask(f"/plates/{identity}/review", {"csrf": one.csrf(), **form})[0] == status
        assert one.ask(f"/plates/{identity}/review", {"verdict": "confirm"})[0] == 403
        looker = visitor("viewer")
        assert (
            looker.ask(f"/plates/{identity}/review", {"csrf": looker.csrf(), "verdict": "confirm"})[0] == 403
        )
        assert server.results.book.plate(identity) == before

    def test_hostile_text_is_text(
        self, server: TaskServer, visitor: Callable[[str], Visitor], tmp_path: Path
    ) -> None:
        root = tmp_path / "hostile"
        (root / "records").mkdir(parents=True)
        evil = "<script>alert(1)</script>"
        record = {
            "video": f"/x/{evil}';DROP TABLE winnow_plates;--.mp4",
            "video_id": "f" * 16,
            "frames": 1,
            "kept": 1,
            "duration_ns": 1,
            "reasons": {evil: 1},
            "plates": [
                {
                    "id": "e" * 16,
                    "text": evil,
                    "confidence": 1.0,
                    "country": "DE",
                    "frames": 1,
                    "first_ns": 0,
                    "last_ns": 0,
                }
            ],
        }
        (root / "records" / f"{'f' * 16}.json").write_text(json.dumps(record))
        server.results.roots.append(root)
        assert server.results.look() == 1
        one = visitor("viewer")
        for path in (
            "/plates",
            f"/plates/{'e' * 16}",
            f"/films/{'f' * 16}",
            "/films",
            "/map",
            f"/plates?q={urllib.parse.quote(evil)}",
        ):
            status, text, _ = one.ask(path)
            assert status == 200, path
            assert "<script>alert" not in text, path

    @pytest.mark.parametrize(
        "change",
        [
            {"plates": [{"id": "../../../etc"}]},
            {"video_id": "0" * 16},
            {"plates": "x"},
            {"duration_ns": -1},
            {
                "plates": [
                    {
                        "id": "e" * 16,
                        "text": "A",
                        "confidence": 1,
                        "country": "",
                        "frames": 1,
                        "first_ns": 0,
                        "last_ns": 0,
                        "crop": "../../etc/passwd",
                    }
                ]
            },
        ],
    )
    def test_a_forged_record_is_told_once_and_shown_never(
        self, server: TaskServer, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        root = tmp_path / "forged"
        (root / "records").mkdir(parents=True)
        record = {
            "video": "x",
            "video_id": "f" * 16,
            "frames": 1,
            "kept": 1,
            "duration_ns": 1,
            "plates": [],
            **change,
        }
        (root / "records" / f"{'f' * 16}.json").write_text(json.dumps(record))
        server.results.roots.append(root)
        said: list[str] = []
        server.results.say = said.append
        assert server.results.look() + server.results.look() == 0
        assert len(said) == 1


class TestFilms:
    def test_the_timeline_says_why_and_the_video_plays_in_ranges(
        self, server: TaskServer, visitor: Callable[[str], Visitor]
    ) -> None:
        one = visitor("viewer")
        video = server.results.book.plate(plate_id(server)).video
        text = one.ask(f"/films/{video}")[1]
        assert "too soon" in text
        assert text.count('class="r-') > 2
        assert PLATE in text
        request = urllib.request.Request(
            f"{server.url}/films/{video}/video.mp4", headers={"Cookie": one.cookie, "Range": "bytes=4-11"}
        )
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 206
            assert reply.read()[:4] == b"ftyp"
        assert one.ask(f"/films/{video}/video.mp4", Range="bytes=99999999-")[0] == 416

    def test_again_with_other_thresholds(self, server: TaskServer, visitor: Callable[[str], Visitor]) -> None:
        one = visitor("adminer")
        video = server.results.book.plate(plate_id(server)).video
        form = {"csrf": one.csrf(), "name0": "gate.least_interval_ms", "value0": "900"}
        status, text, _ = one.ask(f"/films/{video}/again", form)
        assert (status, "No finished task" in text) == (422, True)
        payload = Payload(video=Place(share="indoor", path="a.mp4"))
        server.queue.add([TaskSpec(kind=PREPROCESS_VIDEO, key="a", payload=payload)])
        task = server.queue.claim([PREPROCESS_VIDEO], "d")
        assert task is not None
        server.queue.complete(task.id, "d", task.fence, {"video_id": video}, [])
        for bad in (
            {"name0": "plates.detector", "value0": "1"},
            {"name0": "gate.new_shift", "value0": "9"},
            {},
        ):
            assert one.ask(f"/films/{video}/again", {"csrf": one.csrf(), **bad})[0] == 422
        assert one.ask(f"/films/{video}/again", form)[0] == 303
        (added,) = server.queue.listing(kind=PREPROCESS_VIDEO, states=[], limit=1)
        assert added.payload.options == {"gate.least_interval_ms": 900}
        assert "was tried already" in one.ask(f"/films/{video}/again", form)[1]
        assert not server.queue.listing(kind=HEAVY_PROCESS_VIDEO)

    def test_tiles_only_where_the_settings_name_them(
        self, tmp_path: Path, tokens: Tokens, results: Path
    ) -> None:
        del tokens
        address = "https://tiles.example/{z}/{x}/{y}.png"
        with start(tmp_path, results=[str(results)], tiles=address) as server:
            until(lambda: sum(server.results.book.counts().values()) == 2)
            one = Visitor(server.url)
            one.log_in("viewer")
            _, text, headers = one.ask("/map")
            assert "https://tiles.example/" in text
            assert "img-src 'self' https://tiles.example" in headers["Content-Security-Policy"]
        with pytest.raises(ValueError, match="tiles"):
            start(tmp_path, tiles="https://x.example/{z}.png")


class TestClips:
    def test_list_label_and_take_away(
        self, server: TaskServer, visitor: Callable[[str], Visitor], tmp_path: Path
    ) -> None:
        one = visitor("reviewer")
        (clip,) = server.runs.clips()
        assert clip.sidecar.name in one.ask("/clips")[1]
        page = f"/clips/shift/{clip.sidecar.name}"
        assert clip.sidecar.triggers[0].type in one.ask(page)[1]
        assert one.ask(f"{page}/label", {"csrf": one.csrf(), "label": "near_miss"})[0] == 303
        assert one.ask(f"{page}/label", {"csrf": one.csrf(), "label": "party"})[0] == 422
        labels = tmp_path / "labels.csv"
        labels.write_text(one.ask("/clips/labels.csv")[1])
        assert read_labels(labels) == {clip.sidecar.clip_id: "near_miss"}
        assert "No clip fits" in one.ask("/clips?unlabelled=1")[1]
        assert one.ask(f"{page}/label", {"csrf": one.csrf(), "label": ""})[0] == 303
        assert server.runs.labels() == {}
        assert one.ask("/clips/shift/..%2f..%2fetc")[0] == 404
        assert one.ask("/clips/other/x")[0] == 404

    def test_viewers_read_ranges_without_a_cookie_until_the_address_ends(
        self, server: TaskServer, visitor: Callable[[str], Visitor]
    ) -> None:
        (clip,) = server.runs.clips()
        text = visitor("viewer").ask(f"/clips/shift/{clip.sidecar.name}")[1]
        address = re.findall(r'href="(http://[^"]+/open/[^"]+)"', text)[-1]
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Range": "bytes=0-7"})) as reply:
            assert reply.read() == b"\x89MCAP0\r\n"
            assert reply.headers["Access-Control-Allow-Origin"] == "*"
        asked = urllib.request.Request(address, method="OPTIONS")
        with urllib.request.urlopen(asked) as reply:
            assert "Range" in reply.headers["Access-Control-Allow-Headers"]
        stranger = Visitor(server.url)
        path = urllib.parse.urlsplit(address).path
        for wrong in (
            path.replace("/open/", "/open/1"),
            path.replace("/shift/", "/other/"),
            "/open/x/shift/y.mcap",
        ):
            assert stranger.ask(wrong)[0] == 404

    def test_pictures_signals_and_reasons(
        self, server: TaskServer, visitor: Callable[[str], Visitor]
    ) -> None:
        one = visitor("viewer")
        (clip,) = server.runs.clips()
        page = f"/clips/shift/{clip.sidecar.name}"
        status, text, headers = one.ask(f"{page}/signals")
        assert status == 200
        assert "<svg" in text or "<canvas" in text
        assert "sandbox allow-scripts" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        status, text, _ = one.ask(f"/why?run=shift&at={clip.sidecar.name}")
        assert status == 200
        assert '<ol class="story">' in text
        assert "937 messages" in text
        assert one.ask("/why?run=shift&at=--help")[0] == 422
        assert one.ask("/why?run=other&at=14:32")[0] == 404


@pytest.mark.browser
class TestInABrowser:
    def test_find_a_plate_correct_it_and_label_a_clip(self, server: TaskServer, browser: Any) -> None:
        browser.open(server.url + "/login")
        browser.run(
            f"document.getElementById('name').value='reviewer'; document.getElementById('password').value={json.dumps(PASSWORD)}"
        )
        browser.go("document.querySelector('main button').click()")
        browser.open(server.url + "/plates")
        browser.press("/")
        assert browser.run("document.activeElement.id") == "q"
        browser.run("document.getElementById('q').value = 'RK89?AU'")
        browser.go("document.querySelector('form[role=search] button').click()")
        assert browser.run("document.querySelectorAll('.plate').length") == 1
        until(lambda: browser.run("document.querySelector('.plate img').naturalWidth > 0"))
        browser.go("document.querySelector('.plate a').click()")
        assert browser.run("document.querySelector('h1').textContent") == PLATE
        browser.run("document.getElementById('text').value = 'RK891AV'")
        browser.go("document.querySelector('button[value=correct]').click()")
        assert browser.run("document.querySelector('h1').textContent") == "RK891AV"
        assert browser.run("document.querySelector('[role=status]').textContent") == "Corrected."
        assert server.results.book.plate(plate_id(server, "RK891AV")).state is ReviewState.CORRECTED
        (clip,) = server.runs.clips()
        browser.open(f"{server.url}/clips/shift/{clip.sidecar.name}")
        browser.run("document.getElementById('label').value = 'rare_maneuver'")
        browser.go("document.querySelector('form[action$=label] button').click()")
        assert browser.run("document.querySelector('[role=status]').textContent") == "Labelled."
        assert server.runs.labels() == {clip.sidecar.clip_id: "rare_maneuver"}
        video = server.results.book.plate(plate_id(server, "RK891AV")).video
        browser.open(f"{server.url}/films/{video}")
        until(lambda: browser.run("document.querySelector('video').readyState >= 1"))
        browser.run("document.querySelectorAll('[data-seek]')[2].click()")
        until(lambda: browser.run("document.querySelector('video').currentTime > 0"))
        assert browser.messages == []

    @pytest.mark.parametrize(
        ("width", "dark", "phone"),
        [(1280, False, False), (1280, True, False), (390, False, True), (390, True, True)],
    )
    def test_every_page_fits_and_is_accessible(
        self,
        server: TaskServer,
        browser: Any,
        visitor: Callable[[str], Visitor],
        width: int,
        dark: bool,
        phone: bool,
    ) -> None:
        one = visitor("adminer")
        name, _, value = one.cookie.partition("=")
        browser.open(server.url + "/login", width=width, dark=dark, phone=phone)
        browser.call("Network.setCookie", name=name, value=value, url=server.url)
        (clip,) = server.runs.clips()
        plate = server.results.book.plate(plate_id(server))
        pages = {
            "plates": "/plates", "plate": f"/plates/{plate.id}", "films": "/films", "film": f"/films/{plate.video}",
            "map": "/map", "clips": "/clips", "clip": f"/clips/shift/{clip.sidecar.name}", "why": "/why",
        }  # fmt: skip
        shots = os.environ.get("WINNOW_SHOTS", "")
        for label, path in pages.items():
            browser.open(server.url + path, width=width, dark=dark, phone=phone)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth"), path
            assert browser.run(UNLABELLED) == [], path
            assert browser.run(CONTRAST) == [], path
            assert browser.run(ACCESSIBLE) == [], path
            if shots:
                browser.shot(Path(shots) / f"{label}-{width}{'-dark' if dark else ''}.png", whole=True)
        wanted = [each for each in browser.messages if "thumbs.png" not in str(each)]
        assert wanted == []


ACCESSIBLE = """
(() => {
  const bad = [];
  if (document.querySelectorAll("h1").length !== 1) bad.push("one h1");
  if (document.querySelectorAll("main").length !== 1) bad.push("one main");
  if (!document.title) bad.push("title");
  for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) bad.push(image.outerHTML);
  for (const svg of document.querySelectorAll("svg[role=img]")) if (!svg.getAttribute("aria-label")) bad.push("svg without a name");
  for (const table of document.querySelectorAll("table")) if (![...table.querySelectorAll("thead th")].every((th) => th.scope === "col")) bad.push("th without scope");
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size !== ids.length) bad.push("ids twice");
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((each) => Number(each.tagName[1]));
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) bad.push("heading jumps"); });
  for (const link of document.querySelectorAll("a[href], button")) if (!(link.getAttribute("aria-label") || link.textContent).trim()) bad.push(link.outerHTML);
  if (document.querySelector("[tabindex]:not([tabindex='-1']):not([tabindex='0'])")) bad.push("positive tabindex");
  for (const box of document.querySelectorAll("button, select, input:not([type=hidden]):not([type=checkbox])")) {
    const at = box.getBoundingClientRect();
    if (at.height && at.height < 24) bad.push("small target " + box.outerHTML.slice(0, 60));
  }
  for (const node of document.querySelectorAll("[aria-describedby]")) if (!document.getElementById(node.getAttribute("aria-describedby"))) bad.push("describedby");
  return bad;
})()
"""
