"""One settings file on one recording: engine, windows, budget, and what came of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from winnow_operators.clips.judging import Amount, Judged, clip_name, judge, make_budget
from winnow_operators.clips.parts import PartBefore
from winnow_operators.clips.windows import ClipPlan, WindowPlanner
from winnow_operators.decisions import (
    CutContent,
    DecisionRow,
    cut_row,
    decision,
    inactive_row,
    refused_row,
    trigger_row,
    undecodable_row,
)
from winnow_operators.triggers.engine import TriggerEngine
from winnow_operators.triggers.feeding import resolve, signals_wanted
from winnow_operators.triggers.outcomes import Outcome, Verdict
from winnow_schemas.messages import Decision, TriggerEvent
from winnow_schemas.priority import Priority
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.settings.signals import SignalSettings
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_schemas.yaml_source import YamlDocument

RUN_ID = "what-if"
"""Stands where the ledger of a graph has the run's id."""
TRIGGERS, EXTRACTOR = "triggers", "extractor"
"""Ids of the deciding nodes in every graph that Winnow writes: part of a decision's id."""

Weigh = Callable[[int, int], dict[str, Amount]]
"""What each topic holds in ``[start_ns, end_ns)``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A settings file."""

    name: str
    """As it is shown: the file's name, or its path where names are the same."""
    path: Path
    settings: DeviceSettings
    document: YamlDocument


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """What became of a window."""

    plan: ClipPlan
    clip_id: str
    name: str
    judged: Judged
    messages: int
    payload_bytes: int
    """Of what is kept; of the whole window where nothing is."""

    @property
    def length_ns(self) -> int:
        return self.plan.end_ns - self.plan.start_ns


@dataclass(frozen=True, slots=True)
class TriggerCount:
    """How often a trigger fired, and how often it did not and why."""

    name: str
    priority: Priority
    fired: int
    held: dict[Verdict, int]


@dataclass(frozen=True, slots=True)
class Decided:
    """Everything that one settings file decided on one recording."""

    variant: Variant
    events: tuple[TriggerEvent, ...]
    triggers: tuple[TriggerCount, ...]
    """The active ones, most urgent first."""
    inactive: dict[str, str]
    clips: tuple[ClipOutcome, ...]
    """In the order in which they were judged, refused ones too."""
    charged: dict[int, dict[Priority, int]]
    """Per UTC day number."""
    decisions: tuple[Decision, ...]
    """Rows of the ledger."""
    active: Mapping[str, TriggerSettings] = field(default_factory=dict)
    """The triggers that ran, as settings and library make them."""


class VariantRun:
    """The state while a recording is read."""

    def __init__(self, variant: Variant, weigh: Weigh) -> None:
        """Check the settings.

        Raises:
            FileProblemsError: with all problems of the triggers.
            BadInputError: signals or limits do not fit.

        """
        settings = variant.settings
        self.variant = variant
        inputs, self._resolution = resolve(settings, variant.document)
        self._active = self._resolution.require()
        self.engine = TriggerEngine(self._active, inputs, settings.triggers)
        self.signals: dict[str, SignalSettings] = signals_wanted(settings, self.engine.signals)
        self.longest_pre_roll_ns = max(
            (round(trigger.pre_roll_s * 1e9) for trigger in self._active.values()), default=0
        )
        self._planner = WindowPlanner(int(settings.clips.max_length_s * 1e9))
        self._before = PartBefore()
        self._budget = make_budget(settings.clips)
        self._weigh = weigh
        self._events: dict[str, TriggerEvent] = {}
        self._clips: list[ClipOutcome] = []
        self._rows: dict[str, Decision] = {}
        for name, clause in self._resolution.inactive.items():
            self._note(TRIGGERS, inactive_row(name, clause))

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """What the engine said."""
        for outcome in outcomes:
            if not isinstance(outcome, TriggerEvent):
                self._note(TRIGGERS, trigger_row(outcome))
            elif outcome.event_id not in self._events:
                self._events[outcome.event_id] = outcome
                self._planner.add(outcome)

    def undecodable(self, topic: str, sentence: str) -> None:
        """Something of a topic cannot be read."""
        self._note(TRIGGERS, undecodable_row(topic, sentence))

    def advance(self, t_ns: int) -> None:
        """Everything before this time has been decided: judge the windows that have closed."""
        self._judge(self._planner.advance(t_ns))

    def finish(self, newest_ns: int) -> None:
        """The recording has ended."""
        self._judge(self._planner.finish(newest_ns))

    @property
    def needed_from_ns(self) -> int:
        """Start of the oldest window that is still open, and of what its events may reach back to."""
        return min(self._planner.needed_from_ns, self._planner.reached_from_ns)

    def _judge(self, plans: Iterable[ClipPlan]) -> None:
        settings = self.variant.settings
        vehicle = settings.vehicle.id
        for planned in plans:
            plan = self._before.reaching_back(planned)
            amounts = self._weigh(plan.start_ns, plan.end_ns)
            if plan.topics:
                amounts = {topic: amount for topic, amount in amounts.items() if topic in plan.topics}
            judged = judge(plan, amounts, settings, self._budget)
            kept = [amount for topic, amount in amounts.items() if topic not in judged.left_out]
            messages = sum(amount.messages for amount in kept)
            payload_bytes = sum(amount.payload_bytes for amount in kept)
            clip = ClipOutcome(
                plan, plan.clip_id(vehicle), clip_name(plan, vehicle), judged, messages, payload_bytes
            )
            self._clips.append(clip)
            self._before.came_of(plan, is_whole=judged.cut and not judged.left_out)
            if judged.cut:
                content = CutContent(messages, payload_bytes, judged.charged_bytes, 0, judged.left_out)
                self._note(EXTRACTOR, cut_row(plan, vehicle, content))
            else:
                self._note(EXTRACTOR, refused_row(plan, vehicle, judged.outcome, judged.reason))

    def _note(self, node: str, row: DecisionRow) -> None:
        record = decision(row, node=node, run_id=RUN_ID, wall_ns=0)
        self._rows.setdefault(record.decision_id, record)

    def result(self) -> Decided:
        """What was decided."""
        fired: dict[str, int] = {}
        for event in self._events.values():
            fired[event.type] = fired.get(event.type, 0) + 1
        held = self.engine.happened()
        triggers = tuple(
            TriggerCount(name, self._active[name].priority, fired.get(name, 0), held[name])
            for name in self.engine.names
        )
        return Decided(
            self.variant,
            tuple(self._events.values()),
            triggers,
            dict(self._resolution.inactive),
            tuple(self._clips),
            self._budget.spent(),
            tuple(self._rows.values()),
            self._active,
        )


def load_variants(paths: Iterable[Path]) -> list[Variant]:
    """Read settings files; each gets a short name of its own.

    Raises:
        BadInputError: one cannot be read.
        FileProblemsError: with all problems of the first that has some.

    """
    files = list(paths)
    names = [path.name for path in files]
    variants = []
    for path in files:
        settings, document = load_settings(path)
        name = path.name if names.count(path.name) == 1 else str(path)
        variants.append(Variant(name, path, settings, document))
    return variants
