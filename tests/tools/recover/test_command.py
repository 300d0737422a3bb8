"""`winnow recover`: exit codes, files, reports, full disks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcap.reader import make_reader
from tests.mcap_spec import read
from tests.recording_makers import Sent, in_play_order, write_mcap, write_ros1
from tests.recovering import read_indexed
from typer.testing import CliRunner

from winnow_runtime.salvage.recovery import recover_file
from winnow_schemas.errors import UnavailableError
from winnow_tools.cli import app

T0 = 1_700_000_000_000_000_000
MESSAGES = [Sent(f"/t{i % 2}", T0 + i * 1000, bytes([65 + i]) * 500) for i in range(24)]
ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["recover", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return write_mcap(tmp_path / "run.mcap", MESSAGES, chunk_bytes=2000)


def test_a_whole_file_is_clean(whole: Path):
    before = whole.read_bytes()
    code, text = run(whole)
    assert code == 0
    assert "everything in it was recovered (24 messages of 2 topics)" in text
    output = whole.with_name("run.recovered.mcap")
    assert read_indexed(output.read_bytes()) == read(before)
    assert whole.read_bytes() == before
    report = json.loads(output.with_name(output.name + ".report.json").read_text())
    assert report["outcome"] == "clean"
    assert report["messages"] == 24
    assert {path.name for path in whole.parent.iterdir()} == {
        "run.mcap",
        "run.recovered.mcap",
        "run.recovered.mcap.report.json",
    }


def test_a_cut_file_is_lossy_and_says_what_is_lost(whole: Path, tmp_path: Path):
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    out = tmp_path / "out.mcap"
    code, text = run(whole, "-o", out, "--json")
    assert code == 3
    (report,) = json.loads(text)["files"]
    assert report["outcome"] == "lossy"
    assert report["output"] == str(out)
    assert report["skipped"][0]["offset"] < len(data) // 2
    assert report["skipped"][0]["reason"]
    assert report["messages"] == sum(topic["messages"] for topic in report["topics"])
    assert read_indexed(out.read_bytes()) == read(data[: len(data) // 2])
    assert json.loads((tmp_path / "out.mcap.report.json").read_text()) == report


def test_nothing_to_save_writes_nothing(tmp_path: Path):
    for number, data in enumerate([b"", b"hello", bytes(10_000), os.urandom(50_000), b"\x89MCAP0\r\n"]):
        path = tmp_path / f"{number}.mcap"
        path.write_bytes(data)
        code, text = run(path)
        assert code == 2, text
        assert "nothing" in text
        assert not path.with_name(f"{number}.recovered.mcap").exists()
        assert not path.with_name(f"{number}.recovered.mcap.report.json").exists()


def test_what_is_something_else_is_said(tmp_path: Path):
    for name, data in {"a.gz": b"\x1f\x8b" + bytes(99), "b.db3": b"SQLite format 3\x00" + bytes(99)}.items():
        (tmp_path / name).write_bytes(data)
        code, text = run(tmp_path / name)
        assert code == 2
        assert "only MCAP files and ROS 1 bags are recovered" in text
    code, text = run(tmp_path / "absent.mcap")
    assert code == 2
    assert "No such file" in text
    code, text = run(tmp_path)
    assert code == 2
    assert "is not a file" in text


def test_nothing_is_overwritten_unasked_and_never_the_input(whole: Path, tmp_path: Path):
    out = tmp_path / "out.mcap"
    out.write_bytes(b"mine")
    code, text = run(whole, "-o", out)
    assert (code, out.read_bytes()) == (2, b"mine")
    assert "--force" in text
    before = whole.read_bytes()
    code, text = run(whole, "-o", whole, "--force")
    assert (code, whole.read_bytes()) == (2, before)
    assert "never changed" in text
    assert run(whole, "-o", out, "--force")[0] == 0
    assert len(read_indexed(out.read_bytes())) == 24


def test_several_files_get_one_result_each_and_the_worst_counts(whole: Path, tmp_path: Path):
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole.read_bytes()[:-3000])
    junk = tmp_path / "junk.mcap"
    junk.write_bytes(bytes(100))
    folder = tmp_path / "out"
    folder.mkdir()
    assert run(whole, cut, "-o", folder)[0] == 3
    code, text = run(whole, cut, junk, "-o", folder, "--force")
    assert code == 2
    assert "nothing written" in text
    assert {path.name for path in folder.glob("*.mcap")} == {"run.recovered.mcap", "cut.recovered.mcap"}
    assert run(whole, cut, "-o", tmp_path / "one.mcap")[0] == 2
    twin = tmp_path / "other" / "run.mcap"
    twin.parent.mkdir()
    shutil.copy(whole, twin)
    code, text = run(whole, twin, "-o", folder, "--force")
    assert code == 2
    assert "both become" in text


def test_strict_leaves_out_what_is_not_proven(whole: Path, tmp_path: Path):
    data = bytearray(whole.read_bytes())
    data[200] ^= 1  # a payload byte of the first chunk
    whole.write_bytes(data)
    code, text = run(whole, "-o", tmp_path / "a.mcap", "--json")
    (free,) = json.loads(text)["files"]
    assert (code, free["messages"]) == (3, 24)
    assert free["unverified"] > 0
    code, text = run(whole, "-o", tmp_path / "b.mcap", "--strict", "--json")
    (strict,) = json.loads(text)["files"]
    assert (code, strict["unverified"]) == (3, 0)
    assert strict["left_out"] == free["unverified"]
    assert strict["messages"] == 24 - free["unverified"]


@pytest.mark.parametrize("compression", ["none", "bz2", "lz4"])
def test_a_cut_bag_becomes_an_mcap_file(tmp_path: Path, compression: str):
    path = write_ros1(tmp_path / "a.bag", MESSAGES, compression=compression, chunk_bytes=2000)
    everything = in_play_order(MESSAGES)
    data = path.read_bytes()
    active = tmp_path / "b.bag.active"
    active.write_bytes(data[: int(len(data) * 0.6)])
    assert run(path)[0] == 0
    code, text = run(active)
    assert code == 3
    assert "cut off" in text
    for output, whole in ((tmp_path / "a.recovered.mcap", True), (tmp_path / "b.recovered.mcap", False)):
        with output.open("rb") as file:
            got = [
                (channel.topic, message.log_time, message.publish_time, message.data)
                for schema, channel, message in make_reader(file).iter_messages()
                if schema is not None and schema.encoding == "ros1msg"
            ]
        assert got == everything[: len(got)]
        assert (len(got) == len(everything)) == whole
        assert len(got) > 2


def test_a_folder_that_cannot_be_written(whole: Path, tmp_path: Path):
    with pytest.raises(UnavailableError, match="nothing was written"):
        recover_file(whole, Path("/proc/out.mcap"))
    code, text = run(whole, "-o", tmp_path / "absent" / "out.mcap")
    assert code == 2
    assert "does not exist" in text


MOUNTED = """
set -e
mount -t tmpfs -o size={size} tmpfs "$1"
{then}
"$2" -m winnow_tools.cli_entry recover "$3" -o "$1/out.mcap" || code=$?
ls -A "$1"
exit ${{code:-0}}
"""


def in_namespace(tmp_path: Path, whole: Path, *, size: str, then: str) -> subprocess.CompletedProcess[str]:
    """Recover into a small file system of our own, in a mount namespace that ends with the command."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here (unshare -rm)")
    folder = tmp_path / "small"
    folder.mkdir()
    script = MOUNTED.replace("-m winnow_tools.cli_entry", "-c 'from winnow_tools.cli import main; main()'")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [
            "unshare",
            "-rm",
            "sh",
            "-c",
            script.format(size=size, then=then),
            "sh",
            folder,
            sys.executable,
            whole,
        ],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path):
    sent = [message._replace(data=os.urandom(40_000)) for message in MESSAGES]
    whole = write_mcap(tmp_path / "run.mcap", sent, chunk_bytes=100_000)
    result = in_namespace(tmp_path, whole, size="256k", then="")
    assert result.returncode == 4, result.stderr
    assert result.stdout == ""  # the folder is empty
    (sentence,) = result.stderr.strip().splitlines()
    assert "There is no room in" in sentence
    assert "nothing was written" in sentence
    roomy = tmp_path / "roomy"
    roomy.mkdir()
    assert in_namespace(roomy, whole, size="8m", then="").returncode == 0


def test_a_read_only_folder_is_one_sentence(tmp_path: Path, whole: Path):
    result = in_namespace(tmp_path, whole, size="8m", then='mount -o remount,ro "$1"')
    assert result.returncode == 4, result.stderr
    (sentence,) = result.stderr.strip().splitlines()
    assert "Read-only file system" in sentence
    assert "nothing was written" in sentence
