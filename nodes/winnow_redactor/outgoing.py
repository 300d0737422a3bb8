"""Makes the redacted copy of a clip: pictures covered, listed or left out, everything else byte for byte."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mcap.records import Channel as ChannelRecord
from mcap.records import Message, Schema

from winnow_operators.privacy.covering import Pixels, cover
from winnow_redactor.audit import DOUBTFUL_IN_SIDECAR, FOLDER, audit_table, doubtful, summary, write_audit
from winnow_redactor.clip_source import ClipSource
from winnow_redactor.crew import Crew
from winnow_redactor.detections_topic import detections_channel, detections_payload
from winnow_redactor.inspection import ChannelPlan, FramePlan
from winnow_redactor.plan import ClipPlan, Planner, plan_id
from winnow_redactor.streams import Draw, Stream, stream_of
from winnow_redactor.withhold import REDACTED, Made
from winnow_runtime import atomic
from winnow_runtime.hashed_file import HashedFile
from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.mcapfile.writer import McapWriter
from winnow_runtime.packing.repack import repack
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.packing import Profile
from winnow_schemas.settings.redaction import CameraPolicy, RedactorSettings
from winnow_schemas.sidecar import Redaction, Sidecar, TopicContent, read_sidecar


@dataclass(frozen=True, slots=True)
class Workshop:
    """What making copies needs beside the clip."""

    out: Path
    """The run's folder."""
    settings: DeviceSettings
    crew: Callable[[], Crew]
    """Loads and measures the detectors when the first picture is met."""
    breathe: Callable[[], None] = lambda: None
    """Called at every message: a long clip must not look like a dead node."""


class _TopicStuckError(Exception):
    """A picture could not be written again after all."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(why)
        self.topic, self.why = topic, why


def redact_outgoing(clip: Path, shop: Workshop) -> Made:
    """The file that may leave for ``clip``: itself when nothing in it can show people, else a copy.

    Raises:
        BadInputError: the clip or its sidecar cannot be read, or the settings say that it stays; nothing may leave.
        UnavailableError: the profile needs what is not installed.
        OSError: the disk refuses.

    """
    out = shop.out
    if not clip.resolve().is_relative_to((out / "clips").resolve()):
        raise BadInputError(f"{clip} is not one of the clips in {out}; nothing of it leaves.")
    sidecar = read_sidecar(clip.with_suffix(".json"))
    target = out / "outgoing" / clip.parent.name / clip.name
    if sidecar.redaction is not None and (made := _taken_over(target, sidecar)) is not None:
        return made
    try:
        file = clip.open("rb")
    except OSError as error:
        raise BadInputError(f"{clip.name} cannot be read ({error.strerror}); nothing of it leaves.") from None
    with file, closing(ClipSource(clip, file, shop.settings, sidecar)) as source:
        pictures = source.pictures()
        profile = shop.settings.upload.profile
        is_copied = bool(pictures) or source.strange_extras
        if not is_copied and profile is Profile.PLAIN:
            return Made(clip, sidecar, (), {})
        policy = shop.settings.redactor
        looks = _looks(policy)
        identity = plan_id(
            policy, shop.crew().to_json() if looks and pictures else {}, sidecar.sha256 or "", pictures
        )
        done = _already(target, sidecar, identity if is_copied else "", profile)
        if done is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_suffix(".json").unlink(missing_ok=True)
            if is_copied:
                planner = Planner(source, policy, shop.crew, shop.breathe, safety=sidecar.priority == 0)
                done = _copied(source, target, sidecar, planner.plan(pictures), identity, shop)
            else:
                done = repack(clip, target, profile, shop.settings, lambda _: shop.breathe())
        return Made(
            target,
            done,
            tuple(done.withheld_topics),
            {topic: pictures.get(topic, "") for topic in done.withheld_topics},
        )


def _taken_over(target: Path, sidecar: Sidecar) -> Made | None:
    """The copy that has taken its original's place (``originals: destroy``), if it is still there to be sent."""
    try:
        done = read_sidecar(target.with_suffix(".json"))
    except BadInputError:
        return None
    if done.sha256 != sidecar.sha256 or not target.exists():
        return None
    return Made(target, done, tuple(done.withheld_topics), {})


def _looks(policy: RedactorSettings) -> bool:
    return bool({policy.cameras, policy.thermal} & {CameraPolicy.REDACT, CameraPolicy.DETECTIONS})


