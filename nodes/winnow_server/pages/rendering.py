"""Templates into answers, with the headers that keep a page to itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from winnow_server.accounts import Role
from winnow_server.pages.sessions import Session

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def moment(seconds: float | None) -> str:
    """A time as people read it, UTC; empty for none."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float | None) -> str:
    """A length of time in the two units that matter; empty for none."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def in_video(t_ns: int) -> str:
    """A time within a video, minutes and seconds."""
    minutes, seconds = divmod(t_ns / 1e9, 60)
    return f"{int(minutes)}:{seconds:05.2f}"


def utc(t_ns: int) -> str:
    """A moment of message time, UTC."""
    return moment(t_ns / 1e9)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("winnow_server.pages", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "span": span, "in_video": in_video, "utc": utc}
    return environment


def page(
    request: Request,
    template: str,
    session: Session | None,
    values: Mapping[str, Any],
    status: int = 200,
    *,
    tiles: str = "",
) -> Response:
    """A whole page; everything from outside is escaped by the template engine. ``tiles``: whose pictures a map may show."""
    shared = {
        "session": session,
        "csrf": session.csrf if session else "",
        "may_review": session is not None and session.caller.may(Role.REVIEW),
        "may_admin": session is not None and session.caller.may(Role.ADMIN),
        "path": request.url.path,
    }
    text = _environment().get_template(template).render(**shared, **values)
    if not tiles:
        return HTMLResponse(text, status, HEADERS)
    policy = POLICY.replace("img-src 'self'", f"img-src 'self' https://{urlsplit(tiles).netloc}")
    return HTMLResponse(text, status, {**HEADERS, "Content-Security-Policy": policy})
