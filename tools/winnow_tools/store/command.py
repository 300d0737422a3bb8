"""``winnow store start|status|stop DIR``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.errors import UnavailableError, WinnowError
from winnow_tools.store.status import StoreState, StoreStatus
from winnow_tools.store.store import Store

store_app = typer.Typer(
    name="store", help="An S3 server on this machine, in a folder of yours.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The store's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@store_app.command()
def start(
    folder: Folder,
    port: Annotated[int | None, typer.Option(help="Where S3 listens; by default any free port.")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="HTTPS, with a certificate authority of its own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the store, make it first if it is new; does nothing when it runs."""
    _show(lambda: Store(folder, port=port, tls=tls).start(), as_json)


@store_app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Say whether the store runs (exit code 0) or not (4)."""
    found = _show(lambda: Store(folder).status(), as_json)
    if found.state is not StoreState.RUNNING:
        raise typer.Exit(UnavailableError.exit_code)


@store_app.command()
def stop(folder: Folder, as_json: AsJson = False) -> None:
    """Stop the store; what it holds stays."""
    _show(lambda: Store(folder).stop(), as_json)


def _show(action: Callable[[], StoreStatus], as_json: bool) -> StoreStatus:
    try:
        found = action()
    except WinnowError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print(json.dumps(found.to_builtins(), indent=2))
        return found
    for note in found.notes:
        print(note)
    print(f"store    {found.folder}: {found.state}")
    if found.state is not StoreState.STOPPED:
        print(f"endpoint {found.endpoint_url}  region {found.region}")
        if found.ca_file:
            print(f"CA       {found.ca_file}")
        for server in found.servers:
            state = f"pid {server.pid}" if server.pid else "gone"
            print(
                f"  {server.name:<9} 127.0.0.1:{server.port:<5}  {state}{'' if server.answers else ', mute'}"
            )
    print(f"keys     {found.credentials_file}")
    return found
