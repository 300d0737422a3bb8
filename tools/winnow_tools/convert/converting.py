"""One recording into one target: read, carried, read back, published."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from winnow_runtime.mcapfile.profile import profile_of
from winnow_runtime.recordings.container import Container
from winnow_runtime.recordings.recording import Progress, Recording, with_progress
from winnow_schemas.channel import Channel, Message
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_tools.convert.carrying import Carried, Plan, Transcode, as_they_are, carry, plan_for
from winnow_tools.convert.extras import pass_extras_of
from winnow_tools.convert.ros1_bag import Ros1BagTarget
from winnow_tools.convert.ros2_folder import Ros2Folder, Ros2SqliteFolder
from winnow_tools.convert.target import McapTarget, ReadBackError, Target
from winnow_tools.convert.transcoding import as_cdr, as_ros1


class Form(StrEnum):
    """What is written."""

    BAG = "ROS 1 bag"
    MCAP = "MCAP file"
    ROS2_MCAP = "ROS 2 bag (MCAP)"
    ROS2_SQLITE = "ROS 2 bag (SQLite)"


class Compression(StrEnum):
    """Of the chunks."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    BZ2 = "bz2"


_FITS = {
    Form.BAG: (Compression.LZ4, Compression.NONE, Compression.BZ2),
    Form.MCAP: (Compression.LZ4, Compression.NONE, Compression.ZSTD),
    Form.ROS2_MCAP: (Compression.LZ4, Compression.NONE, Compression.ZSTD),
    Form.ROS2_SQLITE: (Compression.NONE,),
}
"""What each form can have; the first is what it has when nobody asks."""


class VerificationError(WinnowError):
    """What was written is not what was read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A conversion as it was asked for."""

    output: Path
    form: Form
    to_cdr: bool = False
    """Of an MCAP file: ROS 1 messages become CDR. ROS 2 bags have nothing else."""
    compression: Compression | None = None
    topics: frozenset[str] = frozenset()
    """Empty: all."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A conversion that was done and verified."""

    carried: Carried
    problems: tuple[str, ...]
    """Damage of the input."""

    @property
    def is_whole(self) -> bool:
        """Whether every message of the input is in the output."""
        return not self.problems and not self.carried.left_out


def check_wanted(wanted: Wanted) -> None:
    """Refuse what cannot be before anything is read.

    Raises:
        BadInputError: the output exists, or has not this compression.

    """
    if wanted.output.exists():
        raise BadInputError(f"{wanted.output} exists; nothing was written. Name another output or remove it.")
    fits = _FITS[wanted.form]
    if wanted.compression is not None and wanted.compression not in fits:
        raise BadInputError(
            f"A {wanted.form} has no compression {wanted.compression.value!r} (it has {', '.join(fits)}); nothing was written."
        )


def convert(recording: Recording, wanted: Wanted, progress: Progress | None = None) -> Converted:
    """Write the recording anew, read it back and compare, and give it its name.

    Raises:
        BadInputError: the output exists or can hold none of the topics, or of a damaged input nothing is left.
        VerificationError: what was read back is not what was read; nothing remains.
        UnavailableError: the disk refuses; nothing remains.

    """
    check_wanted(wanted)
    channels = _chosen(recording.channels, wanted)
    plan = plan_for(channels, _transcode(wanted))
    messages = recording.messages(topics=wanted.topics or None)
    if progress is not None:
        messages = with_progress(messages, recording.start_ns, recording.end_ns, progress)
    extras = recording.path if recording.container is Container.MCAP else None
    carried = write(wanted, plan, _numbered(messages), extras, lambda: recording.problems)
    return Converted(carried, recording.problems)


def write(
    wanted: Wanted,
    plan: Plan,
    messages: Iterator[tuple[Channel, int, int, int, Any]],
    extras: Path | None,
    damage: Callable[[], tuple[str, ...]] = tuple,
) -> Carried:
    """Carry messages into a new target, with the attachments and metadata of the MCAP file ``extras``.

    Raises:
        BadInputError: the target cannot hold a time, or there is damage and no message at all.
        VerificationError: what was read back is not what was read; nothing remains.
        UnavailableError: the disk refuses; nothing remains.

    """
    try:
        wanted.output.parent.mkdir(parents=True, exist_ok=True)
        target = _target(wanted, plan)
        try:
            carried = carry(messages, plan, target)
            _refuse_nothing(carried, damage())
            if extras is not None:
                carried.altered += pass_extras_of(extras, target)
            target.finish()
            _prove(target, carried)
            target.publish()
        except BaseException:
            target.discard()
            raise
    except OSError as error:
        raise UnavailableError(
            f"{wanted.output} cannot be written ({error.strerror}); nothing was converted."
        ) from None
    return carried


def _refuse_nothing(carried: Carried, damage: tuple[str, ...]) -> None:
    """An empty recording is one; of a damaged one of which nothing is left, an empty output would be a lie."""
    reasons = [*damage, *carried.left_out]
    if reasons and not carried.tally.messages:
        raise BadInputError(f"No message can be taken over, so nothing was written: {' '.join(reasons[:3])}")


def _chosen(channels: tuple[Channel, ...], wanted: Wanted) -> list[Channel]:
    if not wanted.topics:
        return list(channels)
    has = {channel.topic for channel in channels}
    if unknown := wanted.topics - has:
        raise BadInputError(
            f"The recording has no topic {min(unknown)!r}; nothing was written. It has: {', '.join(sorted(has))}."
        )
    return [channel for channel in channels if channel.topic in wanted.topics]


def _transcode(wanted: Wanted) -> Transcode:
    if wanted.form is Form.BAG:
        return as_ros1
    return as_cdr if wanted.to_cdr or wanted.form is not Form.MCAP else as_they_are


def _target(wanted: Wanted, plan: Plan) -> Target:
    compression = wanted.compression or _FITS[wanted.form][0]
    name = "" if compression is Compression.NONE else compression.value
    makers: dict[Form, Callable[[], Target]] = {
        Form.BAG: lambda: Ros1BagTarget(wanted.output, name),
        Form.MCAP: lambda: McapTarget(wanted.output, profile=profile_of(plan.channels), compression=name),
        Form.ROS2_MCAP: lambda: Ros2Folder(wanted.output, name),
        Form.ROS2_SQLITE: lambda: Ros2SqliteFolder(wanted.output),
    }
    return makers[wanted.form]()


def _numbered(messages: Iterator[Message]) -> Iterator[tuple[Channel, int, int, int, Any]]:
    for channel, t_ns, pub_ns, data in messages:
        yield channel, t_ns, pub_ns, -1, data


def _prove(target: Target, carried: Carried) -> None:
    try:
        differences = carried.tally.differences(target.read_back())
    except ReadBackError as error:
        raise VerificationError(
            f"{target.path} was written but cannot be read back ({str(error)[:200]}); it was removed."
        ) from None
    if differences:
        raise VerificationError(
            f"{target.path} is not what was written: {' '.join(differences[:5])} It was removed."
        )
