"""``winnow triggers list|explain|test``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from winnow_operators.campaign.difference import say_cover
from winnow_operators.detectors import DETECTORS
from winnow_operators.triggers.explanation import explain
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_tools.console import print_json, progress_bar, sentences
from winnow_tools.pages.writing import write_whole
from winnow_tools.report.formats import date_text, time_text
from winnow_tools.triggers.device import Device, load_device
from winnow_tools.triggers.ledger_times import LastTimes, last_times
from winnow_tools.triggers.page import render_trigger
from winnow_tools.triggers.trace import Trace, read_by, require_trigger, trace_trigger

triggers_app = typer.Typer(
    name="triggers", help="What triggers do, in words and on a recording.", no_args_is_help=True
)
Settings = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="Settings of the device; by default the standard suite."),
]
Campaign = Annotated[Path | None, typer.Option("--campaign", "-c", help="A campaign to put onto them.")]
Run = Annotated[
    Path | None, typer.Option("--out", help="A run's folder: say when they last fired, and last could have.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_NEVER = LastTimes(None, None)
_STANDARD = "This is the standard suite with the library as it ships; --settings FILE says it of a device."


@triggers_app.command("list")
def list_command(
    settings: Settings = None,
    campaign: Campaign = None,
    out: Run = None,
    detectors: Annotated[
        bool, typer.Option("--detectors", help="List the detectors that make signals instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the triggers that run on a device, most urgent first, and those that do not, with the reason."""
    if detectors:
        _show_detectors(as_json=as_json)
        return
    with sentences():
        device = load_device(settings, campaign)
        times = last_times(out) if out is not None else None
    if as_json:
        print_json(_list_json(device, times))
        return
    _show_list(device, times, is_standard=settings is None)


@triggers_app.command("explain")
def explain_command(
    name: Annotated[str, typer.Argument(metavar="TRIGGER", help="Its name in `winnow triggers list`.")],
    settings: Settings = None,
    campaign: Campaign = None,
    out: Run = None,
    as_json: AsJson = False,
) -> None:
    """Say in words what a trigger looks at, when it fires, what it asks for and what holds it back."""
    with sentences():
        device = load_device(settings, campaign)
        trigger = require_trigger(device, name)
        said = [
            *explain(name, trigger, device.bare.inputs, device.bare.rules, device.settings.signals),
            *_campaign_sentences(device, name),
        ]
        if out is not None:
            said += _times_sentences(last_times(out).get(name, _NEVER))
    if as_json:
        print_json({"trigger": name, "sentences": said, "signals": read_by(device, name)})
        return
    for sentence in said:
        print(sentence)
    if settings is None:
        print(_STANDARD)


