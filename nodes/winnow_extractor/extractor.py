"""The extractor's state: events in, plans that wait, clips out, all of it surviving a crash."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from winnow_extractor.cutter import Cut, Cutter
from winnow_operators.clips.budget import ExtractionBudget
from winnow_operators.clips.parts import PartBefore
from winnow_operators.clips.windows import ClipPlan, WindowPlanner, plan_from_json, plan_to_json
from winnow_runtime.atomic import TEMPORARY
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings.stages import ClipSettings


@dataclass(frozen=True, slots=True)
class Done:
    """A window that has been dealt with."""

    plan: ClipPlan
    cut: Cut


class Extractor:
    """Windows, budget and the queue of plans."""

    def __init__(self, settings: ClipSettings, budget: ExtractionBudget) -> None:
        self.planner = WindowPlanner(int(settings.max_length_s * 1e9))
        self.budget = budget
        self.queue: list[ClipPlan] = []
        self.clips = 0
        self._before = PartBefore()

    def add(self, event: TriggerEvent) -> None:
        self.planner.add(event)

    def advance(self, watermark_ns: int) -> None:
        """Windows that have closed join the queue."""
        self.queue += self.planner.advance(watermark_ns)

    def finish(self, newest_ns: int) -> None:
        """The stream has ended: everything left joins the queue."""
        self.queue += self.planner.finish(newest_ns)

    def cut_next(self, cutter: Cutter) -> Done | None:
        """Cut the clip that is due; None when none is."""
        if not self.queue:
            return None
        plan = self._before.reaching_back(self.queue[0])
        charged = self.budget.snapshot()
        try:
            done = Done(plan, cutter.cut(plan))
        except OSError:
            self.budget.restore(charged)  # it will be charged when it is cut
            raise
        except (ValueError, BadInputError) as error:  # one odd window must not stop the others
            self.budget.restore(charged)
            done = Done(plan, Cut(None, None, "impossible", f"the clip cannot be made: {error}"))
        self.queue.pop(0)
        self.clips += done.cut.sidecar is not None
        whole = done.cut.sidecar is not None and not done.cut.sidecar.left_out
        self._before.came_of(plan, is_whole=whole)
        return done

    @property
    def open_windows(self) -> int:
        """Windows that wait for their end."""
        return int(self.planner.is_open)

    @property
    def needed_from_ns(self) -> int:
        """Messages from this time on are still wanted."""
        starts = (
            event.t_ns - event.pre_roll_ns
            for plan in self.queue
            for event in plan.events
            if event.t_ns >= plan.start_ns
        )
        planned = (plan.start_ns for plan in self.queue)
        return min([self.planner.needed_from_ns, self.planner.reached_from_ns, *planned, *starts])

    def snapshot(self) -> dict[str, Any]:
        return {
            "planner": self.planner.snapshot(),
            "queue": [plan_to_json(plan) for plan in self.queue],
            "budget": self.budget.snapshot(),
            "clips": self.clips,
            "before": self._before.snapshot(),
        }

    def restore(self, value: dict[str, Any]) -> None:
        """Take over a snapshot."""
        self.planner.restore(value["planner"])
        self.queue = [plan_from_json(plan) for plan in value["queue"]]
        self.budget.restore(value["budget"])
        self.clips = value["clips"]
        self._before.restore(value["before"])


def remove_leftovers(clips: Path) -> Iterator[Path]:
    """Delete what a crash left half-written: temporary files, and clips whose sidecar was never written."""
    for path in sorted(clips.rglob(f"*{TEMPORARY}")):
        if path.name.endswith(f".verdict.json{TEMPORARY}"):
            continue  # the classifier may be writing it at this moment
        path.unlink()
        yield path
    for path in sorted(clips.rglob("*.mcap")):
        if not path.with_suffix(".json").exists():
            path.unlink()
            yield path
