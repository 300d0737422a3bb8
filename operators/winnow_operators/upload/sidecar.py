"""What the uploader needs of a clip's sidecar, which is outside data: read with limits, nothing believed."""

from typing import Annotated

import msgspec

from winnow_operators.privacy import shows_people
from winnow_operators.upload.score import uncertainty_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.topics import Kind

MAX_BYTES = 4 * 1024 * 1024
"""A sidecar that lists a thousand triggers has 300 kB."""
MAX_CLIP_BYTES = 5 * 10**12
"""S3's largest object is 5 TB."""
OOD_TRIGGERS = ("ood_spike",)
"""Triggers whose value is perception's OOD score (3.1)."""

_Time = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class SidecarTrigger(msgspec.Struct, frozen=True):
    """One cause of the clip."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    priority: Priority
    t_ns: _Time
    value: float | None = None


class SidecarTopic(msgspec.Struct, frozen=True):
    """What a topic of the clip holds."""

    kind: str = ""
    schema_name: str = ""
    encoding: str = ""


class Sidecar(msgspec.Struct, frozen=True):
    """The fields that uploading uses; all others are passed over."""

    clip_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    start_ns: _Time
    end_ns: _Time
    priority: Priority
    triggers: Annotated[tuple[SidecarTrigger, ...], msgspec.Meta(max_length=10_000)]
    upload_class: UploadClass
    size_bytes: Annotated[int, msgspec.Meta(gt=0, le=MAX_CLIP_BYTES)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    topic_contents: Annotated[dict[str, SidecarTopic], msgspec.Meta(max_length=10_000)] | None = None

    @property
    def main_trigger(self) -> SidecarTrigger | None:
        """The most urgent cause, the earliest of those."""
        return min(self.triggers, key=lambda one: (one.priority, one.t_ns), default=None)

    @property
    def trigger_type(self) -> str:
        """Type of the main trigger."""
        return self.main_trigger.type if self.main_trigger else "unknown"

    @property
    def t_ns(self) -> int:
        """The time that dates the clip: of the main trigger, or its start."""
        return self.main_trigger.t_ns if self.main_trigger else self.start_ns

    @property
    def may_show_people(self) -> bool:
        """Whether a topic may hold pictures; a sidecar that does not tell its topics may."""
        if self.topic_contents is None:
            return True
        topics = self.topic_contents.values()
        return any(shows_people(_kind(one.kind), one.schema_name, one.encoding) for one in topics)

    @property
    def uncertainty(self) -> float:
        """Perception's uncertainty from the OOD triggers, 0 to 1."""
        scores = [one.value for one in self.triggers if one.type in OOD_TRIGGERS and one.value is not None]
        return uncertainty_of(max(scores, default=0.0))


def _kind(name: str) -> Kind:
    return Kind(name) if name in set(Kind) else Kind.OTHER


def parse_sidecar(data: bytes, name: str) -> Sidecar:
    """Read a sidecar; ``name`` is used in messages.

    Raises:
        BadInputError: it is too large, too deep, not JSON, or lacks what uploading needs.

    """
    if len(data) > MAX_BYTES:
        raise BadInputError(
            f"The sidecar {name} has {len(data)} bytes, the limit is {MAX_BYTES}; the clip was not queued. "
            "Check who wrote it."
        )
    try:
        return msgspec.json.decode(data, type=Sidecar)
    except RecursionError:
        raise BadInputError(
            f"The sidecar {name} nests too deep; the clip was not queued. Check who wrote it."
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The sidecar {name} cannot be used ({error}); the clip was not queued. Check who wrote it."
        ) from None
