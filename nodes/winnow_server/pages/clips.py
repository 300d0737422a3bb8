"""Pages about the clips of vehicle runs: what triggered, what it looks like, what people call it, and why."""

import hashlib
import hmac
import re
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from winnow_operators.classify.scenario import Scenario
from winnow_runtime.clock import Clock
from winnow_schemas.settings.topics import Kind
from winnow_server.accounts import Role
from winnow_server.bodies import RefusedError, number
from winnow_server.pages.files import VIEWERS_MAY, ranged
from winnow_server.pages.rendering import HEADERS, page
from winnow_server.pages.sessions import Session
from winnow_server.pages.site import Site
from winnow_server.runs import Clip, Runs

LISTED = 100
OPEN_FOR_S = 12 * 3600
"""How long a viewer's address is good: a working day."""
_TOKEN = re.compile(r"^[0-9]{1,12}-[0-9a-f]{64}$")
_PICTURED = frozenset((Kind.CAMERA, Kind.THERMAL, Kind.LIDAR))
_META = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]{1,2000})"')


class ClipPages:
    """Routes about clips."""

    def __init__(self, site: Site, runs: Runs, secret: bytes, clock: Clock) -> None:
        self.site = site
        self.runs = runs
        self._secret = secret
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        guarded = self.site.guarded
        one = "/clips/{run}/{name}"
        return [
            Route("/clips", guarded(Role.VIEW, self.clips)),
            Route("/clips/labels.csv", guarded(Role.VIEW, self.labels)),
            Route(one, guarded(Role.VIEW, self.clip)),
            Route(f"{one}/thumbs.png", guarded(Role.VIEW, self.thumbs)),
            Route(f"{one}/signals", guarded(Role.VIEW, self.signals)),
            Route(f"{one}/label", guarded(Role.REVIEW, self.label), methods=["POST"]),
            Route("/open/{token}/{run}/{file}", self.open, methods=["GET", "OPTIONS"]),
            Route("/why", guarded(Role.VIEW, self.why)),
        ]

    async def clips(self, request: Request, session: Session) -> Response:
        run, trigger = request.query_params.get("run", ""), request.query_params.get("trigger", "")
        unlabelled = request.query_params.get("unlabelled") == "1"
        at = number(request, "page", 0, 0, 100_000)
        found = await run_in_threadpool(self.runs.clips, run)
        labels = await run_in_threadpool(self.runs.labels)
        types = sorted({each.type for clip in found for each in clip.sidecar.triggers})
        chosen = [
            clip
            for clip in found
            if (not trigger or any(each.type == trigger for each in clip.sidecar.triggers))
            and not (unlabelled and clip.sidecar.clip_id in labels)
        ]
        values = {
            "rows": chosen[at * LISTED : (at + 1) * LISTED],
            "found": len(chosen),
            "more": len(chosen) > (at + 1) * LISTED,
            "page": at,
            "labels": labels,
            "runs": list(self.runs.folders),
            "run": run,
            "types": types,
            "trigger": trigger,
            "unlabelled": unlabelled,
        }
        return page(request, "clips.html", session, values)

    async def clip(self, request: Request, session: Session) -> Response:
        clip = await self._asked(request)
        labels = await run_in_threadpool(self.runs.labels)
        values = {
            "clip": clip,
            "sidecar": clip.sidecar,
            "label": labels.get(clip.sidecar.clip_id, ""),
            "scenarios": list(Scenario),
            "pictured": any(each.kind in _PICTURED for each in clip.sidecar.topic_contents.values()),
            "viewers": self._viewers(request, clip),
            "said": "Labelled" if request.query_params.get("done") == "label" else "",
        }
        return page(request, "clip.html", session, values)

    async def thumbs(self, request: Request, _: Session) -> Response:
        path = await run_in_threadpool(self.runs.thumbs, await self._asked(request))
        return ranged(request, path, "image/png", {**HEADERS, "Cache-Control": "private, max-age=600"})

    async def signals(self, request: Request, _: Session) -> Response:
        """`winnow clips plot`'s page, in a box without our origin: its own script runs by its hash, ours stays out."""
        path = await run_in_threadpool(self.runs.signals, await self._asked(request))
        return Response(await run_in_threadpool(path.read_bytes), 200, _box(path), "text/html")

    async def label(self, request: Request, session: Session) -> Response:
        clip = await self._asked(request)
        form = await self.site.form(request)
        label = str(form.get("label", ""))[:64]
        await run_in_threadpool(self.runs.label, clip, label, session.caller.name)
        return RedirectResponse(
            f"/clips/{quote(clip.run)}/{quote(clip.sidecar.name)}?done=label", 303, HEADERS
        )

    async def labels(self, _: Request, __: Session) -> Response:
        text = await run_in_threadpool(self.runs.labels_csv)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="labels.csv"'}
        return Response(text, 200, headers, "text/csv")

    async def why(self, request: Request, session: Session) -> Response:
        run, moment = request.query_params.get("run", ""), request.query_params.get("at", "")[:200]
        run = run or next(iter(self.runs.folders), "")
        sentences = await run_in_threadpool(self.runs.why, run, moment) if moment else []
        values = {"run": run, "runs": list(self.runs.folders), "at": moment, "sentences": sentences[:2000]}
        return page(request, "why.html", session, values)

    async def open(self, request: Request) -> Response:
        """A clip for a viewer of another site: the address is signed and ends; no cookie is looked at."""
        if request.method == "OPTIONS":
            asked = {
                "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
                "Access-Control-Allow-Headers": "Range",
                "Access-Control-Allow-Private-Network": "true",
                "Access-Control-Max-Age": "600",
            }
            return Response(None, 204, {**VIEWERS_MAY, **asked})
        token, run = str(request.path_params["token"]), str(request.path_params["run"])
        name = str(request.path_params["file"]).removesuffix(".mcap")
        until = int(token.partition("-")[0]) if _TOKEN.match(token) else 0
        good = hmac.compare_digest(token.encode("utf-8", "replace"), self._token(until, run, name).encode())
        if not good or until * 1_000_000_000 <= self._clock.wall_ns():
            raise RefusedError(404, "This address is not good, or not any more.", dict(VIEWERS_MAY))
        clip = await run_in_threadpool(self.runs.clip, run, name)
        return ranged(
            request, clip.path, "application/octet-stream", {**VIEWERS_MAY, "Cache-Control": "no-store"}
        )

    # --- inside -------------------------------------------------------------------------------------------

    async def _asked(self, request: Request) -> Clip:
        run, name = str(request.path_params["run"]), str(request.path_params["name"])
        return await run_in_threadpool(self.runs.clip, run, name)

    def _token(self, until_s: int, run: str, name: str) -> str:
        signed = hmac.new(
            self._secret, f"{until_s}\n{run}\n{name}".encode("utf-8", "replace"), hashlib.sha256
        )
        return f"{until_s}-{signed.hexdigest()}"

    def _viewers(self, request: Request, clip: Clip) -> list[tuple[str, str]]:
        until = self._clock.wall_ns() // 1_000_000_000 + OPEN_FOR_S
        token = self._token(until, clip.run, clip.sidecar.name)
        base = f"{request.url.scheme}://{request.url.netloc}"
        url = f"{base}/open/{token}/{quote(clip.run)}/{quote(clip.sidecar.name)}.mcap"
        packed = quote(url, safe="")
        return [
            ("Lichtblick", f"https://lichtblick-suite.github.io/lichtblick/?ds=remote-file&ds.url={packed}"),
            ("Foxglove", f"https://app.foxglove.dev/~/view?ds=remote-file&ds.url={packed}"),
            ("Rerun", f"https://app.rerun.io/?url={packed}"),
            ("Download", url),
        ]


def _box(path: Path) -> dict[str, str]:
    """The page's own policy as a header too, in a sandbox: whatever it is, it cannot act as the person."""
    with path.open("rb") as file:
        found = _META.search(file.read(8192))
    own = found.group(1).decode("utf-8", "replace").replace("&#39;", "'") if found else "default-src 'none'"
    return {**HEADERS, "Content-Security-Policy": f"{own}; sandbox allow-scripts; frame-ancestors 'none'"}
