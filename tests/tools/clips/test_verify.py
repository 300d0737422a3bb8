"""`winnow clips verify` on real clips: clean ones pass, and no kind of damage does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clip_tampering import Record, records_of, rewrite, seal
from tests.fixtures.runs import FinishedRun
from tests.small_drives import LATCHED
from typer.testing import CliRunner

from winnow_tools.cli import app
from winnow_tools.clips.verify import ClipCheck

pytestmark = [pytest.mark.graph, pytest.mark.timeout(600)]
TOPIC = "/odom/twist"


def verify(run: FinishedRun, *options: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of the comparison with the recording."""
    arguments = ["clips", "verify", run.out, "--against", run.recording, "--json", *options]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert "Traceback" not in result.output
    return result.exit_code, json.loads(result.stdout)


def middle_clip(run: FinishedRun) -> Path:
    """The clip of the middle sample, whose window is whole."""
    return sorted((run.out / "clips").rglob("*.mcap"))[1]


def places(records: list[Record], topic: str = TOPIC) -> list[int]:
    return [place for place, record in enumerate(records) if record.topic == topic]


def drop(records: list[Record]) -> list[Record]:
    del records[places(records)[3]]
    return records


def double(records: list[Record]) -> list[Record]:
    place = places(records)[3]
    return [*records[: place + 1], records[place], *records[place + 1 :]]


def invent(records: list[Record]) -> list[Record]:
    place = places(records)[3]
    return [*records[:place], records[place].but(t_ns=records[place].t_ns + 1), *records[place:]]


def flip_a_bit(records: list[Record]) -> list[Record]:
    place = places(records)[3]
    data = bytearray(records[place].data)
    data[-1] ^= 1
    records[place] = records[place].but(data=bytes(data))
    return records


def publish_later(records: list[Record]) -> list[Record]:
    place = places(records)[3]
    records[place] = records[place].but(pub_ns=records[place].pub_ns + 1)
    return records


def swap_places(records: list[Record]) -> list[Record]:
    one, other = places(records)[3:5]
    records[one], records[other] = records[other], records[one]
    return records


def swap_payloads(records: list[Record]) -> list[Record]:
    one, other = places(records)[3:5]
    first, second = records[one].data, records[other].data
    records[one], records[other] = records[one].but(data=second), records[other].but(data=first)
    return records


def move_to_another_topic(records: list[Record]) -> list[Record]:
    place, other = places(records)[3], records[places(records, "/range/front")[0]]
    records[place] = records[place].but(topic=other.topic, channel=other.channel, schema=other.schema)
    return records


def move_before_the_window(records: list[Record]) -> list[Record]:
    place = places(records)[0]
    records[place] = records[place].but(t_ns=records[place].t_ns - 10**10)
    return records


def change_what_is_latched(records: list[Record]) -> list[Record]:
    place = places(records, LATCHED)[0]
    data = records[place].data
    records[place] = records[place].but(data=data.replace(b"robot", b"rabot"))
    assert records[place].data != data
    return records


def forget_what_is_latched(records: list[Record]) -> list[Record]:
    return [record for record in records if record.topic != LATCHED]


def invent_a_latched_one(records: list[Record]) -> list[Record]:
    latched = records[places(records, LATCHED)[0]]
    return [latched.but(t_ns=latched.t_ns - 5), *records]


def test_clean_clips_pass_and_latched_messages_are_counted_apart(ros2_run: FinishedRun):
    code, said = verify(ros2_run)
    assert code == 0
    assert said == {
        "clips": 3,
        "missing": 0,
        "extra": 0,
        "changed": 0,
        "reordered": 0,
        "latched": 2,  # the first clip has the description in its window
        "clips_with_missing_messages": 0,
        "problems": 0,
        "bad": [],
        "unreadable": [],
    }