@triggers_app.command("test")
def try_command(
    name: Annotated[str, typer.Argument(metavar="TRIGGER", help="Its name in `winnow triggers list`.")],
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="An MCAP file or a ROS bag.")],
    settings: Settings = None,
    campaign: Campaign = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.html; by default TRIGGER.html here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play a recording through a trigger and draw what it saw: its value, its threshold, and what came of it."""
    target = output or Path(f"{name}.html")
    with sentences(), progress_bar("playing", hidden=as_json) as progress:
        device = load_device(settings, campaign)
        trace = trace_trigger(device, name, recording, progress)
        write_whole(target, render_trigger(trace, device))
    if as_json:
        print_json({**_trace_json(trace), "page": str(target)})
        return
    possible = trace.last_possible_ns
    print(
        f"{name} fired {len(trace.events)} times on {recording.name}; it last could have fired "
        f"{'never' if possible is None else f'at {_when(possible)}'}."
    )
    for problem in trace.problems[:20]:
        print(problem)
    print(target)


def _trace_json(trace: Trace) -> dict[str, Any]:
    return {
        "trigger": trace.name,
        "recording": trace.recording,
        "start_ns": trace.played.start_ns,
        "end_ns": trace.played.end_ns,
        "events": [
            {"t_ns": each.t_ns, "priority": each.priority, "value": each.value, "threshold": each.threshold}
            for each in trace.events
        ],
        "decisions": [
            {"t_ns": each.t_ns, "verdict": str(each.verdict), "reason": each.reason}
            for each in trace.decisions
        ],
        "last_possible_ns": trace.last_possible_ns,
        "problems": trace.problems,
    }


def _campaign_sentences(device: Device, name: str) -> list[str]:
    tuning = device.merged.tuning
    said = [
        f"While this is true, {say_cover(cover)}: {cover.condition}." for cover in tuning.covers.get(name, ())
    ]
    if name in tuning.keep_percent:
        said.append(f"Its scenario is saturated: {tuning.keep_percent[name]} of 100 events go out.")
    return said


def _times_sentences(times: LastTimes) -> list[str]:
    if times.possible_ns is None:
        return ["In this run its condition was never true."]
    fired = f"last fired at {_when(times.fired_ns)}" if times.fired_ns is not None else "did not fire"
    return [f"In this run it {fired}, and last could have at {_when(times.possible_ns)}."]


def _when(t_ns: int | None) -> str:
    return "never" if t_ns is None else f"{date_text(t_ns)} {time_text(t_ns, fine=True)}"


def _list_json(device: Device, times: dict[str, LastTimes] | None) -> dict[str, Any]:
    running = {}
    for name, trigger in _running(device):
        entry: dict[str, Any] = {
            "priority": trigger.priority.name,
            "when": trigger.when,
            "params": trigger.params,
            "cooldown_s": trigger.cooldown_s,
            "pre_roll_s": trigger.pre_roll_s,
            "post_roll_s": trigger.post_roll_s,
            "inputs": read_by(device, name),
            "description": trigger.description,
        }
        if times is not None:
            found = times.get(name, _NEVER)
            entry |= {"last_fired_ns": found.fired_ns, "last_possible_ns": found.possible_ns}
        running[name] = entry
    return {"running": running, "not_running": _idle(device)}


def _running(device: Device) -> list[tuple[str, TriggerSettings]]:
    triggers = [(name, trigger) for name, trigger in device.merged.triggers.items() if trigger.enabled]
    return sorted(triggers, key=lambda pair: (pair[1].priority, pair[0]))


def _idle(device: Device) -> dict[str, str]:
    off = {
        name: "the campaign switches it off"
        for name, trigger in device.merged.triggers.items()
        if not trigger.enabled
    }
    return {**device.bare.resolution.inactive, **off}


def _show_list(device: Device, times: dict[str, LastTimes] | None, *, is_standard: bool) -> None:
    head = ["", "what it does", "inputs"]
    table = Table(
        Column("trigger", no_wrap=True),
        *head,
        *(["last fired", "last could have"] if times is not None else []),
    )
    for name, trigger in _running(device):
        cells = [
            name,
            trigger.priority.name,
            trigger.description or trigger.when,
            ", ".join(read_by(device, name)),
        ]
        if times is not None:
            found = times.get(name, _NEVER)
            cells += [_clock(found.fired_ns), _clock(found.possible_ns)]
        table.add_row(*cells)
    Console().print(table)
    for name, reason in _idle(device).items():
        print(f"{name} does not run: {reason}.")
    if is_standard:
        print(_STANDARD)


def _clock(t_ns: int | None) -> str:
    return "never" if t_ns is None else time_text(t_ns)


def _show_detectors(*, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                name: {
                    "summary": detector.summary,
                    "inputs": sorted(detector.inputs),
                    "outputs": {key: output.summary for key, output in detector.outputs.items()},
                }
                for name, detector in DETECTORS.items()
            }
        )
        return
    table = Table(Column("detector", no_wrap=True), "what it does", "inputs", "signals that it makes")
    for name, detector in DETECTORS.items():
        table.add_row(name, detector.summary, ", ".join(detector.inputs), ", ".join(detector.outputs))
    Console().print(table)
