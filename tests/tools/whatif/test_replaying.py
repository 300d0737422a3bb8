"""One pass over a recording decides what a plain reading of all its messages decides."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.recording_makers import Sent, write_mcap
from tests.whatif_drives import (
    DURATION_S,
    START_NS,
    drive,
    settings_of,
    write_bag,
    write_cdr,
    write_json,
)

from winnow_operators.clips.judging import Amount, judge, make_budget
from winnow_operators.clips.parts import PartBefore
from winnow_operators.clips.windows import WindowPlanner
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.feeding import resolve, signals_wanted
from winnow_operators.triggers.signals import SignalReader
from winnow_runtime.recordings import open_recording
from winnow_schemas.messages import TriggerEvent
from winnow_tools.whatif.replaying import first_and_last, replay_all
from winnow_tools.whatif.variant import Decided, Variant, load_variants

S = 1_000_000_000


def variant(folder: Path, settings: dict[str, Any], name: str = "settings.yml") -> Variant:
    path = folder / name
    path.write_text(yaml.safe_dump(settings), "utf-8")
    return load_variants([path])[0]


def asked(recording: Path, *variants: Variant) -> tuple[Decided, ...]:
    (replayed,) = replay_all([recording], variants)
    return replayed.decided


def comparable(decided: Decided) -> list[Any]:
    return sorted(row.to_json() for row in decided.decisions)


def with_drops(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "topics": {"/zoom/image": {"kind": "camera", "drop_order": 20}}}


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp("drive") / "drive.bag")


def test_equals_a_plain_reading(bag: Path, tmp_path: Path):
    """Everything in memory, sorted, one message after the other, windows counted by hand."""
    chosen = variant(tmp_path, with_drops(settings_of("ros")))
    settings = chosen.settings
    with open_recording(bag) as recording:
        messages = [message._replace(data=bytes(message.data)) for message in recording.messages()]
    messages.sort(key=lambda message: (message.t_ns, message.channel.topic))
    inputs, resolution = resolve(settings, chosen.document)
    engine = TriggerEngine(resolution.require(), inputs, settings.triggers)
    channels = list(dict.fromkeys(message.channel for message in messages))
    reader = SignalReader(signals_wanted(settings, engine.signals), "", channels.__getitem__)
    engine.start(messages[0].t_ns)
    outcomes = []
    for message in messages:
        if message.channel.topic in reader.topics:
            number = channels.index(message.channel)
            signals, _ = reader.read(message.channel.topic, number, message.t_ns, message.data)
            outcomes += engine.update_all(message.t_ns, signals)
    outcomes += engine.finish(messages[-1].t_ns)
    events = [outcome for outcome in outcomes if isinstance(outcome, TriggerEvent)]
    planner = WindowPlanner(15 * S)
    for event in events:
        planner.add(event)
    budget, clips = make_budget(settings.clips), []
    before = PartBefore()
    for planned in planner.finish(messages[-1].t_ns):
        plan = before.reaching_back(planned)
        amounts: dict[str, Amount] = {}
        for message in messages:
            topic = message.channel.topic
            if plan.start_ns <= message.t_ns < plan.end_ns and (not plan.topics or topic in plan.topics):
                count, size = amounts.get(topic, (0, 0))
                amounts[topic] = Amount(count + 1, size + len(message.data))
        judged = judge(plan, amounts, settings, budget)
        before.came_of(plan, is_whole=judged.cut and not judged.left_out)
        kept = [amount for topic, amount in amounts.items() if topic not in judged.left_out]
        clips.append(
            (plan, judged, sum(one.messages for one in kept), sum(one.payload_bytes for one in kept))
        )
    (found,) = asked(bag, chosen)
    assert list(found.events) == events
    assert [(one.plan, one.judged, one.messages, one.payload_bytes) for one in found.clips] == clips
    outcomes_of_clips = {one.judged.outcome for one in found.clips}
    assert outcomes_of_clips == {"cut", "over budget"}
    assert any(one.judged.left_out for one in found.clips)
    assert any(one.plan.truncated for one in found.clips)


def test_container_and_chunks_do_not_matter(bag: Path, tmp_path: Path):
    chosen = variant(tmp_path, settings_of("ros"))
    (from_bag,) = asked(bag, chosen)
    small = write_cdr(tmp_path / "small.mcap", chunk_bytes=3_000)
    large = write_cdr(tmp_path / "large.mcap", chunk_bytes=3_000_000)
    (one,), (two,) = asked(small, chosen), asked(large, chosen)
    assert comparable(one) == comparable(two)
    assert from_bag.events == one.events


def test_settings_side_by_side_decide_as_each_alone(bag: Path, tmp_path: Path):
    """With shared signals and with others, in any company."""
    first = settings_of("ros")
    second = settings_of("ros", clips={"max_length_s": 40})
    third = settings_of("ros")
    third["signals"] = {"speed": first["signals"]["speed"]}
    third["position"] = {}
    third["triggers"] = {"library": "none", "set": {"flicker": first["triggers"]["set"]["flicker"]}}
    variants = [
        variant(tmp_path, settings, f"{place}.yml") for place, settings in enumerate((first, second, third))
    ]
    together = asked(bag, *variants)
    for one, alone in zip(together, variants, strict=True):
        assert comparable(one) == comparable(asked(bag, alone)[0])
    assert len({len(one.clips) for one in together}) > 1


def test_only_topics_of_signals_are_decoded(bag: Path, tmp_path: Path):
    settings = settings_of("ros")
    settings["triggers"] = {"library": "none", "set": {"long_stop": settings["triggers"]["set"]["long_stop"]}}
    settings["position"] = {}
    (replayed,) = replay_all([bag], [variant(tmp_path, settings)])
    assert replayed.topics == ("/vehicle/speed",)
    assert replayed.messages == round(DURATION_S * 10)
    assert (replayed.start_ns, replayed.end_ns) == (START_NS, START_NS + round(DURATION_S * S) - S // 50 + 1)


def test_time_alone_can_fire(tmp_path: Path):
    """A trigger without any signal: the first and the last message of other topics are its clock."""
    recording = write_json(tmp_path / "drive.mcap", drive(31))
    trigger = {"when": "every(10 s)", "priority": "P5", "pre_roll_s": 1, "post_roll_s": 1, "cooldown_s": 0}
    chosen = variant(tmp_path, {"triggers": {"library": "none", "set": {"tick": trigger}}})
    (found,) = asked(recording, chosen)
    assert [event.t_ns - START_NS for event in found.events] == [10 * S, 20 * S, 30 * S]
    assert all(clip.messages for clip in found.clips)


def test_a_recording_without_messages_decides_nothing(tmp_path: Path):
    recording = write_mcap(tmp_path / "empty.mcap", [])
    (replayed,) = replay_all([recording], [variant(tmp_path, settings_of("ros"))])
    assert (replayed.start_ns, replayed.end_ns, replayed.messages) == (0, 0, 0)
    assert {row.outcome for row in replayed.decided[0].decisions} == {"inactive"}


def test_topics_that_cannot_be_decoded_are_rows_too(tmp_path: Path):
    broken = write_mcap(
        tmp_path / "broken.mcap", [Sent("/vehicle/speed", 10 + step, b"\1") for step in range(3)]
    )
    chosen = variant(tmp_path, settings_of("json"))
    rows = [row for row in asked(broken, chosen)[0].decisions if row.kind == "signal"]
    assert rows
    assert {(row.outcome, row.subject, row.node) for row in rows} == {
        ("undecodable", "/vehicle/speed", "triggers")
    }


def test_both_ends_are_read_and_not_believed(tmp_path: Path):
    sent = [Sent("/a", 1_000 * S + step * 60 * S, bytes(50)) for step in range(20)]
    path = write_mcap(tmp_path / "a.mcap", sent, chunk_bytes=60)
    with open_recording(path) as recording:
        assert first_and_last(recording) == (sent[0].t_ns, sent[-1].t_ns)
        recording.end_ns += 3_600 * S  # as a wrong summary would say
        assert first_and_last(recording) == (sent[0].t_ns, sent[-1].t_ns)


def test_sizes_are_kept_for_what_windows_can_still_want_only(bag: Path, tmp_path: Path, monkeypatch):
    settings = settings_of("ros")
    settings["triggers"] = {
        "library": "none",
        "set": {"no": {"when": "speed > 100", "priority": "P3", "pre_roll_s": 5, "post_roll_s": 1}},
    }
    kept: list[int] = []
    with open_recording(bag) as recording:
        kind = type(recording)
    real = kind.keep_sizes

    def watched(self: Any, from_ns: int) -> None:
        real(self, from_ns)
        kept.append(
            sum(len(sizes.lengths) for file in self._files for _, sizes in file._book._blocks.values())
        )

    monkeypatch.setattr(kind, "keep_sizes", watched)
    asked(bag, variant(tmp_path, settings))
    messages = sum(1 for _ in drive())
    assert len(kept) > DURATION_S / 2
    assert max(kept) < messages / 2