def _copied(
    source: ClipSource, target: Path, sidecar: Sidecar, plan: ClipPlan, identity: str, shop: Workshop
) -> Sidecar:
    """The copy of a clip, in the profile that is sent."""
    profile = shop.settings.upload.profile
    if profile is Profile.PLAIN:
        return _made(source, target, sidecar, plan, identity, shop)
    between = target.with_name(
        target.stem + REDACTED + atomic.TEMPORARY
    )  # a crash's leftovers go at the start
    try:
        _made(source, between, sidecar, plan, identity, shop)
        return repack(between, target, profile, shop.settings, lambda _: shop.breathe())
    finally:
        between.unlink(missing_ok=True)
        between.with_suffix(".json").unlink(missing_ok=True)


def _already(target: Path, sidecar: Sidecar, identity: str, profile: Profile) -> Sidecar | None:
    """A copy made before a crash, if it is of this clip, by the same plan and in the profile.

    ``identity``: of the plan; empty where nothing was to be covered or left out.
    """
    try:
        done = read_sidecar(target.with_suffix(".json"))
    except BadInputError:
        return None
    made_by = done.redaction.plan_id if done.redaction is not None else ""
    same = (done.derived_from, made_by, done.profile) == (sidecar.sha256 or "", identity, profile.value)
    return done if same and target.exists() and target.stat().st_size == done.size_bytes else None


def _made(
    source: ClipSource, target: Path, sidecar: Sidecar, plan: ClipPlan, identity: str, shop: Workshop
) -> Sidecar:
    """Write the copy; a topic whose pictures turn out not to go back in is withheld, and all is written again."""
    while True:
        plans = [*plan.rewritten.values(), *plan.listed.values()]
        audit = audit_table(plans)
        place = shop.out / FOLDER / target.parent.name / f"{sidecar.name}.parquet"
        digest = write_audit(audit, place) if audit.num_rows else ""
        described = _describe(sidecar, plan, _record(plan, plans, identity, digest, shop), shop.settings)
        try:
            return _copy(source, target, described, plan, shop)
        except _TopicStuckError as error:
            plan.withhold(error.topic, error.why)


def _record(
    plan: ClipPlan, plans: list[ChannelPlan], identity: str, audit_sha256: str, shop: Workshop
) -> Redaction:
    policy = shop.settings.redactor
    doubts = doubtful(plans)
    return Redaction(
        plan_id=identity,
        subjects=[subject.value for subject in policy.subjects] if plans else [],
        fill=policy.fill.value if plans else "",
        detectors=shop.crew().to_json() if plans and _looks(policy) else {},
        topics=summary(plan.rewritten.values()),
        doubtful=doubts[:DOUBTFUL_IN_SIDECAR],
        doubtful_count=len(doubts),
        audit_sha256=audit_sha256,
    )


class _Copier:
    """Writes messages into the copy."""

    def __init__(self, writer: McapWriter, plan: ClipPlan, shop: Workshop) -> None:
        self._writer, self._plan, self._shop = writer, plan, shop
        self._numbers: dict[tuple[int, bool], int] = {}
        self._streams: dict[int, Stream] = {}
        self._places: dict[int, int] = {}
        self.grown: dict[str, int] = {}
        """Topic -> bytes that its payloads have more than those of the clip."""

    def add(self, schema: Schema | None, record: ChannelRecord, message: Message) -> None:
        """One message of the clip."""
        self._shop.breathe()
        rewritten, listed = self._plan.rewritten.get(record.id), self._plan.listed.get(record.id)
        channel = channel_of(schema, record)
        data: bytes = message.data
        if rewritten is not None:
            data = self._rewritten(record.id, rewritten, message)
            self.grown[channel.topic] = self.grown.get(channel.topic, 0) + len(data) - len(message.data)
        elif listed is not None:
            frame = self._frame(record.id, listed, message)
            channel, data = detections_channel(channel.topic), detections_payload(frame)
        key = record.id, listed is not None
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._writer.channel(channel, "lz4")
        self._writer.message(number, message.log_time, message.publish_time, message.sequence, data)

    def _frame(self, number: int, plan: ChannelPlan, message: Message) -> FramePlan:
        place = self._places.get(number, 0)
        self._places[number] = place + 1
        if place >= len(plan.frames) or plan.frames[place].t_ns != message.log_time:
            raise BadInputError("The clip changed while it was redacted; nothing of it leaves.")
        return plan.frames[place]

    def _rewritten(self, number: int, plan: ChannelPlan, message: Message) -> bytes:
        frame = self._frame(number, plan, message)
        settings = self._shop.settings.redactor
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = stream_of(plan.channel, message.data, settings)
        try:
            return stream.rewrite(message.data, _draw(frame, settings), frame.size)
        except BadInputError as error:
            raise _TopicStuckError(plan.channel.topic, str(error)) from None


