"""Whole graphs on recordings: scaffold, two triggers more, run at full speed, verify every message.

Each row says what fraction of a plain reading's speed the whole graph reached (the same reader, reading the
same recording in the same run, one process): that is what ring, triggers, recorder, extractor, classifier,
redactor and ledger cost together. The two triggers are the first two examples that the scaffold offers.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from winnow_operators.sim import Simulator
from winnow_runtime.recordings import open_recording
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation import load_script
from winnow_sim.export import Compression, export
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row
from winnow_tools.clips.verify import totals, verify
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import Outcome, run
from winnow_tools.scaffold.make import default_memory_mib, make_scaffold

SHM = Path("/dev/shm")  # noqa: S108 - where rings live by default
ADDED_TRIGGERS = 2
_LISTED_DEPTH = 2
_EXAMPLE = re.compile(r"((?:^    # .*\n)*?)^    # (\w+):\n((?:^    #   .*\n)+)", re.MULTILINE)


def measure(load: Load) -> Measured:
    """Run every recording of ``load.recordings`` that has an end and messages, or a generated one."""
    rows: list[Row] = []
    paths = list(found(load.recordings)) if load.recordings else [_generated(load)]
    for path in paths:
        load.say(f"{path.name} ...")
        rows += _rows(path, load.scratch / path.stem)
    where = (
        "recordings that the user named"
        if load.recordings
        else "a recording that the simulator made, of 40 s"
    )
    return Measured(rows, f"{where}, at full speed, {ADDED_TRIGGERS} triggers beside the time sample", 1)


def found(folder: Path) -> Iterator[Path]:
    """Recordings in a folder and its folders; damaged ones (in a folder ``negative``) are left to tests."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if len(parts) > _LISTED_DEPTH or "negative" in parts or (path.parent / "metadata.yaml").exists():
            continue
        if path.suffix in (".bag", ".mcap") or (path / "metadata.yaml").exists():
            try:
                open_recording(path).close()
            except BadInputError:
                continue
            yield path


def with_triggers(settings: str, count: int) -> tuple[str, list[str]]:
    """The settings with the first examples made active, and their names."""
    names: list[str] = []

    def activate(match: re.Match[str]) -> str:
        if len(names) >= count:
            return match[0]
        names.append(match[2])
        body = "".join(f"    {line[6:]}\n" for line in match[3].splitlines())
        return f"{match[1]}    {match[2]}:\n{body}"

    return _EXAMPLE.sub(activate, settings), names


def _rows(path: Path, folder: Path) -> list[Row]:
    messages, size, plain_s = _plain_reading(path)
    scaffold = make_scaffold(path, folder, memory_mib=default_memory_mib(SHM))
    text, names = with_triggers(scaffold.settings.read_text("utf-8"), ADDED_TRIGGERS)
    scaffold.settings.write_text(text, "utf-8")
    outcome = run(RunRequest(scaffold.graph, folder / "out", speed="max"), SHM, lambda _: None)
    summary = outcome.summary
    with open_recording(path) as recording:
        checked = totals(verify(folder / "out" / "clips", recording.messages()))
    wrong = checked["missing"] + checked["extra"] + checked["changed"] + checked["problems"]
    beside = {
        "messages": summary["messages"],
        "plain reading, messages/s": messages / plain_s,
        "part of it": summary["messages_per_s"] * plain_s / messages,
        "triggers": ", ".join(names) or "none: no numeric field",
        "events": sum(summary["triggers"].values()),
    }
    sizes = {"plain reading, MB/s": size / plain_s / 1e6, "bytes": summary["bytes"]}
    return [
        Row(f"messages/s, {path.name}", summary["messages_per_s"], "messages/s", beside=beside),
        Row(f"MB/s, {path.name}", summary["mb_per_s"], "MB/s", beside=sizes),
        Row(f"missing, extra or changed, {path.name}", wrong, "messages", "== 0", checked),
        Row(f"lost or unread, {path.name}", _lost(outcome, messages), "messages", "== 0"),
    ]


def _lost(outcome: Outcome, messages: int) -> int:
    """Messages of the recording that the ring did not count as taken in; all of them when the run failed."""
    if outcome.exit_code not in (0, 3):
        return messages
    return int(outcome.summary["lost"]) + abs(messages - int(outcome.summary["messages"]))


def _plain_reading(path: Path) -> tuple[int, int, float]:
    """Messages, bytes and seconds of reading the recording and doing nothing with it."""
    count = size = 0
    begin = perf_counter()
    with open_recording(path) as recording:
        for message in recording.messages():
            count += 1
            size += len(message.data)
    return count, size, perf_counter() - begin


def _generated(load: Load) -> Path:
    """The quiet script's full suite with everything that it has, in small clouds and images."""
    load.say("no --recordings: the simulator makes one ...")
    script = load_script("quiet").model_copy(update={"duration_s": 40.0})
    path = load.scratch / "simulated.mcap"
    export(Simulator(script, 1, 0.1), path, compression=Compression.LZ4, on_progress=None)
    return path
