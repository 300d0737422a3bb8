"""``winnow server``: run the main server, and say who may use it."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from winnow_runtime.clock import SystemClock
from winnow_schemas.errors import BadInputError
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_schemas.settings.server import ServerSettings
from winnow_server.accounts import Accounts, Role
from winnow_server.serving import TaskServer
from winnow_tools.console import print_json, print_table, sentences

server_app = typer.Typer(
    name="server",
    help="The main server: tasks for devices, and review pages. Without a command it runs, until Ctrl-C.",
    invoke_without_command=True,
)
STATE = Path("state") / "server"
"""Where the server keeps its things below the run's folder: the same as under dora."""
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="Settings file with a `server` section; by default every default."),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", help="The server's folder; by default `out` of the settings.")
]
RoleName = Annotated[str, typer.Option(help="view, review, device or admin.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _place(settings_file: Path | None, out: Path | None) -> tuple[ServerSettings, Path]:
    settings = load_settings(settings_file)[0] if settings_file else DeviceSettings()
    if out is None:
        base = settings_file.resolve().parent if settings_file else Path.cwd()
        out = base / (settings.out or "winnow-server")
    return settings.server, out / STATE


@server_app.callback()
def run(
    context: typer.Context,
    settings_file: SettingsFile = None,
    out: OutFolder = None,
    port: Annotated[
        int | None, typer.Option(help="Port, instead of the settings' one; 0 = any free one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say where it listens as one JSON object.")] = False,
) -> None:
    """Run the server. Exit code 0: stopped by Ctrl-C or SIGTERM; 2: bad settings; 4: port or database not to be had."""
    if context.invoked_subcommand is not None:
        context.obj = (settings_file, out)
        return
    with sentences():
        settings, folder = _place(settings_file, out)
        if port is not None:
            settings = settings.model_copy(update={"port": port})
        with TaskServer(
            settings, folder, SystemClock(), lambda sentence: print(sentence, file=sys.stderr, flush=True)
        ) as server:
            if as_json:
                print_json({"url": server.url, "folder": str(folder)})
            else:
                print(f"The server listens at {server.url}; its folder is {folder}. Ctrl-C stops it.")
            sys.stdout.flush()
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            clock = SystemClock()
            try:
                while server.alive:
                    clock.sleep_s(0.2)
            except KeyboardInterrupt:
                pass


def _accounts(context: typer.Context, settings_file: Path | None, out: Path | None) -> Accounts:
    before_settings, before_out = context.obj or (None, None)
    settings, folder = _place(settings_file or before_settings, out or before_out)
    return Accounts(folder / settings.tokens)


@server_app.command()
def token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who gets it: a device or a program.")],
    role: RoleName = "device",
    settings_file: SettingsFile = None,
    out: OutFolder = None,
) -> None:
    """Make a token and print it, once: the server keeps only its hash. The same name again replaces the old token."""
    with sentences():
        print(_accounts(context, settings_file, out).new_token(name, Role.of(role)))


@server_app.command()
def user(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The person's login name.")],
    role: RoleName = "review",
    password_stdin: Annotated[
        bool, typer.Option(help="Read the password from stdin instead of asking for it.")
    ] = False,
    settings_file: SettingsFile = None,
    out: OutFolder = None,
) -> None:
    """Make or change a person's account for the pages."""
    with sentences():
        accounts = _accounts(context, settings_file, out)
        password = (
            sys.stdin.readline().rstrip("\n")
            if password_stdin
            else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        )
        accounts.set_person(name, Role.of(role), password)
        print(f"{name} may log in with the role {role.lower()}.")


@server_app.command()
def accounts(
    context: typer.Context, as_json: AsJson = False, settings_file: SettingsFile = None, out: OutFolder = None
) -> None:
    """List tokens and people."""
    with sentences():
        found = _accounts(context, settings_file, out).listing()
        if as_json:
            print_json({"accounts": found})
            return
        table = Table("name", "role", "kind")
        for each in found:
            table.add_row(each["name"], each["role"], each["kind"])
        print_table(table)


@server_app.command()
def forget(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The token or person to remove.")],
    settings_file: SettingsFile = None,
    out: OutFolder = None,
) -> None:
    """Remove a token or a person; it holds from the next request on."""
    with sentences():
        if not _accounts(context, settings_file, out).remove(name):
            raise BadInputError(
                f"There is no account {name!r}; nothing was changed. `winnow server accounts` lists them."
            )
        print(f"{name} is gone.")