def _draw(frame: FramePlan, settings: RedactorSettings) -> Draw | None:
    if frame.masked:
        return None

    def draw(pixels: Pixels) -> None:
        cover(pixels, (each.box for each in frame.covers), settings.fill)

    return draw


def _copy(source: ClipSource, target: Path, described: Sidecar, plan: ClipPlan, shop: Workshop) -> Sidecar:
    file = HashedFile(target)
    try:
        staying = set(plan.withheld) - {each.channel.topic for each in plan.listed.values()}
        topics = sorted(source.topics - staying)
        writer = McapWriter(file.write, profile=_profile(source, plan, topics))
        writer.stream("lz4", "lz4")
        copier = _Copier(writer, plan, shop)
        for schema, channel, message in source.messages(topics) if topics else ():
            copier.add(schema, channel, message)
        writer.flush()
        described = _resized(described, copier.grown)
        for attachment in source.attachments():
            data = attachment.data
            if attachment.name == "sidecar.json":
                data = json.dumps(described.to_json(), indent=2, ensure_ascii=False).encode()
            writer.attachment(attachment.name, attachment.media_type, data, attachment.log_time)
        for metadata in source.metadata():
            writer.metadata(metadata.name, metadata.metadata)
        writer.finish()
        digest = file.publish()
    except BaseException:
        file.discard()
        raise
    described = described.completed(file.size_bytes, digest)
    atomic.write_json(target.with_suffix(".json"), described.to_json())
    return described


def _resized(described: Sidecar, grown: dict[str, int]) -> Sidecar:
    contents = {
        topic: content.model_copy(
            update={"payload_bytes": max(0, content.payload_bytes + grown.get(topic, 0))}
        )
        for topic, content in described.topic_contents.items()
    }
    total = sum(content.payload_bytes for content in contents.values())
    return described.model_copy(update={"topic_contents": contents, "payload_bytes": total})


def _profile(source: ClipSource, plan: ClipPlan, topics: list[str]) -> str:
    return "" if plan.listed else profile_of([channel_of(*each) for each in source.definitions(topics)])


def _describe(sidecar: Sidecar, plan: ClipPlan, record: Redaction, settings: DeviceSettings) -> Sidecar:
    withheld = sorted(plan.withheld)
    contents = {
        topic: content for topic, content in sidecar.topic_contents.items() if topic not in plan.withheld
    }
    for each in plan.listed.values():
        channel = detections_channel(each.channel.topic)
        before = contents.get(channel.topic)
        contents[channel.topic] = TopicContent(
            messages=len(each.frames) + (before.messages if before else 0),
            payload_bytes=sum(len(detections_payload(frame)) for frame in each.frames)
            + (before.payload_bytes if before else 0),
            schema_name=channel.schema_name,
            encoding=channel.encoding,
            kind="perception",
        )
    messages = sum(content.messages for content in contents.values())
    policy = settings.redactor
    return sidecar.model_copy(
        update={
            "topics": sorted(contents),
            "topic_contents": contents,
            "messages": messages,
            "total_messages": messages,
            "payload_bytes": sum(content.payload_bytes for content in contents.values()),
            "latched": [item for item in sidecar.latched if item.topic not in plan.withheld],
            "derived_from": sidecar.sha256 or "",
            "withheld_topics": withheld,
            "redaction": record,
            "privacy": {
                "cameras": policy.cameras.value,
                "thermal": policy.thermal.value,
                "purpose": policy.purpose,
                "controller": policy.controller,
                "retention_days": None if sidecar.priority == 0 else policy.retention_days,
                "retention": "until the safety investigation ends"
                if sidecar.priority == 0
                else f"{policy.retention_days} days",
            },
            "size_bytes": None,
            "sha256": None,
            "bag_size_bytes": None,
            "bag_size_gb": None,
        }
    )
