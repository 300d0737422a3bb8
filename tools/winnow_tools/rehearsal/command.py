"""``winnow upload simulate``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from winnow_operators.rehearsal.playing import rehearse
from winnow_operators.rehearsal.script import Rules, Script
from winnow_operators.upload.budget import DailyBudget
from winnow_operators.upload.schedule import Scheduler
from winnow_retention.planning import rules_of
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_tools.console import bytes_text, fail, print_json, print_table, sentences
from winnow_tools.pages.writing import write_whole
from winnow_tools.rehearsal.page import render_rehearsal
from winnow_tools.rehearsal.summary import Summary, as_json, summary_of

MIB = 1024 * 1024


def simulate_command(
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings", "-s", help="A settings file; by default the document's limits and budgets."
        ),
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How many days.", min=1, max=31)] = 7,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another week; the same, the same.")] = 0,
    clips_gb: Annotated[
        float | None, typer.Option("--clips-gb", help="Room for clips, instead of the settings'.", min=0.001)
    ] = None,
    outage_h: Annotated[
        float, typer.Option("--outage-h", help="Hours without any link, from the second day's noon.", min=0)
    ] = 24.0,
    safety_day: Annotated[
        int, typer.Option("--safety-day", help="The day with ten safety events, from 0; -1 for none.", min=-1)
    ] = 4,
    page: Annotated[
        Path | None, typer.Option("--page", "-p", help="Write the picture, FILE.html, self-contained.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play days of a vehicle: what is sent when, what lies on the disk, and whether every promise is kept.

    The document's trigger mix (3.5) and link pattern (5.2): shifts on cellular, breaks on Wi-Fi, nights on Ethernet,
    dead zones, an outage. The scheduler and the retention are the nodes' own. Nothing is read, sent or deleted.
    Exit code 1 when a promise was broken: a budget, a rate, P0 first, a full disk, a deletion without proof.
    """
    with sentences():
        device = load_settings(settings)[0] if settings is not None else DeviceSettings()
        script = Script(
            seed=seed, days=days, outage_h=outage_h, safety_day=None if safety_day < 0 else safety_day
        )
        result = rehearse(script, rules_from(device, clips_gb))
        summary = summary_of(result)
        if page is not None:
            try:
                write_whole(page, render_rehearsal(result, summary, device))
            except OSError as error:
                raise BadInputError(
                    f"{page} cannot be written ({error.strerror}); no picture was made. Name another file."
                ) from None
    if as_json_:
        print_json(as_json(summary))
    else:
        _show(summary)
    if summary.violations:
        fail(f"{len(summary.violations)} promises were broken, the first: {summary.violations[0]}", 1)


def rules_from(device: DeviceSettings, clips_gb: float | None = None) -> Rules:
    """The settings as the operators take them."""
    budget = DailyBudget.of(device.upload)
    room = int((device.retention.clips_gb if clips_gb is None else clips_gb) * 1e9)
    return Rules(
        scheduler=Scheduler(
            device.upload.link,
            budget,
            device.upload.ageing_points_per_h,
            int(device.upload.max_backoff_s * 1e9),
        ),
        budget=budget,
        retention=rules_of(device.retention, room),
        part_bytes=device.upload.part_mib * MIB,
        multipart_from_bytes=device.upload.multipart_from_mib * MIB,
        extraction_bytes={one: int(gb * 1e9) for one, gb in device.clips.budget_gb_per_day.items()},
        cap_bytes={one: int(gb * 1e9) for one, gb in device.clips.max_size_gb.items()},
    )


def _show(summary: Summary) -> None:
    table = Table("UTC day", "cut", "P0 sent", "others sent", "of", "linked h")
    for day in summary.days:
        table.add_row(
            day.date,
            bytes_text(day.cut_bytes),
            bytes_text(day.safety_bytes),
            bytes_text(day.other_bytes),
            bytes_text(summary.budget_bytes),
            f"{day.linked_h:.1f}",
        )
    print_table(table)
    for row in summary.classes:
        slowest = (
            ""
            if row.slowest_first_byte_h is None
            else (f"; the slowest waited {row.slowest_first_byte_h:.1f} h with a link for its first byte")
        )
        print(
            f"{row.name}: {row.cut} clips cut, {row.uploaded} uploaded, {bytes_text(row.waiting_bytes)} wait{slowest}."
        )
    gone = ", ".join(f"{count} by {rule}" for rule, count in sorted(summary.deleted.items())) or "none"
    print(
        f"Disk: at most {bytes_text(summary.peak_disk_bytes)} of {bytes_text(summary.room_bytes)}; deleted: {gone}."
    )
    print(f"{summary.steps:,} decisions, {summary.cut_off} parts cut off by a link that went.")
