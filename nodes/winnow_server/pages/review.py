"""Pages on which people look at what came out of videos: plates, where they were, and what became of each frame."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from winnow_operators.review.mapping import TILE_PX, Drawing, drawn, scale_bar
from winnow_operators.review.searching import parse
from winnow_operators.review.stretches import FrameVerdict, Stretch, stretches
from winnow_runtime.dashcam.tuning import TUNABLE, tuned
from winnow_schemas.errors import BadInputError
from winnow_schemas.ids import content_id
from winnow_schemas.settings.dashcam import DashcamSettings
from winnow_schemas.tasks import PREPROCESS_VIDEO, Payload, Scalar, TaskSpec, TaskState
from winnow_schemas.video_record import track_of
from winnow_server.accounts import Role
from winnow_server.bodies import RefusedError, number
from winnow_server.gathering import Results
from winnow_server.pages.files import ranged
from winnow_server.pages.rendering import HEADERS, page
from winnow_server.pages.sessions import Session
from winnow_server.pages.site import Site
from winnow_server.plates import PlateRow, ReviewState, UnknownPlateError

MAP_PX = (720, 420)
LAID_OUT_MAX = 1200
"""Stretches that a page lists; more are drawn only."""
FRAMES_MAX = 2_000_000
VERDICTS = {"confirm": ReviewState.CONFIRMED, "reject": ReviewState.REJECTED, "open": ReviewState.OPEN}


class ReviewPages:
    """Routes about plates and videos."""

    def __init__(self, site: Site, results: Results, tiles: str) -> None:
        self.site = site
        self.results = results
        self.tiles = tiles

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        look, judge, run = Role.VIEW, Role.REVIEW, Role.ADMIN
        table = [
            ("GET", "/plates", look, self.plates),
            ("GET", "/plates/{id}", look, self.plate),
            ("GET", "/plates/{id}/{picture}.jpg", look, self.picture),
            ("POST", "/plates/{id}/review", judge, self.judge),
            ("GET", "/films", look, self.films),
            ("GET", "/films/{id}", look, self.film),
            ("GET", "/films/{id}/video.mp4", look, self.video),
            ("POST", "/films/{id}/again", run, self.again),
            ("GET", "/map", look, self.map),
        ]
        return [
            Route(path, self.site.guarded(role, handler), methods=[method])
            for method, path, role, handler in table
        ]

    # --- plates -------------------------------------------------------------------------------------------

    async def plates(self, request: Request, session: Session) -> Response:
        said = request.query_params.get("q", "")[:64]
        wanted = request.query_params.get("state", "")
        state = ReviewState(wanted) if wanted in set(ReviewState) else None
        at = number(request, "page", 0, 0, 100_000)
        query = parse(said, near=request.query_params.get("exact") != "1")
        rows, more = await run_in_threadpool(self.results.book.search, query, state, page=at)
        values = {
            "said": said,
            "state": wanted if state else "",
            "states": list(ReviewState),
            "exact": request.query_params.get("exact") == "1",
            "rows": rows,
            "page": at,
            "more": more,
            "query": query,
        }
        return page(request, "plates.html", session, values)

    async def plate(self, request: Request, session: Session) -> Response:
        identity = _identity(request)
        row = await run_in_threadpool(self.results.book.plate, identity)
        review = await run_in_threadpool(self.results.book.review, identity)
        record = await run_in_threadpool(self.results.record, row.video)
        detail = next((each for each in record.plates if each.id == identity), None)
        said = {"confirm": "Confirmed", "correct": "Corrected", "reject": "Rejected", "open": "Taken back"}
        values = {
            "row": row,
            "review": review,
            "detail": detail,
            "said": said.get(request.query_params.get("done", ""), ""),
            "map": self._map(track_of(record), [row] if row.position else []),
        }
        return page(request, "plate.html", session, values, tiles=self.tiles)

    async def picture(self, request: Request, _: Session) -> Response:
        row = await run_in_threadpool(self.results.book.plate, _identity(request))
        name = {"crop": row.crop, "frame": row.picture}.get(str(request.path_params["picture"]), "")
        path = await run_in_threadpool(self.results.file, row.video, name)
        return ranged(request, path, "image/jpeg", {**HEADERS, "Cache-Control": "private, max-age=600"})

    async def judge(self, request: Request, session: Session) -> Response:
        identity = _identity(request)
        form = await self.site.form(request)
        verdict, text = str(form.get("verdict", "")), str(form.get("text", ""))[:64]
        if verdict != "correct" and verdict not in VERDICTS:
            raise RefusedError(
                422, "A plate is confirmed, corrected, rejected or left open; nothing was changed."
            )
        state = VERDICTS.get(verdict, ReviewState.CORRECTED)
        await run_in_threadpool(self.results.book.judge, identity, state, text, session.caller.name)
        return RedirectResponse(f"/plates/{identity}?done={verdict}", 303, HEADERS)

    # --- videos -------------------------------------------------------------------------------------------

    async def films(self, request: Request, session: Session) -> Response:
        rows = await run_in_threadpool(self.results.book.videos)
        return page(request, "films.html", session, {"rows": rows})

    async def film(self, request: Request, session: Session) -> Response:
        video = _identity(request)
        row = await run_in_threadpool(self.results.book.video, video)
        record = await run_in_threadpool(self.results.record, video)
        plates = await run_in_threadpool(self.results.book.of_video, video)
        found = await run_in_threadpool(self._stretches, video)
        try:
            await run_in_threadpool(self.results.file, video, f"archive/{video}/video.mp4")
            playable = True
        except UnknownPlateError:
            playable = False
        values = {
            "row": row,
            "record": record,
            "plates": plates,
            "stretches": found[:LAID_OUT_MAX],
            "all": len(found),
            "bars": _bars(found, row.duration_ns),
            "playable": playable,
            "map": self._map(track_of(record), plates),
            "tunable": TUNABLE,
            "said": "A task was added" if request.query_params.get("done") == "again" else "",
        }
        return page(request, "film.html", session, values, tiles=self.tiles)

    async def video(self, request: Request, _: Session) -> Response:
        video = _identity(request)
        path = await run_in_threadpool(self.results.file, video, f"archive/{video}/video.mp4")
        return ranged(request, path, "video/mp4", {**HEADERS, "Cache-Control": "private, max-age=600"})

    async def again(self, request: Request, _: Session) -> Response:
        """Send a video round again with other thresholds."""
        video = _identity(request)
        form = await self.site.form(request)
        options = _options(
            [(str(form.get(f"name{n}", "")), str(form.get(f"value{n}", ""))) for n in range(4)]
        )
        await run_in_threadpool(self._add, video, options)
        return RedirectResponse(f"/films/{video}?done=again", 303, HEADERS)

    def _add(self, video: str, options: dict[str, Scalar]) -> None:
        queue = self.site.api.queue
        done = queue.listing(states=[TaskState.DONE], kind=PREPROCESS_VIDEO, limit=1000)
        for task in done:
            if (task.result or {}).get("video_id") == video:
                break
        else:
            raise BadInputError(
                "No finished task of this video is known, so its place is not either; nothing was added. "
                "`winnow tasks add SHARE:PATH` goes through it anew."
            )
        payload = Payload(
            video=task.payload.video,
            size_bytes=task.payload.size_bytes,
            sha256=task.payload.sha256,
            options=options,
        )
        key = f"{video} {content_id('again', *map(str, sorted(options.items())))}"
        (added,) = queue.add([TaskSpec(kind=PREPROCESS_VIDEO, key=key, payload=payload, urgency=3)])
        if not added[1]:
            raise BadInputError(f"This was tried already: task {added[0]}; nothing was added.")

    # --- map ----------------------------------------------------------------------------------------------

    async def map(self, request: Request, session: Session) -> Response:
        """All sightings of what a search finds."""
        said = request.query_params.get("q", "")[:64]
        rows, more = await run_in_threadpool(self.results.book.search, parse(said), None)
        placed = [row for row in rows if row.position and row.state is not ReviewState.REJECTED]
        values = {
            "said": said,
            "rows": placed,
            "found": len(rows),
            "more": more,
            "map": self._map([], placed),
        }
        return page(request, "map.html", session, values, tiles=self.tiles)

    def _map(self, track: list[tuple[float, float]], plates: list[PlateRow]) -> dict[str, Any] | None:
        placed = [row for row in plates if row.position is not None]
        if not track and not placed:
            return None
        places = [row.position for row in placed if row.position is not None]
        drawing: Drawing = drawn([*track, *places], *MAP_PX)
        metres, bar_px = scale_bar(drawing.metres_per_px, 160)
        tiles = [
            (
                self.tiles.replace("{z}", str(t.zoom))
                .replace("{x}", str(t.column))
                .replace("{y}", str(t.row)),
                t.x_px,
                t.y_px,
            )
            for t in (drawing.tiles if self.tiles else [])
        ]
        return {
            "width": MAP_PX[0],
            "height": MAP_PX[1],
            "track": " ".join(f"{x},{y}" for x, y in drawing.points_px[: len(track)]),
            "marks": list(zip(drawing.points_px[len(track) :], placed, strict=True)),
            "tiles": tiles,
            "tile_px": TILE_PX,
            "bar_px": round(bar_px, 1),
            "bar": f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km",
        }

    def _stretches(self, video: str) -> list[Stretch]:
        try:
            path = self.results.file(video, f"artifacts/{video}.parquet")
            if pq.read_metadata(path).num_rows > FRAMES_MAX:
                return []
            table = pq.read_table(path, columns=["frame", "t_ns", "kept", "reason"])
        except (UnknownPlateError, OSError, ValueError, pa.ArrowException):
            return []  # the page says that there is no timeline
        columns = [table.column(name).to_pylist() for name in ("frame", "t_ns", "kept", "reason")]
        return stretches(FrameVerdict(*row) for row in zip(*columns, strict=True))


def _bars(found: list[Stretch], duration_ns: int) -> list[tuple[float, float, str, str]]:
    """Place, width (0 to 1000), kind and words of what the timeline draws; neighbours below a pixel are joined."""
    whole = max(duration_ns, found[-1].end_ns if found else 1, 1)
    bars: list[tuple[float, float, str, str]] = []
    for each in found:
        x, width = each.start_ns / whole * 1000, max(1, each.end_ns - each.start_ns) / whole * 1000
        kind = "kept" if each.kept else each.reason
        if bars and width < 1 and bars[-1][2] == kind and x - (bars[-1][0] + bars[-1][1]) < 1:
            bars[-1] = (bars[-1][0], round(x + width - bars[-1][0], 2), kind, bars[-1][3])
            continue
        bars.append((round(x, 2), round(max(width, 0.8), 2), kind, each.reason))
    return bars


def _options(said: list[tuple[str, str]]) -> dict[str, Scalar]:
    options: dict[str, Scalar] = {}
    for name, text in said:
        if not name and not text:
            continue
        try:
            value = float(text)
        except ValueError:
            raise BadInputError(f"{text[:40]!r} is no number; nothing was added.") from None
        options[name[:64]] = int(value) if value.is_integer() else value
    if not options:
        raise BadInputError("No threshold is named; nothing was added.")
    tuned(DashcamSettings(), options.items())  # a device would refuse it; here a person can mend it
    return options


def _identity(request: Request) -> str:
    text = str(request.path_params["id"])
    if len(text) != 16 or set(text) - set("0123456789abcdef"):
        raise UnknownPlateError(f"{text[:40]!r} is no id.")
    return text
