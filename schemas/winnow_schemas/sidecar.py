"""The sidecar of a clip: ``NAME.json`` beside ``NAME.mcap``.

Winnow's own names, and beside them those of the vehicle document (3.3) where they differ. The copy inside
the MCAP lacks what can only be known afterwards: ``size_bytes``, ``sha256`` and the document's twins.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from winnow_schemas.errors import BadInputError
from winnow_schemas.validation import Strict

SCHEMA_FILE = "sidecar.schema.json"
"""The JSON Schema of sidecars, beside this module; rendered by `winnow types --write`."""
SIDECAR_MAX_BYTES = 16 * 1024 * 1024
"""A sidecar of a clip with 1,000 topics and 10,000 holes is 2 MB."""


class SidecarTrigger(Strict):
    """One of the events that made the clip."""

    type: str
    priority: int = Field(ge=0, le=5)
    t_ns: int
    value: float | None
    threshold: float | None
    condition: str = ""
    values: dict[str, JsonValue] = Field(default_factory=dict)
    event_id: str = ""
    pre_roll_s: float = 0.0
    post_roll_s: float = 0.0


class Position(Strict):
    """Where the vehicle was at the trigger, WGS 84."""

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)


class LatchedMessage(Strict):
    """A pinned message from before the window that was put into the clip."""

    topic: str
    t_ns: int
    length_bytes: int


class MissingPart(Strict):
    """What the window should have held and does not."""

    topic: str
    count: int | None
    start_ns: int
    end_ns: int
    reason: str


class TopicContent(Strict):
    """What a topic contributes."""

    messages: int
    payload_bytes: int
    schema_name: str
    encoding: str
    kind: str


class TopicPacking(Strict):
    """What a profile made of a topic."""

    codec: str
    lossy_codec: str | None = None
    """The codec that lost something, where that happened before."""
    payload_bytes: int
    """Before."""
    stored_bytes: int
    """After, without MCAP's records around it."""
    bound_m: float | None = None
    """Stated: no coordinate differs by more."""
    error_m: float | None = None
    """Measured when it was made."""
    intensity_bits: int | None = None
    """Of an intensity with more than 256 values, in Draco."""
    intensity_error: float | None = None
    """Measured; 0 where intensities are exact."""
    bound_psnr_db: float | None = None
    """Stated: no frame is worse."""
    psnr_db: float | None = None
    """Measured: the worst frame."""

    @property
    def is_lossy(self) -> bool:
        return self.bound_m is not None or self.bound_psnr_db is not None


class Packing(Strict):
    """How the profile of a clip was made, or what a restored clip went through."""

    source_sha256: str
    """SHA-256 of the plain clip."""
    source_bytes: int
    topics: dict[str, TopicPacking]

    @property
    def lossy(self) -> dict[str, TopicPacking]:
        """Topics that are not byte for byte what was recorded."""
        return {topic: packing for topic, packing in self.topics.items() if packing.is_lossy}


class Sidecar(Strict):
    """Everything that is known about a clip without opening it."""

    clip_id: str
    name: str
    start_ns: int
    end_ns: int
    """The window is half-open: ``[start_ns, end_ns)``."""
    priority: int = Field(ge=0, le=5)
    upload_class: int = Field(ge=0, le=5)
    triggers: list[SidecarTrigger]
    topics: list[str]
    topic_contents: dict[str, TopicContent]
    messages: int
    """Messages of the window; latched ones are counted apart."""
    payload_bytes: int
    charged_bytes: int
    position: Position | None
    latched: list[LatchedMessage]
    missing: list[MissingPart]
    wanted_topics: list[str]
    """The topics that the triggers asked for; empty = all."""
    left_out: list[str]
    """Topics left out because of the size cap."""
    truncated: bool
    part: int
    profile: str
    clock_epochs: int = 1
    """More than one: a clock stepped inside the window."""
    vehicle_id: str
    software: str
    derived_from: str = ""
    """SHA-256 of the clip that this one was made from; empty for a clip as cut."""
    withheld_topics: list[str] = Field(default_factory=list)
    privacy: dict[str, JsonValue] = Field(default_factory=dict)
    packing: Packing | None = None
    """None for a clip whose payloads are as recorded."""
    # The document's names.
    trigger_type: str
    timestamp_utc: str
    timestamp_sec: float
    pre_roll_sec: float
    post_roll_sec: float
    clip_duration_sec: float
    total_messages: int
    trigger_metadata: dict[str, JsonValue]
    airport_code: str
    # Known only when the file is complete.
    size_bytes: int | None = None
    sha256: str | None = None
    bag_size_bytes: int | None = None
    bag_size_gb: float | None = None

    def completed(self, size_bytes: int, sha256: str) -> "Sidecar":
        """The sidecar of the finished file."""
        return self.model_copy(
            update={
                "size_bytes": size_bytes,
                "sha256": sha256,
                "bag_size_bytes": size_bytes,
                "bag_size_gb": size_bytes / 1e9,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values; what is not known yet is left out."""
        value = self.model_dump(mode="json")
        if self.packing is not None:
            value["packing"] = self.packing.model_dump(mode="json", exclude_none=True)
        return {key: item for key, item in value.items() if item is not None or key == "position"}


def sidecar_schema() -> str:
    """The JSON Schema (draft 2020-12) of a sidecar, as text: for programs that read sidecars without Winnow."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Winnow clip sidecar",
        **{key: value for key, value in Sidecar.model_json_schema().items() if key != "title"},
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar, which may come from anywhere.

    Raises:
        BadInputError: it is missing, too large, or not a sidecar.

    """
    try:
        if path.stat().st_size > SIDECAR_MAX_BYTES:
            raise BadInputError(
                f"{path} has {path.stat().st_size} bytes, a sidecar at most {SIDECAR_MAX_BYTES}; it was not read."
            )
        return Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}); the clip was passed over.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadInputError(
            f"{path} is not a clip's sidecar ({place}: {first['msg']}); the clip was passed over."
        ) from None
