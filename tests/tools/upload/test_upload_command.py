"""``winnow upload``: what it says of a queue on disk, and what it asks of a running uploader."""

import json

import pytest
from tests.fixtures.clips import make_clip
from tests.fixtures.fake_clock import FakeClock
from tests.fixtures.fake_object_store import FakeObjectStore
from typer.testing import CliRunner

from winnow_runtime.clock import SystemClock
from winnow_schemas.settings.device import VehicleSettings
from winnow_schemas.settings.upload import UploadSettings
from winnow_tools.cli import app
from winnow_uploader import UploadWorker
from winnow_uploader.control import read_control
from winnow_uploader.live import Live, limits_of, write_live

MB = 1_000_000


@pytest.fixture
def say():
    def invoke(*words, code=0):
        done = CliRunner().invoke(app, ["upload", *map(str, words)])
        assert done.exit_code == code, done.output
        return done.output

    return invoke


@pytest.fixture
def run(tmp_path):
    """A queue of three, of which the most urgent has arrived."""
    clock = FakeClock()
    clock.wall = SystemClock().wall_ns()
    worker = UploadWorker(
        UploadSettings(),
        VehicleSettings(id="v-1", airport="EGLL"),
        tmp_path,
        tmp_path / "state" / "uploader" / "queue",
        clock=clock,
        store=FakeObjectStore(clock).connect,
    )
    for name, priority, size in (("p0", 0, 1000), ("p1", 1, 2 * MB), ("p5", 5, 1000)):
        worker.add(make_clip(tmp_path, name, size, priority))
    worker.hold("id-p1", "a duplicate")
    while not worker.step().receipts:
        pass
    worker.step()
    worker.close()
    return tmp_path


@pytest.fixture
def live(run):
    """Makes as if an uploader ran."""

    def make(**changes):
        values = {
            "wall_ns": SystemClock().wall_ns(),
            "link": "cellular_5g",
            "link_reason": "wwan0 is up",
            "goodput_bytes_per_s": 2 * MB,
            "rate_bytes_per_s": 1.5 * MB,
            "clip_id": "",
            "unit_bytes": 0,
            "waiting": "1 x held: a duplicate",
            "paused": "",
            "settings": limits_of(UploadSettings()),
        }
        write_live(run / "state" / "uploader", Live(**(values | changes)))

    return make


def test_of_an_uploader_that_has_ended_it_says_what_is_left(say, run):
    text = say("status", run)
    assert "does not run" in text
    assert "1 done, 0 set aside" in text
    assert "2 clips, 2 MB to send" in text


def test_of_one_that_runs_it_says_the_link_and_what_waits(say, run, live):
    live()
    text = say("status", run, "--clips")
    assert "runs, 1.5 MB/s on the wire" in text
    assert "cellular_5g (wwan0 is up)" in text
    assert "waits     1 x held: a duplicate" in text
    assert "P5 waits for Wi-Fi" in text
    assert "held: a duplicate" in text


def test_the_forecast_has_the_time_and_the_rate(say, run, live):
    live(link="ethernet_depot", goodput_bytes_per_s=None)
    (line,) = [one for one in say("status", run).splitlines() if one.startswith("forecast")]
    assert "all P5 by " in line
    assert "UTC at 62.5 MB/s" in line
    assert "P1" not in line, "a clip on hold has no date"


def test_progress_counts_the_part_under_way(say, run, live):
    live(clip_id="id-p1", unit_bytes=MB)
    assert "sending   P1 p1: 1 MB of 2 MB (50%)" in say("status", run)


def test_as_json(say, run, live):
    live()
    value = json.loads(say("status", run, "--json"))
    assert (value["running"], value["link"], value["done"]) == (True, "cellular_5g", 1)
    assert {one["name"]: one["hold"] for one in value["clips"]} == {"p1": "a duplicate", "p5": ""}
    assert value["forecast"] == [
        {
            "class": "P5",
            "left_bytes": 1000,
            "done_wall_ns": None,
            "rate_bytes_per_s": 0.0,
            "waits_for": "wifi_depot",
            "over_midnight": False,
        }
    ]
    assert value["spent_today_bytes"]["P0"] > 1000
    live(wall_ns=SystemClock().wall_ns() - 60 * 10**9)
    assert json.loads(say("status", run, "--json"))["running"] is False


def test_pause_and_resume(say, run):
    folder = run / "state" / "uploader"
    assert "all but P0" in say("pause", run)
    assert "paused (all but P0)" in say("status", run)
    assert json.loads(say("pause", run, "--all", "--json")) == {"paused": "all"}
    assert read_control(folder).paused == "all"
    assert say("resume", run) == "Uploading goes on.\n"
    assert read_control(folder).paused == ""


def test_now_by_the_beginning_of_a_name(say, run):
    assert "p5 (P5, 1 kB to send) goes first when the uploader runs" in say("now", run, "p5")
    say("now", run, "id-p1", "--json")
    assert read_control(run / "state" / "uploader").urgent == ("id-p5", "id-p1")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("now", "p"), "2 clips begin with 'p'"),
        (("now", "p0"), "No clip whose name or id begins with 'p0' waits"),
        (("now", ""), "No clip whose name"),
    ],
)
def test_which_clip_is_not_clear(say, run, words, sentence):
    command, clip = words
    assert sentence in say(command, run, clip, code=2)
    assert read_control(run / "state" / "uploader").urgent == ()


@pytest.mark.parametrize("words", [("status",), ("pause",), ("resume",), ("now", "x")])
def test_a_folder_without_an_uploader_is_one_sentence(say, tmp_path, words):
    command, *rest = words
    output = say(command, tmp_path, *rest, code=2)
    assert output.count("\n") == 1
    assert "No uploader has worked in" in output


def test_a_damaged_queue_is_one_sentence(say, run):
    (run / "state" / "uploader" / "queue" / "uploads.db").write_bytes(b"nonsense" * 1000)
    assert "cannot be read" in say("status", run, code=4)
