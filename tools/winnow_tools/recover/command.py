"""``winnow recover FILE...``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from winnow_runtime.salvage.recovery import recover_file, report_path
from winnow_runtime.salvage.report import Outcome, Report
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_tools.console import bytes_text, print_json, progress_bar, sentences
from winnow_tools.recover.results import Result, exit_code, outputs


def recover_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Damaged MCAP files or ROS 1 bags.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write, or a folder for several. Default: beside FILE."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out messages that no checksum proves right.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON.")] = False,
) -> None:
    """Make whole, indexed MCAP files of damaged recordings, and say what is lost.

    FILE is never changed. The result is FILE's name with `.recovered.mcap`, and a report beside it
    (`.report.json`). Exit code 0: everything that the file holds was saved; 3: something is lost, left out or
    cannot be proven right; 2: nothing could be saved, or a file is something else; 4: the disk is full or refuses.
    Of several files, the worst counts.
    """
    with sentences():
        targets = outputs(files, output)
    results = [_one(path, target, strict=strict, force=force, quiet=as_json) for path, target in targets]
    if as_json:
        print_json({"files": [result.to_json() for result in results]})
    elif len(results) > 1:
        _summary(results)
    if code := exit_code(results):
        raise typer.Exit(code)


def _one(path: Path, target: Path, *, strict: bool, force: bool, quiet: bool) -> Result:
    try:
        with progress_bar(f"Recovering {path.name}", hidden=quiet) as progress:
            report = recover_file(path, target, strict=strict, overwrite=force, progress=progress)
        if report.outcome is Outcome.HOPELESS:
            raise BadInputError("\n".join(report.sentences()))
    except WinnowError as error:
        if not quiet:
            Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(str(error))
        return Result(path, None, str(error), error.exit_code)
    if not quiet:
        _show(report, target)
    return Result(path, report, "", 0 if report.outcome is Outcome.CLEAN else 3)


def _show(report: Report, target: Path) -> None:
    for sentence in report.sentences():
        print(sentence)
    table = Table("topic", "messages", "unverified", "left out", "stated", "payload")
    for name, topic in sorted(report.topics.items()):
        table.add_row(
            name,
            f"{topic.messages:,}",
            f"{topic.unverified:,}" if topic.unverified else "",
            f"{topic.left_out:,}" if topic.left_out else "",
            "" if topic.stated is None else f"{topic.stated:,}",
            bytes_text(topic.payload_bytes),
        )
    Console().print(table)
    print(f"Written: {target} ({bytes_text(report.output_bytes)}), report: {report_path(target)}.")


def _summary(results: list[Result]) -> None:
    table = Table("file", "outcome", "messages", "unverified", "skipped")
    for result in results:
        report = result.report
        if report is None:
            table.add_row(str(result.path), "nothing written", "", "", "")
            continue
        unverified = sum(topic.unverified for topic in report.topics.values())
        table.add_row(
            str(result.path),
            str(report.outcome),
            f"{report.messages:,}",
            f"{unverified:,}" if unverified else "",
            bytes_text(report.skipped_bytes) if report.skipped_bytes else "",
        )
    Console().print(table)
