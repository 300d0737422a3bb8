"""Cuts one clip: plan, charge, stream into MCAP, sidecar."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from winnow_extractor.calibration import Calibration
from winnow_operators.clips.budget import ExtractionBudget
from winnow_operators.clips.judging import Amount, clip_name, judge, utc_text
from winnow_operators.clips.windows import ClipPlan
from winnow_runtime import atomic
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.holes import Missing
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.tiers import Plan, TierReader
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.topics import Compression, Kind
from winnow_schemas.sidecar import (
    LatchedMessage,
    MissingPart,
    Position,
    Sidecar,
    SidecarTrigger,
    TopicContent,
    read_sidecar,
)

_BULK = (Kind.LIDAR, Kind.CAMERA, Kind.THERMAL)
_MCAP_COMPRESSION = {
    Compression.NONE: "",
    Compression.PASSTHROUGH: "",
    Compression.LZ4: "lz4",
    Compression.ZSTD: "zstd",
}


@dataclass(frozen=True, slots=True)
class Cut:
    """What came of a window."""

    sidecar: Sidecar | None
    """None when no clip was made."""
    path: Path | None
    outcome: str
    reason: str
    again: bool = False
    """The clip was there already, made before a crash."""


@dataclass(slots=True)
class _Content:
    messages: int = 0
    payload_bytes: int = 0


class Cutter:
    """Makes clips under ``out/clips``."""

    def __init__(
        self,
        reader: TierReader,
        latched: "LatchedTopics",
        settings: DeviceSettings,
        settings_text: str,
        out: Path,
        budget: ExtractionBudget,
        is_alive: Callable[[], None],
        calibration: Calibration | None = None,
    ) -> None:
        """``is_alive`` is called with every message: a clip takes minutes where there is little time for it."""
        self._is_alive = is_alive
        self._calibration = calibration
        self._reader = reader
        self._latched = latched
        self._settings = settings
        self._settings_text = settings_text
        self._out = out
        self._budget = budget

    def cut(self, clip: ClipPlan) -> Cut:
        """Make the clip of a closed window.

        Raises:
            OSError: the disk refuses; nothing half-made remains.

        """
        name = clip_name(clip, self._settings.vehicle.id)
        path = self._out / "clips" / clip.priority.name / f"{name}.mcap"
        plan = self._reader.plan(clip.start_ns, clip.end_ns, clip.topics)
        judged = judge(clip, self._amounts(plan), self._settings, self._budget)
        if not judged.cut:
            return Cut(None, None, judged.outcome, judged.reason)
        done = self._already(path)
        if done is not None:
            return Cut(done, path, judged.outcome, "", again=True)
        if judged.left_out:
            plan = plan.without(judged.left_out)
        sidecar = self._write(clip, name, path, plan, judged.left_out, judged.charged_bytes)
        return Cut(sidecar, path, judged.outcome, judged.reason)

    @staticmethod
    def _amounts(plan: Plan) -> dict[str, Amount]:
        """What each topic of the plan holds."""
        ranks, size = plan.rows["rank"], len(plan.topics)
        counts = np.bincount(ranks, minlength=size)
        lengths = np.bincount(ranks, weights=plan.rows["length"], minlength=size)
        return {
            topic: Amount(int(count), int(length))
            for topic, count, length in zip(plan.topics, counts, lengths, strict=True)
        }

    @staticmethod
    def _already(path: Path) -> Sidecar | None:
        try:
            return read_sidecar(path.with_suffix(".json")) if path.exists() else None
        except BadInputError:
            return None  # damaged, or of another version: the clip is cut again

    # --- writing ------------------------------------------------------------------------------------------

    def _write(
        self, clip: ClipPlan, name: str, path: Path, plan: Plan, left_out: tuple[str, ...], charged: int
    ) -> Sidecar:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = HashedFile(path)
        try:
            writer = McapWriter(file.write, profile=self._profile(plan, clip))
            numbers: dict[int, int] = {}  # our channel number -> the file's
            pinned = self._write_latched(writer, clip, numbers)
            lost: list[Missing] = list(plan.missing)
            contents = self._write_messages(writer, plan, lost, numbers)
            sidecar = self._sidecar(clip, name, plan, contents, pinned, lost, left_out, charged)
            self._write_extras(writer, clip, sidecar)
            writer.finish()
            digest = file.publish()
        except BaseException:
            file.discard()
            raise
        sidecar = sidecar.completed(file.size_bytes, digest)
        atomic.write_json(path.with_suffix(".json"), sidecar.to_json())
        return sidecar

    def _profile(self, plan: Plan, clip: ClipPlan) -> str:
        used = set(np.unique(plan.rows["channel"]).tolist())
        for _, entries in self._latched.before(clip.start_ns):
            used |= {int(entry["channel"]) for entry, _ in entries}
        return profile_of(map(self._reader.channel, used))

    def _write_messages(
        self, writer: McapWriter, plan: Plan, lost: list[Missing], numbers: dict[int, int]
    ) -> dict[tuple[str, Channel], _Content]:
        contents: dict[tuple[str, Channel], _Content] = {}
        by_number: dict[int, _Content] = {}
        for t_ns, pub_ns, seq, own, topic, data in self._reader.read(plan, lost):
            if own not in by_number:
                channel = self._reader.channel(own)
                if own not in numbers:
                    numbers[own] = writer.channel(channel, self._stream(writer, topic))
                by_number[own] = contents.setdefault((topic, channel), _Content())
            writer.message(numbers[own], t_ns, pub_ns, seq, data)
            self._is_alive()
            content = by_number[own]
            content.messages += 1
            content.payload_bytes += len(data)
        return contents

    def _write_latched(
        self, writer: McapWriter, clip: ClipPlan, numbers: dict[int, int]
    ) -> list[LatchedMessage]:
        pinned = []
        for topic, entries in self._latched.before(clip.start_ns):
            for entry, data in entries:
                channel = self._reader.channel(int(entry["channel"]))
                number = numbers.get(int(entry["channel"]))
                if number is None:
                    number = numbers[int(entry["channel"])] = writer.channel(
                        channel, self._stream(writer, topic)
                    )
                writer.message(number, int(entry["t_ns"]), int(entry["pub_ns"]), int(entry["seq"]), data)
                pinned.append(LatchedMessage(topic=topic, t_ns=int(entry["t_ns"]), length_bytes=len(data)))
        return pinned

    def _stream(self, writer: McapWriter, topic: str) -> str:
        settings = self._settings.topic(topic)
        compression = _MCAP_COMPRESSION[settings.chunk_compression]
        name = f"{'bulk' if settings.kind in _BULK else 'signals'}:{compression}"
        writer.stream(name, compression)
        return name

    def _write_extras(self, writer: McapWriter, clip: ClipPlan, sidecar: Sidecar) -> None:
        writer.flush()
        body = json.dumps(sidecar.to_json(), indent=2, ensure_ascii=False).encode()
        writer.attachment("sidecar.json", "application/json", body, clip.lead.t_ns)
        writer.attachment("settings.yml", "application/yaml", self._settings_text.encode(), clip.lead.t_ns)
        if self._calibration is not None:
            own = self._calibration
            writer.attachment(own.name, own.media_type, own.data, clip.lead.t_ns)
        for number, trigger in enumerate(sidecar.triggers):
            values = {
                key: json.dumps(value) if not isinstance(value, str) else value
                for key, value in trigger.model_dump().items()
            }
            writer.metadata(f"winnow.trigger.{number}", values)
        vehicle = self._settings.vehicle
        writer.metadata(
            "winnow.vehicle", {"id": vehicle.id, "airport": vehicle.airport, "software": vehicle.software}
        )

    # --- describing ---------------------------------------------------------------------------------------

    def _sidecar(
        self,
        clip: ClipPlan,
        name: str,
        plan: Plan,
        contents: Mapping[tuple[str, Channel], _Content],
        pinned: list[LatchedMessage],
        lost: list[Missing],
        left_out: tuple[str, ...],
        charged: int,
    ) -> Sidecar:
        lead = clip.lead
        vehicle = self._settings.vehicle
        messages = sum(content.messages for content in contents.values())
        return Sidecar(
            clip_id=clip.clip_id(vehicle.id),
            name=name,
            start_ns=clip.start_ns,
            end_ns=clip.end_ns,
            priority=int(clip.priority),
            upload_class=clip.upload_class,
            triggers=[_trigger(event) for event in clip.events],
            topics=sorted({topic for topic, _ in contents}),
            topic_contents=self._topic_contents(contents),
            messages=messages,
            payload_bytes=sum(content.payload_bytes for content in contents.values()),
            charged_bytes=charged,
            position=_position(lead),
            latched=pinned,
            missing=[_missing(item) for item in lost],
            wanted_topics=sorted(clip.topics),
            left_out=list(left_out),
            truncated=clip.truncated,
            part=clip.part,
            profile=self._settings.clips.profile.value,
            clock_epochs=_epochs(plan),
            vehicle_id=vehicle.id,
            software=vehicle.software,
            trigger_type=lead.type,
            timestamp_utc=utc_text(lead.t_ns),
            timestamp_sec=lead.t_ns / 1e9,
            pre_roll_sec=(lead.t_ns - clip.start_ns) / 1e9,
            post_roll_sec=(clip.end_ns - lead.t_ns) / 1e9,
            clip_duration_sec=(clip.end_ns - clip.start_ns) / 1e9,
            total_messages=messages,
            trigger_metadata=json.loads(lead.values or "{}"),
            airport_code=vehicle.airport,
        )

    def _topic_contents(self, contents: Mapping[tuple[str, Channel], _Content]) -> dict[str, TopicContent]:
        result: dict[str, TopicContent] = {}
        for (topic, channel), content in sorted(
            contents.items(), key=lambda pair: (pair[0][0], pair[0][1].schema_name)
        ):
            before = result.get(topic)
            result[topic] = TopicContent(
                messages=content.messages + (before.messages if before else 0),
                payload_bytes=content.payload_bytes + (before.payload_bytes if before else 0),
                schema_name=channel.schema_name,
                encoding=channel.encoding,
                kind=self._settings.topic(topic).kind.value,
            )
        return result


class LatchedTopics:
    """Which topics are pinned, and their messages."""

    def __init__(self, reader: TierReader, settings: DeviceSettings) -> None:
        self._reader = reader
        self._settings = settings

    def before(self, t_ns: int) -> list[tuple[str, list[tuple[Any, bytes]]]]:
        """Per latched topic, in alphabetical order: its pinned messages from before ``t_ns``."""
        result = []
        for topic, port, channel in self._reader.all_topics():
            settings = self._settings.topic(topic)
            latched = settings.latched if settings.latched is not None else channel.is_latched
            if latched:
                result.append((topic, self._reader.latched(port, t_ns, settings.latched_depth)))
        return result


def _trigger(event: Any) -> SidecarTrigger:
    return SidecarTrigger(
        type=event.type,
        priority=event.priority,
        t_ns=event.t_ns,
        value=event.value,
        threshold=event.threshold,
        condition=event.condition,
        values=json.loads(event.values or "{}"),
        event_id=event.event_id,
        pre_roll_s=event.pre_roll_ns / 1e9,
        post_roll_s=event.post_roll_ns / 1e9,
    )


def _position(event: Any) -> Position | None:
    latitude, longitude = event.latitude_deg, event.longitude_deg
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None  # unknown, or what a receiver without a fix says
    return Position(latitude_deg=event.latitude_deg, longitude_deg=event.longitude_deg)


def _missing(item: Missing) -> MissingPart:
    return MissingPart(
        topic=item.topic, count=item.count, start_ns=item.start_ns, end_ns=item.end_ns, reason=item.reason
    )


def _epochs(plan: Plan) -> int:
    """The largest number of clocks that any topic shows inside the window."""
    ranks = np.unique(plan.rows["rank"])
    return max((len(np.unique(plan.rows["epoch"][plan.rows["rank"] == rank])) for rank in ranks), default=1)
