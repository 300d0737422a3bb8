"""A script: what the simulated shift is, as one YAML file."""

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.incidents import AnyIncident
from winnow_schemas.simulation.places import StationName, StopName
from winnow_schemas.validation import Strict, validate
from winnow_schemas.yaml_source import YamlDocument, load_file, load_text

MAX_DURATION_S = 8 * 3600.0
"""A shift (vehicle document 1.3)."""
MAX_INCIDENTS = 1000
"""Two a minute for a whole shift."""
SHIPPED = ("all28", "demo", "quiet")
"""Scripts that come with Winnow."""

ScriptName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that may become part of a file name."""


class Leg(Strict):
    """One drive between two stops."""

    to: StopName
    """Where it ends."""
    via: tuple[StationName, ...] = Field(default=(), max_length=50)
    """Stations to pass on the way, in order; between them the shortest way is taken."""
    stop_s: float = Field(default=5.0, ge=0, le=3600)
    """How long the vehicle stays there."""


class Route(Strict):
    """Where the vehicle drives."""

    start: StopName = "stand_2"
    """Where it stands when the run begins."""
    legs: tuple[Leg, ...] = Field(max_length=200)
    """The drives, in order."""
    repeat: bool = True
    """Whether the legs start over when they are done; the last must then lead to a place from where that works."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not self.legs:
            raise ValueError("it needs at least one leg")
        here = self.start
        legs = [*self.legs, self.legs[0]] if self.repeat else list(self.legs)
        for leg in legs:
            if leg.to == here and not leg.via:
                raise ValueError(f"a leg from {here!r} to itself needs 'via', the stations to pass")
            here = leg.to
        return self


class Climate(Strict):
    """The weather when the run begins."""

    rain_mm_h: float = Field(default=0.0, ge=0, le=100)
    """Rain."""
    visibility_m: float = Field(default=10_000.0, ge=30, le=50_000)
    """Visibility; below 1,000 m it is fog."""
    ambient_temp_c: float = Field(default=14.0, ge=-40, le=60)
    """Temperature."""


class Samples(Strict):
    """Parameters of the two sampling triggers that the ground truth is written for."""

    every_s: float = Field(default=1800.0, gt=0, le=86_400)
    """Time-based sampling (vehicle document 3.1: every 30 minutes)."""
    every_m: float = Field(default=5000.0, gt=0, le=1_000_000)
    """Distance-based sampling (3.1: every 5 km)."""


class Script(Strict):
    """A whole run."""

    name: ScriptName
    """What it is called."""
    description: str = Field(default="", max_length=2000)
    """One sentence for people."""
    start: AwareDatetime = datetime(2026, 4, 11, 9, 30, tzinfo=UTC)
    """When the run begins, with time zone; sets the daylight too."""
    duration_s: float = Field(ge=1, le=MAX_DURATION_S)
    """How long it is."""
    scale: float = Field(default=1.0, gt=0, le=1)
    """Size of clouds and images; 1 = the document's. Rates stay."""
    weather: Climate = Climate()
    """The weather at the start."""
    route: Route
    """Where the vehicle drives."""
    samples: Samples = Samples()
    """Parameters of time and distance sampling, for the ground truth."""
    incidents: tuple[AnyIncident, ...] = Field(default=(), max_length=MAX_INCIDENTS)
    """What happens."""

    @model_validator(mode="after")
    def _within_the_run(self) -> Self:
        for number, incident in enumerate(self.incidents, 1):
            if incident.at_s >= self.duration_s:
                raise ValueError(
                    f"incident {number} ({incident.kind}) begins at {incident.at_s:g} s, "
                    f"but the run ends at {self.duration_s:g} s"
                )
        return self

    @property
    def start_ns(self) -> int:
        """When the run begins, nanoseconds UTC, exact to the microsecond."""
        since = self.start - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000

    @property
    def end_ns(self) -> int:
        """When it ends; the run is ``[start_ns, end_ns)``."""
        return self.start_ns + round(self.duration_s * 1e9)


def read_script(document: YamlDocument) -> Script:
    """Build a script from a YAML document.

    Raises:
        FileProblemsError: with all problems, in the order of the file.

    """
    return validate(Script, document)


def load_script(name_or_path: str | Path) -> Script:
    """Load a shipped script by its name, or one of your own by its path.

    Raises:
        BadInputError: there is no such file, or it cannot be used.

    """
    if str(name_or_path) in SHIPPED:
        return read_script(shipped_document(str(name_or_path)))
    path = Path(name_or_path)
    if not path.exists():
        raise BadInputError(
            f"There is no script {str(name_or_path)!r}; give the path of a file, or one of {', '.join(SHIPPED)}."
        )
    return read_script(load_file(path))


def shipped_document(name: str) -> YamlDocument:
    """The YAML of a script that comes with Winnow."""
    file = resources.files("winnow_schemas.simulation") / "scripts" / f"{name}.yml"
    return load_text(file.read_text("utf-8"), f"{name}.yml")
