"""The ground truth of a simulated run: what must fire when, what may, and why; as JSON beside a recording.

Windows are half-open, ``[start_ns, end_ns)``, message time. An expectation is met by a fired event of its
type whose time lies in its window. What lies in no window of its type was not to be expected.
"""

import msgspec

from winnow_schemas.errors import BadInputError
from winnow_schemas.priority import Priority
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY

FORMAT = 1
"""Version of the JSON."""
MAX_BYTES = 64 * 1024 * 1024
"""A shift of eight hours with 1,000 incidents is about 3 MB."""
SAMPLE_SLACK_S = 2.0
"""How far a time sample may be off; a distance sample has 2 % of its distance, which pose noise explains."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger type and a window."""

    type: str
    must: bool
    """Whether it must fire (once at least); otherwise it may."""
    start_ns: int
    end_ns: int
    incident: int | None = None
    """Number of the incident that causes it, counted from 1; None = ordinary driving does."""
    why: str = ""
    """What is true in the world then."""

    def covers(self, t_ns: int) -> bool:
        """Whether a time lies in the window."""
        return self.start_ns <= t_ns < self.end_ns


class IncidentTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an incident of the script."""

    number: int
    kind: str
    causes: list[str]
    """The trigger types that it is made to cause."""
    armed_ns: int
    begun_ns: int | None
    """None: it never could begin."""
    over_ns: int | None
    """None: it was not over at the end."""


class Odometer(msgspec.Struct, frozen=True, kw_only=True):
    """True distance driven, once a second."""

    start_ns: int
    every_ns: int
    metres: list[float]

    def reached_ns(self, metres: float) -> int | None:
        """When a distance was reached, interpolated; None = not in this run."""
        for index, after in enumerate(self.metres[1:], 1):
            before = self.metres[index - 1]
            if before < metres <= after:
                share = (metres - before) / (after - before)
                return self.start_ns + round((index - 1 + share) * self.every_ns)
        return None


class GroundTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about a run."""

    format: int = FORMAT
    script: str
    seed: int
    start_ns: int
    end_ns: int
    incidents: list[IncidentTruth]
    expectations: list[Expectation]
    """Without the time and distance samples, in order of their windows."""
    odometer: Odometer
    every_s: float
    """Parameter of time sampling that the script names."""
    every_m: float
    """Parameter of distance sampling that the script names."""

    @property
    def unrealised(self) -> list[IncidentTruth]:
        """Incidents that did not cause what they are made for: the script gave them no chance."""
        caused = {(each.incident, each.type) for each in self.expectations if each.must}
        return [
            each for each in self.incidents if any((each.number, name) not in caused for name in each.causes)
        ]

    def all_expectations(
        self, *, every_s: float | None = None, every_m: float | None = None
    ) -> list[Expectation]:
        """With time and distance samples, for given trigger parameters (by default the script's)."""
        samples = [
            *self.time_samples(every_s or self.every_s),
            *self.distance_samples(every_m or self.every_m),
        ]
        return sorted(
            [*self.expectations, *samples], key=lambda each: (each.start_ns, each.type, each.end_ns)
        )

    def time_samples(self, every_s: float) -> list[Expectation]:
        """Time sampling every ``every_s`` after the start; one more at the very start is allowed."""
        slack_ns = round(SAMPLE_SLACK_S * 1e9)
        expected = [
            Expectation(
                type="time_sample",
                must=False,
                start_ns=self.start_ns,
                end_ns=self.start_ns + slack_ns,
                why="start",
            )
        ]
        number = 1
        while (due_ns := self.start_ns + round(number * every_s * 1e9)) + slack_ns <= self.end_ns:
            expected.append(
                Expectation(
                    type="time_sample",
                    must=True,
                    start_ns=due_ns - slack_ns,
                    end_ns=due_ns + slack_ns,
                    why=f"{number * every_s:g} s after the start",
                )
            )
            number += 1
        return expected

    def distance_samples(self, every_m: float) -> list[Expectation]:
        """Distance sampling every ``every_m`` of true distance; each window has room for 2 % error."""
        expected: list[Expectation] = []
        number = 1
        while True:
            due_m = number * every_m
            early, late = self.odometer.reached_ns(0.98 * due_m), self.odometer.reached_ns(1.02 * due_m)
            if early is None:
                return expected
            expected.append(
                Expectation(
                    type="distance_sample",
                    must=late is not None,
                    start_ns=early,
                    end_ns=self.end_ns if late is None else late,
                    why=f"{due_m:g} m driven",
                )
            )
            number += 1

    def to_json(self) -> bytes:
        """The file's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger event, as far as the comparison needs it."""

    type: str
    t_ns: int

    @property
    def priority(self) -> Priority | None:
        """Of the standard type; None for a user's own."""
        return TRIGGER_PRIORITY.get(self.type)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of triggers got right and wrong."""

    met: list[Expectation]
    missing: list[Expectation]
    """Must-fires without an event."""
    unexpected: list[Fired]
    """Events of the standard types in no window of their type."""
    other: list[Fired]
    """Events of types that are not in the taxonomy: the ground truth knows nothing about them."""

    @property
    def clean(self) -> bool:
        """Whether nothing is missing and nothing unexpected."""
        return not self.missing and not self.unexpected


def read_truth(data: bytes) -> GroundTruth:
    """Read a ground-truth file.

    Raises:
        BadInputError: it is too large or not one.

    """
    if len(data) > MAX_BYTES:
        raise BadInputError(
            f"The ground truth has {len(data)} bytes, the limit is {MAX_BYTES}; it was not read."
        )
    try:
        truth = msgspec.json.decode(data, type=GroundTruth)
    except msgspec.DecodeError as error:
        raise BadInputError(
            f"Not a ground-truth file ({error}); it was not read. `winnow sim export` writes one beside its recording."
        ) from None
    if truth.format != FORMAT:
        raise BadInputError(
            f"The ground truth has format {truth.format}, this version reads {FORMAT}; it was not read."
        )
    return truth
