"""``winnow retention plan|lifecycle``."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from winnow_operators.retention.clips import RetentionPlan, Step
from winnow_operators.retention.lifecycle import lifecycle_configuration
from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_tools.console import bytes_text, fail, print_json, print_table, sentences
from winnow_tools.report.collect import run_settings
from winnow_tools.retention.bucket import apply_lifecycle
from winnow_tools.retention.outlook import Outlook, look_ahead
from winnow_tools.why.moment import parse_moment

retention_app = typer.Typer(
    name="retention", help="What is deleted when, on the device and in the bucket.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", help="A settings file; by default the one that the run was started with."
    ),
]


@retention_app.command("plan")
def plan_command(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run's folder.")],
    settings: SettingsFile = None,
    at: Annotated[
        str, typer.Option("--at", help="Plan for this time instead of now: 2026-11-20T14:32:10, UTC.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print and delete nothing, which this command never does otherwise."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Print every file, whether and when it goes, and by which rule; deleting is the retention node's.

    Works beside a running graph and after it. Exit code 1 when there is too little room and nothing may go.
    """
    assert dry_run
    now_ns = SystemClock().wall_ns()
    with sentences():
        if at:
            now_ns = parse_moment(at, now_ns, now_ns)[0]
        outlook = look_ahead(run, _settings(run, settings), now_ns)
    if as_json:
        print_json(_plan_json(outlook))
    else:
        _show(outlook)
    if outlook.plan.is_over:
        fail(_over(outlook.plan), 1)


@retention_app.command("lifecycle")
def lifecycle_command(
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help="A settings file; by default the standard rules.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the JSON to this file instead of printing it."),
    ] = None,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Put the rules into the bucket of the settings; others that it has stay."
        ),
    ] = False,
) -> None:
    """Write the bucket's lifecycle rules (6.2, 6.4) as S3 takes them, and put them into force if asked.

    They go by the tag `retention` that the uploader puts on every object: P0 is kept for good, clips that may
    show people 90 days, the others three years.
    """
    with sentences():
        device = load_settings(settings)[0] if settings is not None else DeviceSettings()
        configuration = lifecycle_configuration(device.retention.cloud, device.upload.abort_parts_after_days)
        if output is not None:
            _write(output, configuration)
        else:
            print_json(configuration)
        if apply:
            kept = apply_lifecycle(device.upload, configuration)
            count = len(configuration["Rules"])
            typer.echo(
                f"{count} rules are in force in {device.upload.bucket}; {kept} of others were left as they were.",
                err=True,
            )


def _settings(run: Path, named: Path | None) -> DeviceSettings:
    if not run.is_dir():
        raise BadInputError(f"{run} is no folder; nothing was planned. Name a run's folder.")
    if named is not None:
        return load_settings(named)[0]
    found = run_settings(run)
    if found is None:
        raise BadInputError(
            f"{run} does not say which settings it ran with; nothing was planned. Name them with --settings."
        )
    return found


def _write(path: Path, configuration: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(configuration, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be written ({error.strerror}); no rules were written. Name another file."
        ) from None


def _plan_json(outlook: Outlook) -> dict[str, Any]:
    plan = outlook.plan
    return {
        "at": _utc(outlook.at_ns),
        "used_bytes": plan.used_bytes,
        "kept_bytes": plan.kept_bytes,
        "room_bytes": plan.room_bytes,
        "over": plan.is_over,
        "applies": outlook.applies,
        "problems": list(outlook.problems),
        "files": [_step_json(step) for step in plan.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    clip = step.clip
    return {
        "name": clip.name,
        "what": clip.matter.value,
        "priority": clip.priority.name,
        "size_bytes": clip.size_bytes,
        "verified": None if clip.verified_wall_ns is None else _utc(clip.verified_wall_ns),
        "delete": step.delete,
        "rule": step.rule.value,
        "reason": step.reason,
        "due": None if step.due_wall_ns is None else _utc(step.due_wall_ns),
        "loud": step.loud,
    }


def _show(outlook: Outlook) -> None:
    table = Table("", "P", "file", "size", "goes (UTC)", "rule", "because")
    for step in outlook.plan.steps:
        due = "" if step.due_wall_ns is None else _utc(step.due_wall_ns)[:16].replace("T", " ")
        table.add_row(
            "delete" if step.delete else "keep",
            step.clip.priority.name,
            step.clip.name,
            bytes_text(step.clip.size_bytes),
            "now" if step.delete else due,
            step.rule.value,
            step.reason,
        )
    print_table(table)
    for problem in outlook.problems:
        print(problem)
    plan = outlook.plan
    going = sum(step.delete for step in plan.steps)
    print(
        f"{len(plan.steps)} files, {bytes_text(plan.used_bytes)} of {bytes_text(plan.room_bytes)}; {going} go, "
        f"{bytes_text(plan.kept_bytes)} stay. Nothing was deleted: this is a plan"
        + ("." if outlook.applies else ", and retention.apply is off, so the node only plans, too.")
    )


def _over(plan: RetentionPlan) -> str:
    return (
        f"{bytes_text(plan.kept_bytes)} would stay and there is room for {bytes_text(plan.room_bytes)}; nothing more "
        "may go. Upload what waits, lift holds, or make room."
    )


def _utc(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
