"""``winnow check GRAPH``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from winnow_operators.graphs.rules import Finding
from winnow_tools.checking.check import Report, check
from winnow_tools.console import fail, print_json, sentences

BAD = 2


def check_command(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="A dora dataflow (YAML).")],
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Another settings file than the graph names.")
    ] = None,
    rings: Annotated[bool, typer.Option("--rings", help="Show every topic's ring.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check wiring, types, settings, memory, lossless edges, cameras and conditions, before anything runs.

    One line per finding, with file and line. Exit code 0 when there is no error, 2 otherwise.
    """
    with sentences():
        report = check(graph, settings)
    if as_json:
        print_json(_to_json(report))
    else:
        _show(report, rings=rings)
    if report.errors:
        raise typer.Exit(BAD)


def require_fit(graph: Path, settings: Path | None = None, recording: Path | None = None) -> Report:
    """Check before a run; leaves with all errors when there are any."""
    with sentences():
        report = check(graph, settings, recording)
    if report.errors:
        lines = [str(finding) for finding in report.findings if finding.severity.value == "error"]
        fail("\n".join([*lines, "Nothing was started. `winnow check` shows everything."]), BAD)
    return report


def _show(report: Report, *, rings: bool) -> None:
    for finding in report.findings:
        print(finding)
    if rings and report.rings:
        _table(report)
    triggers = f"{len(report.active_triggers)} triggers run"
    if report.inactive_triggers:
        triggers += f", {len(report.inactive_triggers)} do not"
    memory = (
        f"rings {report.memory_bytes / 2**20:.0f} of {report.limit_bytes / 2**20:.0f} MiB"
        if report.rings
        else "no rings"
    )
    count = len(report.findings)
    found = (
        "nothing found"
        if not count
        else f"{count} finding{'s' if count > 1 else ''}, {report.errors} of them errors"
    )
    print(f"{report.graph}: {found}; {memory}; {triggers}.")


def _table(report: Report) -> None:
    table = Table("topic", "ring MiB", "expected MB/s", "hot seconds")
    for ring in sorted(report.rings, key=lambda item: item.topic):
        rate = f"{ring.expected_mb_s:.3g}" if ring.expected_mb_s else "unknown"
        hot = f"{ring.hot_s:.1f}" if ring.hot_s is not None else "unknown"
        table.add_row(ring.topic, f"{ring.bytes / 2**20:.2f}", rate, hot)
    Console().print(table)


def _to_json(report: Report) -> dict[str, Any]:
    return {
        "graph": str(report.graph),
        "errors": report.errors,
        "findings": [_finding(finding) for finding in report.findings],
        "memory_bytes": report.memory_bytes,
        "limit_bytes": report.limit_bytes,
        "rings": [asdict(ring) for ring in report.rings],
        "triggers": {"active": list(report.active_triggers), "inactive": dict(report.inactive_triggers)},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "severity": finding.severity.value,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "message": finding.message,
    }
