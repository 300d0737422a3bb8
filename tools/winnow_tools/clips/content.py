"""What is inside a clip's file, and whether it agrees with its sidecar."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from mcap.exceptions import McapError
from mcap.reader import McapReader, make_reader

from winnow_operators.packing.image_layout import image_layout_of
from winnow_operators.packing.sameness import on_grid
from winnow_runtime.mcapfile.records import channel_of
from winnow_runtime.packing.contents import ClipContents
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings.packing import Codec, Profile
from winnow_schemas.sidecar import Sidecar
from winnow_tools.clips.collection import Clip

_BLOCK_BYTES = 1 << 20
_KNOWN_LATER = ("size_bytes", "sha256", "bag_size_bytes", "bag_size_gb")
"""What the copy of the sidecar inside the clip cannot have."""

Stamp = tuple[int, bytes]
"""Log time and digest of a message."""


@dataclass(slots=True)
class ClipContent:
    """A clip's messages as digests, in the order of the file, topic by topic."""

    window: dict[str, list[Stamp]] = field(default_factory=lambda: defaultdict(list))
    """Messages inside ``[start_ns, end_ns)``."""
    latched: dict[tuple[str, int], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """Messages outside of it, by topic and log time."""
    channels: dict[str, set[Channel]] = field(default_factory=lambda: defaultdict(set))


class Yardstick:
    """What counts as the same: byte for byte, or, for topics that a lossy codec went over, within its bound."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._lossy = sidecar.packing.lossy if sidecar.packing is not None else {}

    def is_exact(self, topic: str) -> bool:
        return topic not in self._lossy

    def digest(self, channel: Channel, pub_ns: int, data: bytes | memoryview) -> bytes:
        """Equal for payloads that are the same."""
        lossy = self._lossy.get(channel.topic)
        if lossy is not None and lossy.bound_m is not None:
            codec = Codec(lossy.lossy_codec or lossy.codec)
            bits = (lossy.intensity_bits or 0) if lossy.intensity_error else 0
            data = on_grid(channel, data, codec, lossy.bound_m, bits)
        elif lossy is not None and (layout := image_layout_of(channel, data)) is not None:
            # Pixels were compared frame by frame when the video was made; here only what stands around them.
            data = bytes(data[: layout.begin]) + bytes(data[layout.end :])
        return digest(pub_ns, data)


def digest(pub_ns: int, data: bytes | memoryview) -> bytes:
    """16 bytes that stand for a message's publish time and payload."""
    hashed = hashlib.blake2b(pub_ns.to_bytes(16, "little", signed=True), digest_size=16)
    hashed.update(data)
    return hashed.digest()


def bare(channel: Channel) -> Channel:
    """The channel without its metadata, which says nothing about the payloads."""
    return Channel(
        channel.topic, channel.encoding, channel.schema_name, channel.schema_encoding, channel.schema_data
    )


def read_content(clip: Clip, problems: list[str]) -> ClipContent | None:
    """Read a clip, every CRC included; None when it cannot be read. What is wrong goes into ``problems``."""
    problems += _hash_problems(clip)
    content = ClipContent()
    sidecar, name = clip.sidecar, clip.path.name
    try:
        with clip.path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            yardstick = Yardstick(sidecar)
            for channel, t_ns, pub_ns, data in _messages(clip, file, reader):
                stamp = yardstick.digest(channel, pub_ns, data)
                if sidecar.start_ns <= t_ns < sidecar.end_ns:
                    content.window[channel.topic].append((t_ns, stamp))
                else:
                    content.latched[channel.topic, t_ns].append(stamp)
                content.channels[channel.topic].add(bare(channel))
            problems += _copy_problems(clip, reader)
            problems += _bound_problems(clip)
    except BadInputError as error:
        problems.append(str(error))
        return None
    except (McapError, ValueError, EOFError, OSError) as error:
        problems.append(f"{name} cannot be read ({error or type(error).__name__}).")
        return None
    problems += _count_problems(clip, content)
    return content


def _messages(
    clip: Clip, file: IO[bytes], reader: McapReader
) -> Iterator[tuple[Channel, int, int, bytes | memoryview]]:
    """Channel as recorded, log time, publish time, payload; of a plain clip in the order of the file."""
    if clip.sidecar.profile != Profile.PLAIN.value:
        file.seek(0)
        contents = ClipContents(clip.path, file, clip.sidecar)
        for one in contents.messages():
            yield contents.origins[one.number].channel, one.t_ns, one.pub_ns, one.data
        return
    known: dict[int, Channel] = {}
    for schema, record, message in reader.iter_messages(log_time_order=False):
        channel = known.get(record.id)
        if channel is None:
            channel = known[record.id] = channel_of(schema, record)
        yield channel, message.log_time, message.publish_time, message.data


def _bound_problems(clip: Clip) -> list[str]:
    """A measured error beyond the stated bound."""
    lossy = clip.sidecar.packing.lossy if clip.sidecar.packing is not None else {}
    dim = [
        f"{clip.path.name}: a frame of {topic} has {packing.psnr_db:g} dB, the bound is {packing.bound_psnr_db:g} dB."
        for topic, packing in sorted(lossy.items())
        if packing.bound_psnr_db is not None and (packing.psnr_db or 0.0) < packing.bound_psnr_db
    ]
    return dim + [
        f"{clip.path.name}: {topic} errs by {packing.error_m:g} m, its bound is {packing.bound_m:g} m."
        for topic, packing in sorted(lossy.items())
        if packing.bound_m is not None and packing.error_m is not None and packing.error_m > packing.bound_m
    ]


def _hash_problems(clip: Clip) -> list[str]:
    sidecar, name = clip.sidecar, clip.path.name
    hashed, size = hashlib.sha256(), 0
    with clip.path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            hashed.update(block)
            size += len(block)
    if sidecar.sha256 is None or sidecar.size_bytes is None:
        return [f"The sidecar of {name} has no size or no SHA-256."]
    problems = []
    if size != sidecar.size_bytes:
        problems.append(f"{name} has {size} bytes, its sidecar says {sidecar.size_bytes}.")
    if hashed.hexdigest() != sidecar.sha256:
        problems.append(f"{name}: the SHA-256 differs from the sidecar's.")
    return problems


def _copy_problems(clip: Clip, reader: McapReader) -> list[str]:
    """The clip carries a copy of its sidecar; both must say the same."""
    for attachment in reader.iter_attachments():
        if attachment.name == "sidecar.json":
            outside = {key: value for key, value in clip.sidecar.to_json().items() if key not in _KNOWN_LATER}
            differ = sorted(_differing(outside, json.loads(attachment.data)))
            if differ:
                return [
                    f"{clip.path.name}: the sidecar beside it and the one inside differ in {', '.join(differ)}."
                ]
            return []
    return [f"{clip.path.name} carries no copy of its sidecar."]


def _differing(one: dict[str, object], other: object) -> set[str]:
    if not isinstance(other, dict):
        return set(one)
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def _count_problems(clip: Clip, content: ClipContent) -> list[str]:
    sidecar, name = clip.sidecar, clip.path.name
    problems = []
    messages = sum(map(len, content.window.values()))
    if messages != sidecar.messages:
        problems.append(
            f"{name} holds {messages} messages of its window, its sidecar says {sidecar.messages}."
        )
    for topic in sorted(content.window.keys() | sidecar.topic_contents.keys()):
        said = sidecar.topic_contents[topic].messages if topic in sidecar.topic_contents else 0
        if len(content.window.get(topic, ())) != said:
            problems.append(
                f"{name} holds {len(content.window.get(topic, ()))} messages of {topic}, its sidecar says {said}."
            )
    promised = Counter((item.topic, item.t_ns) for item in sidecar.latched)
    there = Counter({key: len(found) for key, found in content.latched.items()})
    for word, odd in (("not in the sidecar", there - promised), ("not in the file", promised - there)):
        problems += [
            f"{name}: {count} latched message{'s' if count > 1 else ''} of {topic} at {t_ns} ns {word}."
            for (topic, t_ns), count in sorted(odd.items())
        ]
    return problems
