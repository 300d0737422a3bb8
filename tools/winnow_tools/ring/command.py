"""``winnow ring [RUN]``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from winnow_runtime.clock import Clock, SystemClock
from winnow_tools.console import print_json, sentences
from winnow_tools.ring.finding import find_run
from winnow_tools.ring.sampling import RATE_OVER_NS, Sampler
from winnow_tools.ring.state import RingState, RunState
from winnow_tools.ring.table import as_table

LISTEN_EVERY_S = 0.02
"""The default heartbeat: what a lag can be told to."""
SHOW_EVERY_S = 0.5
_OVER = (RunState.GONE, RunState.DEAD)
_NARROWEST = 200
"""Columns that the table takes where nobody set a width: a file or a pipe."""


def ring_command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]",
            help="The run's folder, its id or the beginning of it; by default the only one that runs.",
        ),
    ] = "",
    watch: Annotated[
        bool | None,
        typer.Option(
            "--watch/--once",
            help="Go on until the run is over, or look once; by default the first on a terminal, the second elsewhere.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object; with --watch one per line, every half second."),
    ] = False,
    shm_dir: Annotated[
        Path | None,
        typer.Option(help="Where the rings lie, when neither in /dev/shm nor where the run's settings say."),
    ] = None,
) -> None:
    """Look into the rings of a running graph: fill, rates, hot seconds, losses, and how far readers are behind.

    It only reads: the ring does not know of it, and nothing waits for it. Rates are of the last second, so
    looking once takes a second. Exit code 0: shown; 2: several runs fit; 4: no such run.
    """
    console = Console()
    live = console.is_terminal and not as_json if watch is None else watch
    with sentences():
        sampler = Sampler(find_run(run, shm_dir), SystemClock())
        if not live:
            _show(observe(sampler, SystemClock()), as_json=as_json)
        elif as_json or not console.is_terminal:
            follow(sampler, SystemClock(), lambda state: _show(state, as_json=as_json, line=True))
        else:
            with Live(console=console, auto_refresh=False) as display:
                follow(sampler, SystemClock(), lambda state: display.update(as_table(state), refresh=True))


def observe(sampler: Sampler, clock: Clock, over_ns: int = RATE_OVER_NS) -> RingState:
    """Two looks, a second apart, with an ear on the heartbeat between them."""
    state = sampler.look()
    end = clock.monotonic_ns() + over_ns
    while clock.monotonic_ns() < end and state.state not in _OVER:
        clock.sleep_s(LISTEN_EVERY_S)
        sampler.listen()
    return sampler.look()


def follow(sampler: Sampler, clock: Clock, tell: Callable[[RingState], None]) -> None:
    """Tell how things stand until the run is over or somebody presses Ctrl-C."""
    try:
        tell(state := observe(sampler, clock, int(SHOW_EVERY_S * 1e9)))
        while state.state not in _OVER:
            end = clock.monotonic_ns() + int(SHOW_EVERY_S * 1e9)
            while clock.monotonic_ns() < end:
                clock.sleep_s(LISTEN_EVERY_S)
                sampler.listen()
            tell(state := sampler.look())
    except KeyboardInterrupt:
        return


def _show(state: RingState, *, as_json: bool, line: bool = False) -> None:
    if as_json and line:
        print(json.dumps(state.to_json(), ensure_ascii=False), flush=True)
    elif as_json:
        print_json(state.to_json())
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=max(console.width, _NARROWEST))
        console.print(as_table(state))
