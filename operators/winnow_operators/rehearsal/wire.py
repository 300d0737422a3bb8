"""One unit of work on a link that changes under it: a part, a sidecar, a request."""

from winnow_operators.rehearsal.links import Links
from winnow_operators.rehearsal.script import Rules, SimClip
from winnow_operators.upload.backoff import backoff_ns
from winnow_operators.upload.budget import day_of
from winnow_operators.upload.schedule import QueueItem, Send, Stage
from winnow_schemas.priority import UploadClass

REQUEST_BYTES = 4096
"""Headers and answer of a request, at most."""
FRAMING = 1 / 400
"""TLS records and chunk headers, per byte of data."""
SIDECAR_BYTES = 12_000
"""A sidecar with twenty topics and one trigger."""
ROUND_TRIP_S = 0.05
"""A request and its answer."""
TIMEOUT_NS = 10**9
"""Before it is known that nothing answers."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 1.0, 300.0


def view_of(clip: SimClip, rules: Rules) -> QueueItem:
    """What the scheduler sees of a clip."""
    stage = Stage.DATA if clip.left_bytes else Stage.SIDECAR
    return QueueItem(
        clip_id=clip.clip_id,
        upload_class=clip.priority.upload_class,
        score=clip.score,
        queued_ns=clip.ready_ns,
        stage=stage,
        next_bytes=_wire_bytes(_next_data(clip, rules) if stage is Stage.DATA else SIDECAR_BYTES),
        early_bytes=0 if clip.early_sent else _wire_bytes(SIDECAR_BYTES),
        started=clip.started,
        not_before_ns=clip.not_before_ns,
    )


def _next_data(clip: SimClip, rules: Rules) -> int:
    is_whole = clip.size_bytes < rules.multipart_from_bytes
    return clip.left_bytes if is_whole else min(clip.left_bytes, rules.part_bytes)


def _wire_bytes(data: int) -> int:
    return data + int(data * FRAMING) + REQUEST_BYTES


class Wire:
    """Carries units, charges them to the day on which they began, and remembers how much went when."""

    def __init__(self, links: Links, rules: Rules, spent: dict[int, dict[int, int]]) -> None:
        self._links = links
        self._rules = rules
        self._spent = spent
        self._since = dict.fromkeys(UploadClass, 0.0)

    def send(self, clip: SimClip, what: Send, now_ns: int) -> tuple[int, bool]:
        """Send one unit: when it was over, and whether it arrived. What a lost one cost is charged all the same."""
        data = _next_data(clip, self._rules) if what.stage is Stage.DATA else SIDECAR_BYTES
        todo = float(_wire_bytes(data))
        at_ns, sent = now_ns, 0.0
        while todo - sent > 1e-6:
            stretch = self._links.at(at_ns)
            limit = self._rules.scheduler.rate_bytes_per_s(
                clip.priority.upload_class, what.stage, stretch.link
            )
            speed = min(limit, stretch.capacity_bytes_per_s)
            if speed <= 0 or stretch.end_ns <= at_ns:
                break
            took_ns = min(int((todo - sent) / speed * 1e9) + 1, stretch.end_ns - at_ns)
            sent = min(sent + took_ns / 1e9 * speed, todo)
            at_ns += took_ns
        self._charge(clip, now_ns, sent)
        if todo - sent > 1e-6:
            clip.failures += 1
            clip.not_before_ns = at_ns + backoff_ns(clip.failures, FIRST_BACKOFF_S, LONGEST_BACKOFF_S, 0.5)
            return max(at_ns, now_ns + TIMEOUT_NS), False
        self._arrived(clip, what.stage, data, at_ns)
        return at_ns + int(ROUND_TRIP_S * 1e9), True

    def rates_since(self, since_ns: int, now_ns: int) -> tuple[float, ...]:
        """Mean bytes per second and class since the last call."""
        span_s = max(now_ns - since_ns, 1) / 1e9
        rates = tuple(size / span_s for size in self._since.values())
        self._since = dict.fromkeys(UploadClass, 0.0)
        return rates

    def _arrived(self, clip: SimClip, stage: Stage, data: int, at_ns: int) -> None:
        clip.failures = clip.not_before_ns = 0
        if stage is Stage.EARLY:
            clip.early_sent = True
        elif stage is Stage.DATA:
            clip.left_bytes -= data
            clip.started = True
        else:
            clip.verified_ns = at_ns

    def _charge(self, clip: SimClip, began_ns: int, sent: float) -> None:
        upload_class = clip.priority.upload_class
        size = round(sent)
        day = self._spent.setdefault(day_of(began_ns), {})
        day[int(upload_class)] = day.get(int(upload_class), 0) + size
        clip.wire_bytes += size
        self._since[upload_class] += sent