@pytest.mark.parametrize(
    ("damage", "counts"),
    [
        (drop, {"missing": 1}),
        (double, {"extra": 1}),
        (invent, {"extra": 1}),
        (flip_a_bit, {"changed": 1}),
        (publish_later, {"changed": 1}),
        (swap_places, {"reordered": 2}),
        (swap_payloads, {"changed": 2}),
        (move_to_another_topic, {"missing": 1, "extra": 1}),
        (move_before_the_window, {"missing": 1, "extra": 1}),
        (change_what_is_latched, {"changed": 1}),
        (invent_a_latched_one, {"extra": 1}),
    ],
)
def test_damage_is_counted_although_the_sidecar_agrees_with_it(
    own_copy: FinishedRun, damage: Callable[[list[Record]], list[Record]], counts: dict[str, int]
):
    clip = middle_clip(own_copy)
    rewrite(clip, damage)
    code, said = verify(own_copy)
    assert code == 1
    assert {key: said[key] for key in ("missing", "extra", "changed", "reordered") if said[key]} == counts
    assert [bad["name"] for bad in said["bad"]] == [clip.stem]


def test_a_rewritten_clip_with_the_same_messages_is_good(own_copy: FinishedRun):
    rewrite(middle_clip(own_copy), lambda records: records)
    assert verify(own_copy)[0] == 0


def test_another_schema_is_found(own_copy: FinishedRun):
    def other_schema(records: list[Record]) -> list[Record]:
        schema = records[places(records)[0]].schema
        schema.data = schema.data.replace(b"twist", b"twost")
        return records

    rewrite(middle_clip(own_copy), other_schema)
    code, said = verify(own_copy)
    assert code == 1
    assert said["bad"][0]["problems"] == [
        f"{middle_clip(own_copy).name}: encoding or schema of {TOPIC} are not the recording's."
    ]


def test_a_latched_message_that_the_sidecar_promises_must_be_there(own_copy: FinishedRun):
    clip = middle_clip(own_copy)
    sidecar = json.loads(clip.with_suffix(".json").read_bytes())
    promised = sidecar["latched"]
    rewrite(clip, forget_what_is_latched)
    changed = json.loads(clip.with_suffix(".json").read_bytes()) | {"latched": promised}
    clip.with_suffix(".json").write_text(json.dumps(changed))
    code, said = verify(own_copy)
    assert code == 1
    assert any(
        f"of {LATCHED} at" in problem and "not in the file" in problem
        for problem in said["bad"][0]["problems"]
    )


def flip_a_byte(clip: Path) -> None:
    data = bytearray(clip.read_bytes())
    data[len(data) // 3] ^= 0x40
    clip.write_bytes(data)


def cut(clip: Path) -> None:
    clip.write_bytes(clip.read_bytes()[:-1000])


def cut_and_seal(clip: Path) -> None:
    cut(clip)
    seal(clip)


def edit_the_sidecar(**values: Any) -> Callable[[Path], None]:
    def edit(clip: Path) -> None:
        sidecar = json.loads(clip.with_suffix(".json").read_bytes())
        clip.with_suffix(".json").write_text(json.dumps(sidecar | values))

    return edit


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (flip_a_byte, "the SHA-256 differs from the sidecar's"),
        (cut, "bytes, its sidecar says"),
        (cut_and_seal, "cannot be read"),
        (lambda clip: clip.write_bytes(b""), "cannot be read"),
        (
            lambda clip: clip.write_bytes(b"not an mcap file at all, but long enough to be looked at"),
            "cannot be read",
        ),
        (lambda clip: clip.unlink(), "is not there, though it was cut"),
        (lambda clip: clip.with_suffix(".json").unlink(), "cannot be read (No such file or directory)"),
        (lambda clip: clip.with_suffix(".json").write_text("{"), "is not a clip's sidecar"),
        (lambda clip: clip.with_suffix(".json").write_text("[" * 5000), "is not a clip's sidecar"),
        (edit_the_sidecar(sha256="0" * 64), "the SHA-256 differs from the sidecar's"),
        (edit_the_sidecar(messages=7), "its sidecar says 7"),
        (edit_the_sidecar(priority=0), "the one inside differ in priority"),
        (edit_the_sidecar(vehicle_id="x"), "differ in vehicle_id"),
    ],
)
def test_damaged_files_are_found_without_a_recording_too(
    own_copy: FinishedRun, damage: Callable[[Path], None], part: str
):
    damage(middle_clip(own_copy))
    result = CliRunner().invoke(app, ["clips", "verify", str(own_copy.out)])
    assert result.exit_code == 1
    assert part in result.stdout
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert verify(own_copy)[0] == 1


