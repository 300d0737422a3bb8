"""The task queue over HTTP: what devices and `winnow tasks` talk to."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from winnow_operators.tasks.forecast import queue_s
from winnow_operators.tasks.schedule import KindRule, Refusal, refusal
from winnow_runtime.clock import Clock
from winnow_schemas.tasks import (
    AddRequest,
    ClaimReply,
    ClaimRequest,
    CompleteRequest,
    FailRequest,
    HeartbeatReply,
    HeartbeatRequest,
    PurgeRequest,
    ReleaseRequest,
    TaskState,
    UrgencyRequest,
)
from winnow_server.accounts import Accounts, Caller, Role
from winnow_server.bodies import RefusedError, answer, body, number
from winnow_server.grouping import Grouped
from winnow_server.openapi import document
from winnow_server.queue import TaskQueue

ASK_AGAIN_S = 2.0
"""After "nothing to do": how soon a device asks again."""
BEATS_PER_LEASE = 6
BEAT_LONGEST_S = 0.5
"""A wish to pause reaches a device within this: the GPU must be free within a second."""
_ID = re.compile(r"^[0-9a-f]{16}$")
_KIND = re.compile(r"^[A-Z][A-Z0-9_]{2,39}$")
Handler = Callable[[Request, Caller], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When which kinds are handed out."""

    rules: dict[str, KindRule]
    zone: ZoneInfo

    def refusals(self, kinds: list[str], load: float, clock: Clock) -> dict[str, Refusal]:
        """Kind -> why it is not handed out now."""
        local = datetime.fromtimestamp(clock.wall_ns() / 1e9, self.zone)
        found = {kind: refusal(kind, self.rules.get(kind, KindRule()), local, load) for kind in kinds}
        return {kind: why for kind, why in found.items() if why is not None}


