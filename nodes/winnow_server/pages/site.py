"""The pages: who comes in, and the tasks."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from winnow_schemas.errors import WinnowError
from winnow_schemas.tasks import CHAIN, TaskState, TaskView
from winnow_server.accounts import Role
from winnow_server.api import TaskApi
from winnow_server.bodies import RefusedError, answer
from winnow_server.pages.rendering import HEADERS, page
from winnow_server.pages.sessions import COOKIE, LASTS_S, Session, Sessions
from winnow_server.statuses import status_of

FORM_MAX_BYTES = 64 * 1024
FIELD_MAX = 4000
LISTED = 500
_STATIC = {
    "style.css": "text/css",
    "live.js": "text/javascript",
    "keys.js": "text/javascript",
    "film.js": "text/javascript",
}
Page = Callable[[Request, Session], Awaitable[Response]]
ACTIONS = {"pause": "Paused", "resume": "Goes on", "retry": "Sent round again", "cancel": "Cancelled"}


class Site:
    """Routes for people."""

    def __init__(self, api: TaskApi, sessions: Sessions, *, secure: bool) -> None:
        self.api = api
        self.sessions = sessions
        self.secure = secure

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/login", self.login_page, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.guarded(Role.VIEW, self.log_out), methods=["POST"]),
            Route("/static/{name}", self.static),
            Route("/", self.guarded(Role.VIEW, self.home)),
            Route("/videos", self.guarded(Role.VIEW, self.videos)),
            Route("/videos.json", self.guarded(Role.VIEW, self.videos_json)),
            Route("/tasks/{id}", self.guarded(Role.VIEW, self.task)),
            Route("/tasks/{id}/{action}", self.guarded(Role.ADMIN, self.act), methods=["POST"]),
        ]

    # --- coming in ----------------------------------------------------------------------------------------

    def guarded(self, role: Role, handler: Page) -> Callable[[Request], Awaitable[Response]]:
        """Only for people who have logged in and may; a form must come from one of our pages."""

        async def endpoint(request: Request) -> Response:
            session = await run_in_threadpool(self.sessions.find, request.cookies.get(COOKIE, ""))
            if session is None:
                if request.method != "GET" or request.url.path.endswith(".json"):
                    raise RefusedError(
                        401, "You are not logged in any more; nothing was changed. Log in again."
                    )
                return RedirectResponse("/login", 303, HEADERS)
            if not session.caller.may(role):
                sentence = f"{session.caller.name} has the role {session.caller.role.name.lower()}, this needs {role.name.lower()}; nothing was changed."
                return page(
                    request, "error.html", session, {"title": "Not allowed", "sentence": sentence}, 403
                )
            try:
                if request.method == "POST":
                    await self._ours(request, session)
                return await handler(request, session)
            except (WinnowError, RefusedError) as error:
                status = error.status if isinstance(error, RefusedError) else status_of(error)
                return page(
                    request,
                    "error.html",
                    session,
                    {"title": "That did not work", "sentence": str(error)},
                    status,
                )

        return endpoint

    async def _ours(self, request: Request, session: Session) -> None:
        form = await self.form(request)
        if not session.owns(str(form.get("csrf", ""))):
            raise RefusedError(
                403, "This form is not from a page of yours; nothing was changed. Load the page again."
            )

    @staticmethod
    async def form(request: Request) -> FormData:
        """The form, small and without files."""
        length = request.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit() or int(length) > FORM_MAX_BYTES:
            raise RefusedError(413, f"A form has at most {FORM_MAX_BYTES} bytes; nothing was changed.")
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind != "application/x-www-form-urlencoded":
            raise RefusedError(415, "This takes a form; nothing was changed.")
        return await request.form(max_files=0, max_fields=64)

    async def login_page(self, request: Request) -> Response:
        return page(request, "login.html", None, {"problem": "", "name": ""})

    async def log_in(self, request: Request) -> Response:
        """Check name and password; the form needs no token because it changes nothing for anybody who is logged in."""
        origin = request.headers.get("origin")
        if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
            raise RefusedError(403, "This form is from another site; nothing was changed.")
        form = await self.form(request)
        name, password = str(form.get("name", ""))[:64], str(form.get("password", ""))[:1024]
        address = request.client.host if request.client else ""
        blocked = self.sessions.blocked_s(name, address)
        if blocked > 0:
            problem = (
                f"Too many tries; wait {blocked / 60:.0f} minutes."
                if blocked > 60
                else "Too many tries; wait a minute."
            )
            return page(request, "login.html", None, {"problem": problem, "name": name}, 429)
        cookie = await run_in_threadpool(self.sessions.log_in, name, password, address)
        if cookie is None:
            return page(
                request, "login.html", None, {"problem": "Name or password is wrong.", "name": name}, 401
            )
        done = RedirectResponse("/", 303, HEADERS)
        done.set_cookie(COOKIE, cookie, max_age=LASTS_S, httponly=True, samesite="strict", secure=self.secure)
        return done

    async def log_out(self, request: Request, _: Session) -> Response:
        await run_in_threadpool(self.sessions.log_out, request.cookies.get(COOKIE, ""))
        done = RedirectResponse("/login", 303, HEADERS)
        done.delete_cookie(COOKIE)
        return done

    async def static(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in _STATIC:
            raise RefusedError(404, "There is no such file.")
        data = (files("winnow_server.pages") / "static" / name).read_bytes()
        return Response(data, 200, {**HEADERS, "Cache-Control": "max-age=300"}, _STATIC[name])

    # --- tasks --------------------------------------------------------------------------------------------

    async def home(self, _: Request, __: Session) -> Response:
        return RedirectResponse("/videos", 303, HEADERS)

    async def videos(self, request: Request, session: Session) -> Response:
        wanted = request.query_params.get("state", "")
        rows, summary = await run_in_threadpool(self._videos, wanted)
        values = {
            "rows": rows,
            "summary": summary,
            "state": wanted,
            "states": list(TaskState),
            "chain": CHAIN,
            "limit": LISTED,
        }
        return page(request, "videos.html", session, values)

    async def videos_json(self, request: Request, _: Session) -> Response:
        rows, summary = await run_in_threadpool(self._videos, request.query_params.get("state", ""))
        return answer({"rows": rows, "summary": summary}, headers=HEADERS)

    def _videos(self, state: str) -> tuple[list[dict[str, object]], dict[str, object]]:
        states = [TaskState(state)] if state in TaskState.__members__.values() else []
        found = self.api.queue.listing(states=states, limit=LISTED)
        return [_row(task) for task in found], self.api.overview()

    async def task(self, request: Request, session: Session) -> Response:
        identity = self.api.identity(request)
        task = await run_in_threadpool(self.api.queue.get, identity)
        past = await run_in_threadpool(self.api.queue.past, identity)
        values = {
            "task": task,
            "past": past,
            "row": _row(task),
            "said": ACTIONS.get(request.query_params.get("done", ""), ""),
        }
        return page(request, "task.html", session, values)

    async def act(self, request: Request, _: Session) -> Response:
        identity, action = self.api.identity(request), str(request.path_params["action"])
        if action not in ACTIONS:
            raise RefusedError(404, "There is no such action; nothing was changed.")
        await run_in_threadpool(getattr(self.api.queue, action), identity)
        return RedirectResponse(f"/tasks/{identity}?done={action}", 303, HEADERS)


def _row(task: TaskView) -> dict[str, object]:
    """What the list and the script that keeps it fresh show of a task."""
    return {
        "id": task.id,
        "kind": task.kind,
        "video": f"{task.payload.video.share}:{task.payload.video.path}",
        "state": f"{task.state}, {task.wish} asked" if task.wish else str(task.state),
        "percent": round(task.progress * 100),
        "left_s": task.eta_s,
        "device": task.worker if task.state is TaskState.RUNNING else "",
        "note": task.error or task.note,
    }
