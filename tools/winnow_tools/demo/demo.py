"""A simulated shift through the whole vehicle graph, into a real store, and every promise checked."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import load_settings
from winnow_tools.checking.command import require_fit
from winnow_tools.clips.verify import totals, verify
from winnow_tools.console import bytes_text
from winnow_tools.demo.store_check import check_store
from winnow_tools.graphpage.command import draw_graph
from winnow_tools.pages.writing import write_whole
from winnow_tools.report.collect import collect, compare_run, read_events, read_truth
from winnow_tools.report.page import render_report
from winnow_tools.running.launch import RunRequest
from winnow_tools.running.run import Outcome, fresh_folder, run
from winnow_tools.running.watch import Watch
from winnow_tools.store.store import Store

_CREDENTIALS = 'credentials_file: ""'
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo proved."""

    problems: tuple[str, ...]
    outcome: Outcome
    report: Path
    graph: Path
    headline: str


def demo(
    graph: Path,
    settings: Path,
    out: Path,
    say: Say,
    tell: Callable[[Watch], None],
    environment: dict[str, str],
) -> DemoResult:
    """Run everything; what was promised and not kept is in ``problems``.

    Raises:
        BadInputError: the graph or settings are not there.
        UnavailableError: the store cannot be started.

    """
    require_fit(graph, settings)
    fresh_folder(out, again=False)
    store = Store(out / "store")
    say("Starting a store: OpenStack Swift with its S3 interface, on loopback ...")
    store.start()
    try:
        own = _settings_with_store(settings, out)
        say(f"Running {graph} with the simulator, as fast as this machine goes ...")
        request = RunRequest(
            graph, out, None, "max", (("WINNOW_SETTINGS", str(own.resolve())), *environment.items())
        )
        outcome = run(request, Path(load_settings(own)[0].ring.shm_dir), tell)
        say("Checking: ground truth, every clip, every object in the store ...")
        problems = [*outcome.summary["problems"], *_check(out, own, outcome, say)]
    finally:
        store.stop()
    report, drawing = out / "report.html", out / "graph.html"
    data = collect(out, graph=graph, title="Demo shift", note=_note(own))
    write_whole(report, render_report(data))
    draw_graph(graph, drawing, own)
    discarded = 1 - data.bytes_kept / data.bytes_seen if data.bytes_seen else 0.0
    headline = f"{discarded:.1%} of {bytes_text(data.bytes_seen)} discarded, {data.p0_kept} of {data.p0_events} P0 events kept"
    return DemoResult(tuple(problems), outcome, report, drawing, headline)


def _settings_with_store(settings: Path, out: Path) -> Path:
    """The demo's settings with the store that was just started."""
    text = settings.read_text("utf-8")
    if text.count(_CREDENTIALS) != 1:
        raise BadInputError(
            f"{settings} has no line {_CREDENTIALS!r} for the demo's store; nothing was started."
        )
    own = out / "settings.yml"
    own.write_text(
        text.replace(
            _CREDENTIALS, f"credentials_file: {json.dumps(str((out / 'store' / 'store.json').resolve()))}"
        ),
        "utf-8",
    )
    return own


def _note(settings: Path) -> str:
    return (
        f"Simulated with reduced clouds and images (settings: {settings.name}); all topics at their own rates. "
        "Something happens every half minute here, so much is kept; on an ordinary day most of the time nothing does, "
        "and the share discarded is that of the time outside of windows."
    )


def _check(out: Path, settings: Path, outcome: Outcome, say: Say) -> list[str]:
    problems = []
    if outcome.exit_code:
        problems.append(
            f"The run ended with exit code {outcome.exit_code}; {out / 'dora' / 'log.txt'} says why."
        )
    problems += _check_truth(out, say)
    checks = verify(out, None)
    sums = totals(checks)
    say(f"  {sums['clips']} clips read back: {sum(check.good for check in checks)} whole")
    problems += [problem for check in checks for problem in check.problems]
    stored = check_store(out, load_settings(settings)[0].upload)
    say(
        f"  {stored.objects} objects fetched from the store ({bytes_text(stored.bytes)}), sizes and SHA-256 compared"
    )
    problems += stored.problems
    if stored.objects != sums["clips"]:
        problems.append(f"{sums['clips']} clips were cut and {stored.objects} are in the store.")
    problems += _check_tiers(out, say)
    topics = [topic for topic in outcome.summary["topics"].values() if topic["messages"] == 0]
    if topics:
        problems.append(f"{len(topics)} topics of the suite brought nothing.")
    return problems


def _check_truth(out: Path, say: Say) -> list[str]:
    truth = read_truth(out)
    if truth is None:
        return ["The simulator did not get to writing its ground truth."]
    compared = compare_run(truth, read_events(out))
    say(
        f"  ground truth: {len(compared.met)} of {len(compared.met) + len(compared.missing)} expected triggers fired, {len(compared.unexpected)} unexpected"
    )
    return [
        *(f"{each.type} did not fire although {each.why}." for each in compared.missing),
        *(
            f"{each.type} fired at {(each.t_ns - truth.start_ns) / 1e9:.1f} s although nothing in the world was a reason."
            for each in compared.unexpected
        ),
    ]


def _check_tiers(out: Path, say: Say) -> list[str]:
    tiers = [
        value
        for path in (out / "state").glob("*/tiers.json")
        for value in json.loads(path.read_bytes()).values()
    ]
    both = sum(1 for value in tiers if value["from_memory"] and value["from_disk"])
    say(f"  {both} clips were read from memory and disk together")
    return [] if both else ["No clip reached from memory into the warm tier."]
