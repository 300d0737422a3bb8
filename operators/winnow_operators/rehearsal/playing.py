"""Plays a script: arrivals come, the scheduler says what goes, links carry it, retention tidies up."""

from winnow_operators.rehearsal.arrivals import make_arrivals
from winnow_operators.rehearsal.disk import Disk
from winnow_operators.rehearsal.links import Links, make_links
from winnow_operators.rehearsal.promises import check_budgets, check_choice, check_idle
from winnow_operators.rehearsal.script import Rehearsal, Rules, Sample, Script, SimClip
from winnow_operators.rehearsal.wire import Wire, view_of
from winnow_operators.upload.budget import day_of
from winnow_operators.upload.schedule import QueueItem, Stage
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode

MOST_STEPS = 5_000_000
"""Decisions of one rehearsal: far more than a month of 10 MiB parts."""


def rehearse(script: Script, rules: Rules) -> Rehearsal:
    """The whole of it. Same arguments, same result."""
    return _Play(script, rules).run()


class _Play:
    def __init__(self, script: Script, rules: Rules) -> None:
        self.script = script
        self.rules = rules
        self.result = Rehearsal(script, rules.retention.room_bytes, rules.budget.total_bytes)
        self.links: Links = make_links(script)
        self.result.clips, self.result.refused = make_arrivals(script, rules)
        self.coming = self.result.clips[::-1]
        self.disk = Disk(rules, self.result)
        self.wire = Wire(self.links, rules, self.result.spent)
        self.queue: dict[str, SimClip] = {}
        self.views: dict[str, QueueItem] = {}
        self.tick_ns = script.start_ns
        self.now_ns = script.start_ns

    def run(self) -> Rehearsal:
        while self.now_ns < self.script.end_ns and self.result.steps < MOST_STEPS:
            self._arrive()
            if self.now_ns >= self.tick_ns:
                self._tick()
            before_ns = self.now_ns
            self._step()
            self._count_waiting(before_ns)
        self._tick()
        check_budgets(self.result, self.rules.budget)
        return self.result

    def _arrive(self) -> None:
        while self.coming and self.coming[-1].ready_ns <= self.now_ns:
            clip = self.coming.pop()
            self.disk.put(clip)
            self.queue[clip.clip_id] = clip
            self.views[clip.clip_id] = view_of(clip, self.rules)

    def _step(self) -> None:
        stretch = self.links.at(self.now_ns)
        spent = self.result.spent.get(day_of(self.now_ns), {})
        charged = {UploadClass(one): size for one, size in spent.items()}
        plan = self.rules.scheduler.plan(self.views.values(), stretch.link, charged, self.now_ns)
        self.result.steps += 1
        if plan.send is None:
            check_idle(self.result, self.rules.scheduler, self.views, stretch.link, charged, self.now_ns)
            self.now_ns = max(self._next_event_ns(plan.until_ns), self.now_ns + 1)
            return
        check_choice(self.result, self.rules.scheduler, plan.send, self.views, stretch.link, self.now_ns)
        clip = self.queue[plan.send.clip_id]
        if plan.send.stage is Stage.DATA and clip.first_byte_ns is None:
            clip.first_byte_ns = self.now_ns
        self.now_ns, whole = self.wire.send(clip, plan.send, self.now_ns)
        self.result.cut_off += not whole
        if clip.verified_ns is not None:
            del self.queue[clip.clip_id], self.views[clip.clip_id]
        else:
            self.views[clip.clip_id] = view_of(clip, self.rules)

    def _next_event_ns(self, until_ns: int | None) -> int:
        events = [self.tick_ns, self.links.at(self.now_ns).end_ns, self.script.end_ns]
        if self.coming:
            events.append(self.coming[-1].ready_ns)
        if until_ns is not None:
            events.append(until_ns)
        return min(event for event in events if event > self.now_ns)

    def _count_waiting(self, before_ns: int) -> None:
        """Time in which a clip waited although there was a link."""
        if self.links.at(before_ns).mode is LinkMode.DISCONNECTED:
            return
        passed_s = (self.now_ns - before_ns) / 1e9
        for clip in self.queue.values():
            if clip.first_byte_ns is None:
                clip.linked_wait_s += passed_s

    def _tick(self) -> None:
        """Retention, then a sample."""
        for clip in self.disk.tidy(self.now_ns):
            self.queue.pop(clip.clip_id, None)
            self.views.pop(clip.clip_id, None)
        waiting = dict.fromkeys(UploadClass, 0)
        for clip in self.queue.values():
            waiting[clip.priority.upload_class] += clip.left_bytes
        samples = self.result.samples
        since_ns = samples[-1].t_ns if samples else self.script.start_ns
        samples.append(
            Sample(
                self.now_ns,
                int(self.links.at(min(self.now_ns, self.script.end_ns - 1)).mode),
                tuple(waiting.values()),
                self.wire.rates_since(since_ns, self.now_ns),
                self.disk.verified_bytes,
                self.disk.unverified_bytes,
            )
        )
        while self.tick_ns <= self.now_ns:
            self.tick_ns += int(self.script.tick_s * 1e9)
