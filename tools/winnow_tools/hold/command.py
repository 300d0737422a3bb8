"""``winnow hold add|ls|rm``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from winnow_runtime.clock import SystemClock
from winnow_runtime.ledger import read_ledger
from winnow_runtime.legal_holds import LegalHolds
from winnow_schemas.errors import BadInputError
from winnow_schemas.legal_hold import LegalHold, make_hold
from winnow_tools.console import bytes_text, print_json, print_table, sentences
from winnow_tools.hold.frozen import Frozen, frozen_by, single_holds
from winnow_tools.why.command import run_span
from winnow_tools.why.moment import parse_moment

hold_app = typer.Typer(
    name="hold",
    help="Legal holds: freeze the clips and segments of a span of time.",
    no_args_is_help=True,
)

Run = Annotated[Path, typer.Argument(metavar="DIR", help="The run's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TIME = "14:32, 14:32:10, 2026-11-20T14:32:10, +35s; UTC, message time."
HOUR_NS = 3600 * 10**9


@hold_app.command("add")
def add_command(
    run: Run,
    start: Annotated[str, typer.Option("--from", help=f"First moment of the span: {TIME}")] = "",
    end: Annotated[
        str, typer.Option("--to", help="Last moment of the span, all of it: 14:35 includes its minute.")
    ] = "",
    around: Annotated[
        str,
        typer.Option(
            "--around", help="Instead of both: the moment of an incident, with --margin-h on each side."
        ),
    ] = "",
    margin_h: Annotated[
        float, typer.Option("--margin-h", help="Hours before and after --around.", min=0.0, max=24 * 366)
    ] = 24.0,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who find it later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Freeze everything of a span: retention and the recorder delete nothing of it until the hold is lifted.

    In force when this returns, also for a graph that runs, and after every restart. What comes in the span later
    is frozen as well. The incident of an investigation: --around 14:32 holds 24 hours on each side (6.3).
    """
    with sentences():
        _check(run)
        first, last = _span(run, start, end, around, margin_h)
        hold = LegalHolds(run).add(make_hold(first, last, reason, SystemClock().wall_ns()))
        frozen = frozen_by(run, hold)
    if as_json:
        print_json(_as_json(hold, frozen))
    else:
        print(f"{hold.hold_id} holds {_utc(hold.start_ns)} to {_utc(hold.end_ns)}: {_told(frozen)}.")


@hold_app.command("ls")
def list_command(run: Run, as_json: AsJson = False) -> None:
    """List the holds and what they freeze at the moment."""
    with sentences():
        _check(run)
        there = LegalHolds(run).read()
        rows = [(hold, frozen_by(run, hold)) for hold in there.spans]
        single = single_holds(run)
    if as_json:
        print_json(
            {
                "holds": [_as_json(hold, frozen) for hold, frozen in rows],
                "clips": single,
                "problems": list(there.problems),
            }
        )
        return
    table = Table("hold", "from (UTC)", "to (UTC)", "freezes", "reason")
    for hold, frozen in sorted(rows, key=lambda row: row[0].start_ns):
        table.add_row(hold.hold_id, _utc(hold.start_ns), _utc(hold.end_ns), _told(frozen), hold.reason)
    print_table(table)
    for name in single:
        print(f"{name} has a hold of its own: a file beside it, lifted by removing that.")
    for problem in there.problems:
        print(problem)
    print(f"{len(rows)} hold{'s' * (len(rows) != 1)}.")


@hold_app.command("rm")
def remove_command(
    run: Run,
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Beginning of the hold's id.")],
    as_json: AsJson = False,
) -> None:
    """Lift a hold; what it froze goes when its other rules say so."""
    with sentences():
        _check(run)
        hold = LegalHolds(run).remove(hold_id)
    if as_json:
        print_json(_as_json(hold, None))
    else:
        print(f"{hold.hold_id} is lifted.")


def _check(run: Path) -> None:
    if not run.is_dir():
        raise BadInputError(f"{run} is no folder; nothing was done. Name a run's folder.")


def _span(run: Path, start: str, end: str, around: str, margin_h: float) -> tuple[int, int]:
    """What was meant, in message time.

    Raises:
        BadInputError: too little, too much, or no times.

    """
    if bool(around) == bool(start or end) or bool(start) != bool(end):
        raise BadInputError("Give --from and --to, or --around; nothing was held.")
    known = _known_span(run, start, end, around)
    try:
        if around:
            first, last = parse_moment(around, *known)
            margin_ns = int(margin_h * HOUR_NS)
            return first - margin_ns, last + margin_ns
        return parse_moment(start, *known)[0], parse_moment(end, *known)[1]
    except BadInputError as error:
        raise BadInputError(str(error).replace("nothing was looked up", "nothing was held")) from None


def _known_span(run: Path, *texts: str) -> tuple[int, int]:
    """The run's own time, for 14:32 and +35s; without a ledger today's."""
    has_ledger = (run / "ledger").is_dir() or (run / "ledger.parquet").exists()
    known = run_span(run, read_ledger(run).to_pylist()) if has_ledger else None
    if known is None and any(text.strip().startswith("+") for text in texts):
        raise BadInputError(
            f"{run} has no ledger that says when the run began; nothing was held. Give times of day or dates."
        )
    now_ns = SystemClock().wall_ns()
    return known or (now_ns - now_ns % (24 * HOUR_NS), now_ns)


def _as_json(hold: LegalHold, frozen: Frozen | None) -> dict[str, Any]:
    value: dict[str, Any] = {
        "hold_id": hold.hold_id,
        "start_ns": hold.start_ns,
        "end_ns": hold.end_ns,
        "from": _utc(hold.start_ns),
        "to": _utc(hold.end_ns),
        "reason": hold.reason,
        "added": _utc(hold.added_wall_ns),
    }
    if frozen is not None:
        value["freezes"] = {
            "clips": frozen.clips,
            "clip_bytes": frozen.clip_bytes,
            "segments": frozen.segments,
            "segment_bytes": frozen.segment_bytes,
        }
    return value


def _told(frozen: Frozen) -> str:
    return (
        f"{frozen.clips} clips ({bytes_text(frozen.clip_bytes)}), {frozen.segments} segments "
        f"({bytes_text(frozen.segment_bytes)})"
    )


def _utc(t_ns: int) -> str:
    try:
        return datetime.fromtimestamp(t_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{t_ns} ns"