def test_a_clip_without_any_trace_is_missed_in_a_runs_folder(own_copy: FinishedRun):
    clip = middle_clip(own_copy)
    for file in clip.parent.glob(f"{clip.stem}.*"):
        file.unlink()
    code, said = verify(own_copy)
    assert code == 1
    assert said["clips"] == 3
    assert said["bad"][0]["problems"] == [f"{clip} is not there, though it was cut."]


def test_clips_that_say_of_themselves_that_messages_are_missing_are_counted(own_copy: FinishedRun):
    hole = {"topic": "/imu", "count": 3, "start_ns": 1, "end_ns": 2, "reason": "gone"}
    clip = middle_clip(own_copy)
    edit_the_sidecar(missing=[hole])(clip)
    assert verify(own_copy)[1]["clips_with_missing_messages"] == 1
    result = CliRunner().invoke(app, ["clips", "verify", str(clip)])
    assert "; 1 clip says of itself that messages are missing (" in result.stdout


@pytest.mark.parametrize(
    ("holes", "part"),
    [([0, 0], ""), ([1, 0], "1 clip says of itself"), ([2, 1], "2 clips say of themselves")],
)
def test_holes_that_clips_admit_are_no_failure(monkeypatch, holes: list[int], part: str):
    checks = [ClipCheck(f"c{n}", Path(f"c{n}.mcap"), holes=count) for n, count in enumerate(holes)]
    monkeypatch.setattr("winnow_tools.clips.command.verify", lambda *_: checks)
    result = CliRunner().invoke(app, ["clips", "verify", "here"])
    assert result.exit_code == 0
    assert result.stdout.startswith("2 clips: 0 missing, 0 extra, 0 changed")
    assert part in result.stdout
    assert ("messages are missing" in result.stdout) == bool(part)


def test_a_changed_window_is_found(own_copy: FinishedRun):
    clip = middle_clip(own_copy)
    sidecar = json.loads(clip.with_suffix(".json").read_bytes())
    edit_the_sidecar(end_ns=sidecar["end_ns"] + 10**9)(clip)
    code, said = verify(own_copy)
    assert code == 1
    assert said["missing"] > 0


def test_no_clips_are_a_failure_not_a_success(tmp_path: Path, ros2_run: FinishedRun):
    result = CliRunner().invoke(app, ["clips", "verify", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (
        1,
        f"There is no clip in {tmp_path}; nothing was verified.\n",
    )
    result = CliRunner().invoke(
        app, ["clips", "verify", str(tmp_path), "--against", str(ros2_run.recording), "--json"]
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout)["clips"] == 0


def test_one_clip_can_be_verified_alone(own_copy: FinishedRun):
    clip = middle_clip(own_copy)
    arguments = ["clips", "verify", str(clip), "--against", str(own_copy.recording)]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (
        0,
        "1 clip: 0 missing, 0 extra, 0 changed; 1 latched from before their windows.\n",
    )
    rewrite(clip, drop)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert f"{clip.stem}: 1 missing, 0 extra, 0 changed, 0 reordered" in result.stdout


def test_another_recording_does_not_fit(own_copy: FinishedRun, tmp_path: Path):
    from tests.small_drives import write_json_drive

    other = write_json_drive(tmp_path / "other.mcap", duration_s=12)
    code, said = verify(FinishedRun(other, own_copy.graph, own_copy.out, {}))
    assert code == 1
    assert said["changed"] > 100


def test_a_damaged_recording_is_said(own_copy: FinishedRun, tmp_path: Path):
    torn = tmp_path / "torn.mcap"
    data = own_copy.recording.read_bytes()
    torn.write_bytes(data[: len(data) // 2])
    _, said = verify(FinishedRun(torn, own_copy.graph, own_copy.out, {}))
    assert said["unreadable"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["none"], "none does not exist; name a run's folder, a folder of clips, or a clip."),
        ([".", "--against", "none.mcap"], "none.mcap"),
        ([".", "--against", "text.txt"], "text.txt"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(tmp_path: Path, monkeypatch, arguments: list[str], part: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("just a text, and no recording of anything\n" * 10)
    result = CliRunner().invoke(app, ["clips", "verify", *arguments])
    assert result.exit_code == 2
    assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_records_are_what_the_reader_gives(ros2_run: FinishedRun):
    """The tampering above starts from what is really there."""
    records = records_of(middle_clip(ros2_run))
    assert len(records) > 500
    assert len(places(records)) > 100
    assert len(places(records, LATCHED)) == 1