def identify(request: Request, accounts: Accounts) -> Caller | None:
    """The caller by bearer token; None without a valid one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return accounts.by_token(token.strip()) if scheme.lower() == "bearer" and token else None


class TaskApi:
    """Routes under ``/api/v1``."""

    def __init__(
        self, queue: TaskQueue, grouped: Grouped, accounts: Accounts, schedule: Schedule, clock: Clock
    ) -> None:
        self.queue = queue
        self.grouped = grouped
        self.accounts = accounts
        self.schedule = schedule
        self.clock = clock

    def routes(self) -> list[Route]:
        """All of them, each with the role that it takes."""
        one = "/api/v1/tasks/{id}"
        table: list[tuple[str, str, Role, Handler]] = [
            ("GET", "/api/v1/tasks", Role.VIEW, self.listing),
            ("POST", "/api/v1/tasks", Role.ADMIN, self.add),
            ("POST", "/api/v1/tasks/purge", Role.ADMIN, self.purge),
            ("GET", "/api/v1/summary", Role.VIEW, self.summary),
            ("GET", "/api/v1/openapi.json", Role.VIEW, self.described),
            ("POST", "/api/v1/claim", Role.DEVICE, self.claim),
            ("GET", one, Role.VIEW, self.show),
            ("POST", f"{one}/heartbeat", Role.DEVICE, self.heartbeat),
            ("POST", f"{one}/complete", Role.DEVICE, self.complete),
            ("POST", f"{one}/fail", Role.DEVICE, self.fail),
            ("POST", f"{one}/release", Role.DEVICE, self.release),
            ("POST", f"{one}/urgency", Role.ADMIN, self.move),
            *(
                ("POST", f"{one}/{action}", Role.ADMIN, self._action(action))
                for action in ("pause", "resume", "cancel", "retry")
            ),
            ("POST", "/api/v1/kinds/{kind}/pause", Role.ADMIN, self._hold(held=True)),
            ("POST", "/api/v1/kinds/{kind}/resume", Role.ADMIN, self._hold(held=False)),
        ]
        return [
            Route(path, self._guarded(role, handler), methods=[method])
            for method, path, role, handler in table
        ]

    def _guarded(self, role: Role, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            caller = identify(request, self.accounts)
            if caller is None:
                raise RefusedError(
                    401,
                    "This needs a valid token (Authorization: Bearer TOKEN); nothing was changed. "
                    "`winnow server token` makes one.",
                    {"WWW-Authenticate": "Bearer"},
                )
            if not caller.may(role):
                raise RefusedError(
                    403,
                    f"{caller.name} has the role {caller.role.name.lower()}, this needs {role.name.lower()}; nothing was changed.",
                )
            return await handler(request, caller)

        return endpoint

    @staticmethod
    def identity(request: Request) -> str:
        """The task that the address names."""
        identity = str(request.path_params["id"])
        if not _ID.match(identity):
            raise RefusedError(404, f"{identity[:40]!r} is no id of a task (16 hexadecimal digits).")
        return identity

    # --- devices ------------------------------------------------------------------------------------------

    async def claim(self, request: Request, _: Caller) -> Response:
        wanted = await body(request, ClaimRequest)
        return answer(await self.grouped.run(self._claim, wanted))

    def _claim(self, wanted: ClaimRequest) -> ClaimReply:
        refused = self.schedule.refusals(list(wanted.kinds), wanted.load, self.clock)
        kinds = [kind for kind in wanted.kinds if kind not in refused]
        task = self.queue.claim(kinds, wanted.worker) if kinds else None
        rules = self.queue.rules
        if task is not None:
            beat = min(BEAT_LONGEST_S, rules.lease_s / BEATS_PER_LEASE)
            return ClaimReply(task=task, lease_s=rules.lease_s, heartbeat_s=beat)
        if refused and not kinds:
            wait = min(why.wait_s for why in refused.values())
            return ClaimReply(
                retry_after_s=max(ASK_AGAIN_S, min(wait, 60.0)),
                because=" ".join(why.because for why in refused.values()),
            )
        held = sorted(set(kinds) & set(self.queue.held_kinds()))
        because = f"{', '.join(held)} paused by a person." if held else "Nothing is waiting."
        return ClaimReply(retry_after_s=ASK_AGAIN_S, because=because)

    async def heartbeat(self, request: Request, _: Caller) -> Response:
        said = await body(request, HeartbeatRequest)
        wish = await self.grouped.run(
            self.queue.heartbeat,
            self.identity(request),
            said.worker,
            said.fence,
            progress=said.progress,
            note=said.note,
            checkpoint=said.checkpoint,
        )
        return answer(HeartbeatReply(lease_s=self.queue.rules.lease_s, wish=wish))

    async def complete(self, request: Request, _: Caller) -> Response:
        said = await body(request, CompleteRequest)
        made = await self.grouped.run(
            self.queue.complete, self.identity(request), said.worker, said.fence, said.result, said.successors
        )
        return answer({"state": TaskState.DONE, "successors": made})

    async def fail(self, request: Request, _: Caller) -> Response:
        said = await body(request, FailRequest)
        state = await self.grouped.run(
            self.queue.fail, self.identity(request), said.worker, said.fence, said.error, retry=said.retry
        )
        return answer({"state": state})

    async def release(self, request: Request, _: Caller) -> Response:
        said = await body(request, ReleaseRequest)
        state = await self.grouped.run(
            self.queue.release, self.identity(request), said.worker, said.fence, said.checkpoint, said.note
        )
        return answer({"state": state})

    # --- people and programs ------------------------------------------------------------------------------

    async def add(self, request: Request, _: Caller) -> Response:
        wanted = await body(request, AddRequest)
        made = await run_in_threadpool(self.queue.add, wanted.tasks)
        return answer({"tasks": [{"id": identity, "new": new} for identity, new in made]})

    async def listing(self, request: Request, _: Caller) -> Response:
        query = request.query_params
        try:
            states = [TaskState(each) for each in query.getlist("state")]
        except ValueError:
            names = ", ".join(TaskState)
            raise RefusedError(
                422, f"There is no state {query.get('state', '')[:40]!r}; allowed: {names}."
            ) from None
        kind, after = query.get("kind", ""), query.get("after", "")
        if (kind and not _KIND.match(kind)) or (after and not _ID.match(after)):
            raise RefusedError(422, "kind or after is not what a kind or an id looks like.")
        limit = number(request, "limit", 100, 1, 1000)
        found = await run_in_threadpool(
            self.queue.listing, states=states, kind=kind, after=after, limit=limit
        )
        return answer({"tasks": found})

    async def show(self, request: Request, _: Caller) -> Response:
        identity = self.identity(request)
        task = await run_in_threadpool(self.queue.get, identity)
        return answer({"task": task, "history": await run_in_threadpool(self.queue.past, identity)})

    async def summary(self, request: Request, _: Caller) -> Response:
        del request
        return answer(await run_in_threadpool(self.overview))

    async def described(self, _: Request, __: Caller) -> Response:
        return answer(document())

    def overview(self) -> dict[str, object]:
        """Counts, held kinds, and when each kind will be through."""
        counts = self.queue.counts()
        left: dict[str, float | None] = {}
        for kind, states in counts.items():
            running = self.queue.listing(states=[TaskState.RUNNING], kind=kind, limit=1000)
            durations = self.queue.durations_s(kind)
            usual = sorted(durations)[len(durations) // 2] if durations else 0.0
            remaining = [
                usual * (1 - task.progress) if task.eta_s is None else task.eta_s for task in running
            ]
            left[kind] = queue_s(
                states.get(TaskState.READY, 0), remaining, durations, len({t.worker for t in running})
            )
        return {"counts": counts, "held": self.queue.held_kinds(), "eta_s": left}

    async def purge(self, request: Request, _: Caller) -> Response:
        wanted = await body(request, PurgeRequest)
        return answer(
            {"purged": await run_in_threadpool(self.queue.purge, wanted.states, wanted.older_than_s)}
        )

    async def move(self, request: Request, _: Caller) -> Response:
        wanted = await body(request, UrgencyRequest)
        await run_in_threadpool(self.queue.move, self.identity(request), wanted.urgency)
        return answer({"urgency": wanted.urgency})

    def _action(self, action: str) -> Handler:
        async def handler(request: Request, _: Caller) -> Response:
            change = getattr(self.queue, action)
            return answer({"state": await run_in_threadpool(change, self.identity(request))})

        return handler

    def _hold(self, *, held: bool) -> Handler:
        async def handler(request: Request, _: Caller) -> Response:
            kind = str(request.path_params["kind"])
            if not _KIND.match(kind):
                raise RefusedError(404, f"{kind[:40]!r} is no kind of task.")
            changed = await run_in_threadpool(self.queue.hold_kind, kind, held=held)
            return answer({"kind": kind, "held": held, "tasks": changed})

        return handler
