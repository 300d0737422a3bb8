"""An overview as sentences and as JSON."""

import datetime as dt
from typing import Any

from winnow_operators.upload.forecast import Outlook
from winnow_schemas.settings.upload import LinkMode
from winnow_tools.console import bytes_text
from winnow_tools.upload.overview import Overview

_PLAIN = {
    LinkMode.DISCONNECTED: "no link",
    LinkMode.CELLULAR_5G: "5G",
    LinkMode.WIFI_DEPOT: "Wi-Fi",
    LinkMode.ETHERNET_DEPOT: "Ethernet",
}


def sentences_of(overview: Overview) -> list[str]:
    """What a person wants to know, a line each."""
    live, queued = overview.live, overview.queued
    left = sum(clip.left_bytes for clip in queued)
    lines = [_state(overview)]
    if live is not None:
        lines.append(f"link      {live.link} ({live.link_reason})")
        if live.clip_id:
            lines.append(_sending(overview))
        elif live.waiting and queued:
            lines.append(f"waits     {live.waiting}")
    lines.append(
        f"queue     {len(queued)} clips, {bytes_text(left)} to send; {overview.done} done, "
        f"{len(overview.set_aside)} set aside"
    )
    spent = sum(overview.spent.values())
    lines.append(f"today     {bytes_text(spent)} of {bytes_text(overview.budget.total_bytes)} sent (UTC day)")
    outlooks = overview.outlooks()
    if outlooks:
        lines.append("forecast  " + "; ".join(_outlook(one, overview.wall_ns) for one in outlooks))
    return lines


def _state(overview: Overview) -> str:
    if overview.control.paused:
        return f"uploader  paused ({overview.control.paused}); `winnow upload resume` goes on"
    if overview.live is None:
        return "uploader  does not run; what follows is what it left"
    return f"uploader  runs, {bytes_text(overview.live.rate_bytes_per_s)}/s on the wire"


def _sending(overview: Overview) -> str:
    live = overview.live
    clip = next((one for one in overview.clips if live and one.clip_id == live.clip_id), None)
    if live is None or clip is None:
        return f"sending   {live.clip_id if live else ''}"
    gone = min(clip.sent_bytes + live.unit_bytes, clip.size_bytes)
    part = gone / clip.size_bytes if clip.size_bytes else 1.0
    return f"sending   P{clip.priority} {clip.name}: {bytes_text(gone)} of {bytes_text(clip.size_bytes)} ({part:.0%})"


def _outlook(one: Outlook, now_ns: int) -> str:
    name = f"P{int(one.upload_class)}"
    if one.rate_bytes_per_s <= 0:
        where = (
            _PLAIN[one.waits_for] if one.waits_for is not None else "another link; its shares are 0 on all"
        )
        return f"{name} waits for {where}"
    if one.done_ns is None:
        return f"{name} not within a year (its daily budget is too small)"
    rate = f" at {bytes_text(one.rate_bytes_per_s)}/s"
    budget = ", over today's budget" if one.over_midnight else ""
    return f"all {name} by {_clock(one.done_ns, now_ns)}{rate}{budget}"


def _clock(then_ns: int, now_ns: int) -> str:
    then = dt.datetime.fromtimestamp(then_ns // 10**9, dt.UTC)
    now = dt.datetime.fromtimestamp(now_ns // 10**9, dt.UTC)
    return f"{then:%H:%M} UTC" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M} UTC"


def as_json(overview: Overview) -> dict[str, Any]:
    """The same for programs; times are nanoseconds UTC, sizes bytes."""
    live = overview.live
    return {
        "running": live is not None,
        "paused": str(overview.control.paused),
        "link": live.link if live else None,
        "link_reason": live.link_reason if live else None,
        "goodput_bytes_per_s": live.goodput_bytes_per_s if live else None,
        "rate_bytes_per_s": live.rate_bytes_per_s if live else 0.0,
        "sending": {"clip_id": live.clip_id, "unit_bytes": live.unit_bytes}
        if live and live.clip_id
        else None,
        "waiting": live.waiting if live else "",
        "done": overview.done,
        "spent_today_bytes": {f"P{int(one)}": size for one, size in sorted(overview.spent.items())},
        "budget_bytes": overview.budget.total_bytes,
        "forecast": [
            {
                "class": f"P{int(one.upload_class)}",
                "left_bytes": one.left_bytes,
                "done_wall_ns": one.done_ns,
                "rate_bytes_per_s": one.rate_bytes_per_s,
                "waits_for": one.waits_for.name.lower() if one.waits_for is not None else None,
                "over_midnight": one.over_midnight,
            }
            for one in overview.outlooks()
        ],
        "clips": [
            {
                "clip_id": clip.clip_id,
                "name": clip.name,
                "priority": clip.priority,
                "upload_class": clip.upload_class,
                "state": clip.state,
                "size_bytes": clip.size_bytes,
                "sent_bytes": clip.size_bytes - clip.left_bytes if clip.is_open else clip.sent_bytes,
                "urgent": bool(clip.urgent),
                "hold": clip.hold_reason,
                "attempts": clip.attempts,
                "reason": clip.reason,
            }
            for clip in overview.clips
        ],
    }
