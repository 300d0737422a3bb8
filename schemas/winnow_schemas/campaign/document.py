"""The document of a campaign. Names as in section 8.4 of the vehicle document, which loads as it stands.

Models are strict: no text where a number is wanted, nothing infinite, nothing unknown.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from winnow_schemas.campaign.version import PATTERN, version_key
from winnow_schemas.priority import Priority
from winnow_schemas.settings.device import Name
from winnow_schemas.settings.triggers import PriorityName, TriggerSettings
from winnow_schemas.validation import Strict

MAX_UPDATES = 200
MAX_REQUESTS = 64
MAX_SATURATED = 32
MAX_VEHICLES = 10_000
DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTION = r"^reduce_sampling_([1-9]|[1-9][0-9])pct$"


class _Exact(Strict):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


def _moment(text: str) -> str:
    moment_ns(text)
    return text


def moment_ns(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 time.

    Raises:
        ValueError: it is none, or names no time zone.

    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("it must be an ISO 8601 time like 2026-04-11T08:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("it must name its time zone, like 2026-04-11T08:00:00Z")
    since = moment - _EPOCH
    return (since.days * DAY_S + since.seconds) * 1_000_000_000 + since.microseconds * 1000


Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)]
"""An ISO 8601 time with its zone."""
TriggerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Text = Annotated[str, StringConstraints(max_length=200)]
Parameters = Annotated[dict[ParameterName, bool | Number | Text], Field(max_length=32)]


class Canary(_Exact):
    """For a share of the fleet first."""

    share: float = Field(ge=0, le=1)
    """Part of all vehicles, chosen by a hash of the vehicle's id: who is in at 0.1 is also in at 0.5."""


class TriggerUpdate(_Exact):
    """What changes of one trigger; other names than these are its parameters, such as ``threshold``."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, bool | Number | Text]

    cooldown_sec: float | None = Field(default=None, ge=0, le=DAY_S)
    """After firing, seconds during which it does not fire again."""
    pre_roll_sec: float | None = Field(default=None, ge=0, le=600)
    """Seconds wanted before the trigger."""
    post_roll_sec: float | None = Field(default=None, ge=0, le=600)
    """Seconds wanted after it."""
    min_gap_sec: float | None = Field(default=None, ge=0, le=DAY_S)
    """An edge trigger re-arms only after it has been clear for so long."""
    max_events: int | None = Field(default=None, ge=0, le=1_000_000)
    """Limit per run; 0 = none."""
    max_per_hour: int | None = Field(default=None, ge=0, le=10_000)
    """Limit in any hour; 0 = none."""
    max_per_day: int | None = Field(default=None, ge=0, le=100_000)
    """Limit in any 24 hours; 0 = none."""
    enabled: bool | None = None
    """Off: listed, never fired."""
    priority: PriorityName | None = None
    """P1 to P5."""
    params: Parameters = Field(default_factory=dict)
    """Parameters of the condition, where one of them has the name of a field above."""

    @model_validator(mode="after")
    def _parameters_once(self) -> Self:
        extra = self.__pydantic_extra__ or {}
        if len(extra) > 32:
            raise ValueError("at most 32 parameters")
        both = sorted(extra.keys() & self.params.keys())
        if both:
            raise ValueError(f"{both[0]!r} stands here twice, once under 'params'")
        return self

    @property
    def parameters(self) -> dict[str, bool | float | str]:
        """All parameters that change."""
        return {**(self.__pydantic_extra__ or {}), **self.params}

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of ``TriggerSettings`` that change."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "params"}
        return {
            name.replace("_sec", "_s"): value
            for name, value in own.items()
            if value is not None and name.replace("_sec", "_s") in TriggerSettings.model_fields
        }


class CoverageRequest(_Exact):
    """More of a trigger while a condition holds."""

    condition: str = Field(min_length=1, max_length=500)
    """In the language of conditions; the request acts while it is true."""
    trigger: TriggerName
    """Whose behaviour changes."""
    boost_priority: int = Field(default=0, ge=-5, le=0)
    """Levels more urgent, as a negative number; never beyond P1."""
    reduce_cooldown: float | None = Field(default=None, gt=0, le=1)
    """The cooldown is multiplied by this: 0.5 halves it."""
    interval_override_sec: float | None = Field(default=None, ge=1, le=DAY_S)
    """Another period, for a trigger that samples by time."""
    interval_override_m: float | None = Field(default=None, ge=1, le=1e6)
    """Another way, for a trigger that samples by distance."""
    params: Parameters = Field(default_factory=dict)
    """Other parameters, such as a lower threshold."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if (
            not self.boost_priority
            and self.reduce_cooldown is None
            and self.interval_override_sec is None
            and self.interval_override_m is None
            and not self.params
        ):
            raise ValueError(
                "a coverage request asks for boost_priority, reduce_cooldown, an interval or params; this one for nothing"
            )
        return self


