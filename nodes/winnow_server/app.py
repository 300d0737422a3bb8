"""The server's web application: the task API, the pages, health and metrics."""

from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from winnow_schemas.errors import WinnowError
from winnow_server.api import TaskApi, identify
from winnow_server.bodies import RefusedError, answer
from winnow_server.queue import TaskQueue
from winnow_server.statuses import status_of

RETRY_AFTER_S = 2


class _Counts(Collector):
    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily("winnow_tasks", "Tasks by kind and state", labels=["kind", "state"])
        for kind, states in self._queue.counts().items():
            for state, count in states.items():
                family.add_metric([kind, state], count)
        return [family]


def build_app(api: TaskApi, pages: Sequence[BaseRoute] = ()) -> Starlette:
    """Everything that the server answers."""
    registry = CollectorRegistry()
    registry.register(_Counts(api.queue))

    async def health(_: Request) -> Response:
        await run_in_threadpool(api.queue.held_kinds)
        return answer({"status": "ok"})

    async def metrics(request: Request) -> Response:
        if identify(request, api.accounts) is None:
            raise RefusedError(401, "This needs a valid token.", {"WWW-Authenticate": "Bearer"})
        return PlainTextResponse(
            await run_in_threadpool(generate_latest, registry), media_type=CONTENT_TYPE_LATEST
        )

    routes = [*api.routes(), Route("/healthz", health), Route("/metrics", metrics), *pages]
    handlers = {RefusedError: _refused, WinnowError: _told, HTTPException: _http}
    return Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]


async def _refused(_: Request, error: RefusedError) -> Response:
    return answer({"error": error.sentence}, error.status, error.headers)


async def _told(_: Request, error: WinnowError) -> Response:
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return answer({"error": str(error)}, status, headers)


async def _http(request: Request, error: HTTPException) -> Response:
    sentence = {
        404: f"There is nothing at {request.url.path[:200]}.",
        405: "This address does not take that method.",
    }
    return answer(
        {"error": sentence.get(error.status_code, error.detail)}, error.status_code, dict(error.headers or {})
    )
