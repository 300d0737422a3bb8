"""``winnow faultproxy HOST:PORT``: put a bad network between a client and a server on this machine."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field, ValidationError

from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.validation import Strict, validate
from winnow_schemas.yaml_source import load_file
from winnow_tools.faultproxy import FaultProxy, Faults, ScriptStep

MAX_STEPS = 10_000
"""A script of one change per second for almost three hours."""


class Script(Strict):
    """A script file: ``steps: [{at_s: 5, faults: {black_hole: true}}, {at_s: 8, faults: {}}]``."""

    steps: list[ScriptStep] = Field(max_length=MAX_STEPS)
    """What begins when."""


def faultproxy_command(
    target: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The server behind the proxy.")],
    listen: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 = any.")] = 0,
    up_mbps: Annotated[float | None, typer.Option(help="Rate towards the server.")] = None,
    down_mbps: Annotated[float | None, typer.Option(help="Rate towards the client.")] = None,
    latency_ms: Annotated[float, typer.Option(help="Delay in each direction.")] = 0.0,
    reset_after: Annotated[
        int | None, typer.Option(metavar="BYTES", help="Cut the connection that sends this byte, once.")
    ] = None,
    flip_up: Annotated[
        int | None, typer.Option(metavar="BYTE", help="Invert this byte of what clients send.")
    ] = None,
    flip_down: Annotated[
        int | None, typer.Option(metavar="BYTE", help="Invert this byte of what the server sends.")
    ] = None,
    black_hole: Annotated[bool, typer.Option("--black-hole", help="Let nothing pass.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Take no connection.")] = False,
    script: Annotated[Path | None, typer.Option(help="YAML with faults over time.")] = None,
    for_s: Annotated[
        float | None, typer.Option(min=0, help="End after so long; by default at Ctrl-C.")
    ] = None,
) -> None:
    """Pass TCP connections on as slowly, late and wrongly as asked; count bytes.

    A script says what happens when, per direction: `steps: [{at_s: 5, faults: {black_hole_up: true}}, {at_s: 8,
    faults: {up_mbps: 2, down_latency_ms: 300}}]`. Its faults take the place of those given here.
    """
    try:
        host, port = _target(target)
        steps = tuple(validate(Script, load_file(script)).steps) if script else ()
        faults = Faults(
            up_mbps=up_mbps,
            down_mbps=down_mbps,
            latency_ms=latency_ms,
            reset_after_bytes=reset_after,
            flip_up_byte=flip_up,
            flip_down_byte=flip_down,
            black_hole=black_hole,
            refuse=refuse,
        )
        proxy = FaultProxy(host, port, listen_port=listen, faults=faults, script=steps)
        proxy.start()
    except ValidationError as error:
        problem = error.errors()[0]
        print(
            f"{problem['loc'][0]}: {problem['input']!r} is not allowed; {problem['msg']}; no proxy was started.",
            file=sys.stderr,
        )
        raise typer.Exit(BadInputError.exit_code) from None
    except WinnowError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    print(f"127.0.0.1:{proxy.port} -> {host}:{port}", flush=True)
    try:
        threading.Event().wait(for_s)
    except KeyboardInterrupt:
        pass
    finally:
        proxy.stop()
    print(f"{proxy.up_bytes} bytes up, {proxy.down_bytes} bytes down, {proxy.connections} connections")


def _target(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise BadInputError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:9000; no proxy was started.")
    return host.removeprefix("[").removesuffix("]"), int(port)