class SaturationSignal(_Exact):
    """There is enough of a scenario: its triggers fire less often."""

    scenario: str = Field(min_length=1, max_length=64)
    """One of the classifier's ten (4.2)."""
    coverage_frames: int | None = Field(default=None, ge=0, le=10**12)
    """Annotated frames that there are."""
    target_frames: int | None = Field(default=None, ge=0, le=10**12)
    """Annotated frames that are wanted; without it 5,000 (8.4)."""
    action: str = Field(pattern=_ACTION)
    """``reduce_sampling_50pct``: this part of the events is left out."""

    @property
    def keep_percent(self) -> int:
        """The part of the events that stays, 1 to 99."""
        return 100 - int("".join(filter(str.isdigit, self.action)))

    @property
    def is_saturated(self) -> bool:
        """Whether the figures, where they are given, say so too."""
        target = 5000 if self.target_frames is None else self.target_frames
        return self.coverage_frames is None or self.coverage_frames >= target


class Forecast(_Exact):
    """What the fleet expects it to cost on one vehicle; `winnow campaign check` measures it on a recording."""

    events_per_day: float = Field(ge=0, le=1e7)
    """Events of all triggers together."""
    gb_per_day: float = Field(ge=0, le=1e5)
    """What their clips come to, before compression."""


class Signature(_Exact):
    """Ed25519 (RFC 8032) over the document without this block; see `winnow_schemas.campaign.canonical`."""

    key: Name
    """Name of the key among those that the vehicle trusts."""
    ed25519: str = Field(pattern=r"^[A-Za-z0-9+/]{86}==$")
    """The 64 bytes, base64."""


class Campaign(_Exact):
    """An update of triggers for a fleet."""

    version: Annotated[str, StringConstraints(pattern=PATTERN)]
    """Grows with every campaign: ``2026.04.11.001``."""
    name: Name | None = None
    """What belongs together over several versions; canaries are drawn by it."""
    description: str = Field(default="", max_length=2000)
    """For people."""
    issued: Moment | None = None
    """When it was made."""
    not_before: Moment | None = None
    """Not taken before."""
    expires: Moment | None = None
    """Not taken from then on."""
    vehicles: list[Name] = Field(default_factory=list, max_length=MAX_VEHICLES)
    """For these vehicles only; empty = all."""
    airports: list[Name] = Field(default_factory=list, max_length=1000)
    """For vehicles of these airports only; empty = all."""
    canary: Canary | None = None
    """For a share of them only."""
    updates: dict[TriggerName, TriggerUpdate] = Field(default_factory=dict, max_length=MAX_UPDATES)
    """By trigger."""
    coverage_requests: list[CoverageRequest] = Field(default_factory=list, max_length=MAX_REQUESTS)
    """What is wanted more of."""
    saturation_signals: list[SaturationSignal] = Field(default_factory=list, max_length=MAX_SATURATED)
    """What is wanted less of."""
    forecast: Forecast | None = None
    """What it may cost."""
    signature: Signature | None = None
    """Who vouches for it."""

    @field_validator("updates")
    @classmethod
    def _no_p0(cls, updates: dict[str, TriggerUpdate]) -> dict[str, TriggerUpdate]:
        for name, update in updates.items():
            if update.priority is Priority.P0:
                raise ValueError(f"{name}: a campaign cannot make a trigger P0; allowed: P1 to P5")
        return updates

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        start, end = self.not_before_ns, self.expires_ns
        if start is not None and end is not None and end <= start:
            raise ValueError(f"expires ({self.expires}) must come after not_before ({self.not_before})")
        return self

    @property
    def key(self) -> tuple[int, ...]:
        """What versions are ordered by."""
        return version_key(self.version)

    @property
    def not_before_ns(self) -> int | None:
        return None if self.not_before is None else moment_ns(self.not_before)

    @property
    def expires_ns(self) -> int | None:
        return None if self.expires is None else moment_ns(self.expires)
