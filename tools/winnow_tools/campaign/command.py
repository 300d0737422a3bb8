"""``winnow campaign new|key|sign|check|diff|apply|rollback``."""

import os
from pathlib import Path
from typing import Annotated

import typer

from winnow_operators.campaign import merge
from winnow_runtime.campaign.offers import Answer, Offer
from winnow_runtime.campaign.signing import new_key, read_private_key, sign
from winnow_runtime.clock import SystemClock
from winnow_schemas.campaign import read_campaign, read_campaign_file
from winnow_schemas.campaign.version import version_key
from winnow_schemas.errors import BadInputError
from winnow_tools.campaign.asking import find_desk
from winnow_tools.campaign.judging import Judgement, judge
from winnow_tools.campaign.signed_text import with_signature
from winnow_tools.campaign.template import new_campaign
from winnow_tools.console import fail, print_json, progress_bar, sentences
from winnow_tools.pages.writing import write_whole
from winnow_tools.triggers.device import load_device

campaign_app = typer.Typer(
    name="campaign", help="Update triggers from afar: signed, checked, reversible.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="A campaign, JSON or YAML.")]
Settings = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="Settings of the device; by default the standard suite."),
]
Record = Annotated[
    Path | None, typer.Option("--recording", "-r", help="Count events and gigabytes on this recording.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The run's folder.")]
Wait = Annotated[float, typer.Option("--wait", min=0.1, help="Seconds to wait for the node's answer.")]


@campaign_app.command("new")
def new_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    version: Annotated[str, typer.Option("--version", help="By default today's first: 2026.04.11.001.")] = "",
    name: Annotated[str, typer.Option("--name", help="What belongs together over several versions.")] = "",
    days: Annotated[float, typer.Option("--days", min=0.01, max=3650, help="Days until it expires.")] = 30,
) -> None:
    """Write a new campaign that changes nothing yet, with every part explained."""
    with sentences():
        _is_new(file)
        if version:
            try:
                version_key(version)
            except ValueError as error:
                raise BadInputError(f"{error}; nothing was written.") from None
        text = new_campaign(SystemClock().wall_ns(), version=version, name=name or file.stem, days=days)
        read_campaign(text, str(file))
        _write(file, text)
    print(file)


@campaign_app.command("key")
def key_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the key, as vehicles will know it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.pem.")] = Path(),
) -> None:
    """Make a key pair; NAME.pem signs and stays secret, what is printed goes into the vehicles' settings."""
    with sentences():
        path = out / f"{name}.pem"
        _is_new(path)
        pem, public = new_key()
        try:
            out.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise BadInputError(f"{path} cannot be written ({error.strerror}); no key was made.") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    print(f"campaign:\n  keys:\n    {name}: {public}")


@campaign_app.command("sign")
def sign_command(
    file: File,
    key: Annotated[Path, typer.Option("--key", "-k", help="The private key, NAME.pem.")],
    name: Annotated[str, typer.Option("--name", help="Its name; by default that of the file.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="By default FILE itself.")] = None,
) -> None:
    """Sign a campaign; an earlier signature is replaced."""
    with sentences():
        document = read_campaign_file(file)
        signed = sign(document.data, name or key.stem, read_private_key(key))
        text = with_signature(file.read_text("utf-8"), signed, str(file))
        read_campaign(text, str(file))
        _write(output or file, text)
        if document.campaign.expires is None:
            print(f"{file} has no end; 'expires' would give it one.")
    print(output or file)


@campaign_app.command("check")
def check_command(
    file: File, settings: Settings = None, recording: Record = None, as_json: AsJson = False
) -> None:
    """Say everything that a campaign would change on a device, or why it would be refused. Exit code 2 then."""
    with sentences(), progress_bar("playing", hidden=as_json) as progress:
        judgement = judge(
            read_campaign_file(file),
            load_device(settings),
            SystemClock().wall_ns(),
            recording=recording,
            progress=progress,
        )
    _show(judgement, as_json=as_json)


@campaign_app.command("diff")
def diff_command(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The campaign that runs.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The campaign that would replace it.")],
    settings: Settings = None,
    recording: Record = None,
    as_json: AsJson = False,
) -> None:
    """Say what would change on a device if one campaign replaced another."""
    with sentences(), progress_bar("playing", hidden=as_json) as progress:
        device = load_device(settings)
        base = merge(read_campaign_file(before).campaign, device.bare)
        judgement = judge(
            read_campaign_file(after),
            device,
            SystemClock().wall_ns(),
            base=base,
            recording=recording,
            progress=progress,
        )
    _show(judgement, as_json=as_json)


@campaign_app.command("apply")
def apply_command(file: File, out: Out = Path(), wait_s: Wait = 10.0, as_json: AsJson = False) -> None:
    """Give a campaign to the triggers node of a run; it judges it and answers. Exit code 2 when it is refused."""
    with sentences():
        document = read_campaign_file(file)
        desk = find_desk(out)
        answer = desk.ask(Offer("apply", document.text, file.name), SystemClock(), wait_s)
    _tell(answer, as_json=as_json)


@campaign_app.command("rollback")
def rollback_command(out: Out = Path(), wait_s: Wait = 10.0, as_json: AsJson = False) -> None:
    """Have what ran before the present campaign run again; its version is not taken a second time."""
    with sentences():
        answer = find_desk(out).ask(
            Offer("rollback", source="winnow campaign rollback"), SystemClock(), wait_s
        )
    _tell(answer, as_json=as_json)


def _tell(answer: Answer | None, *, as_json: bool) -> None:
    if answer is None:
        answer = Answer(
            "waiting", "No triggers node runs in this folder now; it will be asked when it starts."
        )
    if as_json:
        print_json({"outcome": answer.outcome, "reason": answer.reason})
    elif answer.outcome != "refused":
        print(answer.reason)
    if answer.outcome == "refused":
        if as_json:
            raise typer.Exit(BadInputError.exit_code)
        fail(answer.reason, BadInputError.exit_code)


def _show(judgement: Judgement, *, as_json: bool) -> None:
    if as_json:
        print_json(judgement.to_json())
        return
    for change in judgement.changes:
        print(change)
    if not judgement.changes:
        print("Nothing changes.")
    if judgement.anew:
        print(f"Windows of {', '.join(judgement.anew)} begin anew.")
    for note in judgement.notes:
        print(note)
    if judgement.before is not None and judgement.after is not None:
        rate = judgement.bytes_per_s
        print(
            f"On this recording of {judgement.after.span_ns / 1e9:.0f} s: {sum(judgement.before.events.values())} -> "
            f"{sum(judgement.after.events.values())} events; a day like it: {judgement.before.events_per_day:.3g} -> "
            f"{judgement.after.events_per_day:.3g} events, {judgement.before.gb_per_day(rate):.3g} -> "
            f"{judgement.after.gb_per_day(rate):.3g} GB before compression."
        )
    for problem in judgement.problems:
        print(problem)


def _is_new(path: Path) -> None:
    if path.exists():
        raise BadInputError(f"{path} exists; it was left as it is. Name another file.")


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise BadInputError(f"{path} cannot be written ({error.strerror}); it is as it was.") from None
