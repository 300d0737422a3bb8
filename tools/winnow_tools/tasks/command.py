"""``winnow tasks``: look at the server's tasks and change them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from winnow_runtime.task_client import ServerClient, read_token
from winnow_schemas.errors import BadInputError, WinnowError
from winnow_schemas.settings import load_settings
from winnow_schemas.settings.server import TaskSettings
from winnow_schemas.tasks import (
    BATCH_MAX,
    PREPROCESS_VIDEO,
    AddRequest,
    Payload,
    Place,
    TaskSpec,
    TaskState,
    TaskView,
)
from winnow_tools.console import print_json, print_table, sentences

tasks_app = typer.Typer(
    name="tasks",
    help="The tasks of the main server. Where it is and who asks: --server and --token-file, or WINNOW_SERVER and "
    "WINNOW_TOKEN_FILE, or the `tasks` section of --settings.",
    no_args_is_help=True,
)
Server = Annotated[str, typer.Option(envvar="WINNOW_SERVER", help="The server, https://HOST:PORT.")]
TokenFile = Annotated[Path | None, typer.Option(envvar="WINNOW_TOKEN_FILE", help="File with a token.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", "-s", help="Settings with a `tasks` section.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
TaskIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of tasks.")]


class _Listing(msgspec.Struct):
    tasks: list[TaskView]


class _Shown(msgspec.Struct):
    task: TaskView
    history: list[dict[str, Any]]


def _client(server: str, token_file: Path | None, settings_file: Path | None) -> ServerClient:
    settings, folder = TaskSettings(), Path()
    if settings_file is not None:
        settings, folder = load_settings(settings_file)[0].tasks, settings_file.resolve().parent
    address = server or settings.server
    if not address:
        raise BadInputError(
            "No server was named; nothing was asked. Give --server, WINNOW_SERVER or tasks.server in --settings."
        )
    if not address.startswith(("http://", "https://")):
        raise BadInputError(
            f"{address[:200]!r} is no address of a server; nothing was asked. Write https://HOST:PORT."
        )
    return ServerClient(
        address,
        read_token(token_file or folder / settings.token_file),
        ca=settings.ca,
        timeout_s=settings.timeout_s,
    )


def _when(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


@tasks_app.command("ls")
def ls(
    state: Annotated[list[TaskState] | None, typer.Option(help="Only these states.")] = None,
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 100,
    server: Server = "",
    token_file: TokenFile = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first, and say when each kind will be through."""
    with sentences():
        client = _client(server, token_file, settings_file)
        query = "".join(f"&state={each.value}" for each in state or ()) + (f"&kind={kind}" if kind else "")
        found = client.ask("GET", f"/api/v1/tasks?limit={limit}{query}", None, _Listing)
        summary = client.ask("GET", "/api/v1/summary", None, dict)
        if as_json:
            print_json({"tasks": msgspec.to_builtins(found.tasks), "summary": summary})
            return
        table = Table("id", "kind", "state", "urgency", "done", "left", "attempts", "device", "video", "note")
        for task in found.tasks:
            table.add_row(
                task.id,
                task.kind,
                f"{task.state} ({task.wish} asked)" if task.wish else task.state,
                str(task.urgency),
                f"{task.progress:.0%}",
                _span(task.eta_s),
                f"{task.attempts}/{task.attempts_max}",
                task.worker,
                f"{task.payload.video.share}:{task.payload.video.path}",
                task.error or task.note,
            )
        print_table(table)
        for name, states in summary["counts"].items():
            parts = ", ".join(f"{count} {each}" for each, count in sorted(states.items()))
            left = summary["eta_s"].get(name)
            held = " (paused)" if name in summary["held"] else ""
            print(f"{name}{held}: {parts}" + (f"; through in about {_span(left)}" if left else ""))


@tasks_app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")],
    server: Server = "",
    token_file: TokenFile = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one task, and what happened to it."""
    with sentences():
        found = _client(server, token_file, settings_file).ask(
            "GET", f"/api/v1/tasks/{identity}", None, _Shown
        )
        if as_json:
            print_json(msgspec.to_builtins(found))
            return
        table = Table("field", "value", show_header=False)
        for name, value in msgspec.to_builtins(found.task).items():
            table.add_row(
                name.removesuffix("_s") if value and name.endswith("_s") and name != "eta_s" else name,
                _when(value)
                if name.endswith("_s") and name != "eta_s"
                else str(value if value is not None else ""),
            )
        print_table(table)
        past = Table("when (UTC)", "what", "device", "fence", "note")
        for row in found.history:
            past.add_row(_when(row["at_s"]), row["what"], row["worker"], str(row["fence"] or ""), row["note"])
        print_table(past)


def _each(
    action: str,
    ids: list[str],
    client: ServerClient,
    *,
    as_json: bool,
    body: object = None,
    kinds: bool = False,
) -> None:
    """Do it for each; what fails is said, and the rest goes on."""
    done: list[dict[str, Any]] = []
    failed: list[str] = []
    for each in ids:
        folder = "kinds" if kinds and each.isupper() else "tasks"
        try:
            answer = client.ask("POST", f"/api/v1/{folder}/{each}/{action}", body or {}, dict)
        except WinnowError as error:
            failed.append(str(error))
            done.append({"id": each, "error": str(error)})
            continue
        done.append({"id": each, **answer})
        if not as_json:
            print(f"{each}: {answer.get('state') or answer}")
    if as_json:
        print_json({"tasks": done})
    if failed:
        raise BadInputError("\n".join(failed))


def _add_action(action: str, about: str, *, kinds: bool = False) -> None:
    """A command that does one thing to each of the named tasks, and to whole kinds where that makes sense."""

    def command(
        ids: Annotated[
            list[str],
            typer.Argument(
                metavar="ID...",
                help="Ids of tasks, or kinds for all of a kind." if kinds else "Ids of tasks.",
            ),
        ],
        server: Server = "",
        token_file: TokenFile = None,
        settings_file: SettingsFile = None,
        as_json: AsJson = False,
    ) -> None:
        with sentences():
            _each(action, ids, _client(server, token_file, settings_file), as_json=as_json, kinds=kinds)

    tasks_app.command(action, help=about)(command)


_add_action(
    "pause",
    "Take tasks out; one that runs stops within a second and keeps its checkpoint. A kind: all of it, until resumed.",
    kinds=True,
)
_add_action("resume", "Let paused tasks, or a paused kind, go on where they stopped.", kinds=True)
_add_action("retry", "Send dead or cancelled tasks round again; one that waits after a failure goes at once.")
_add_action("cancel", "End tasks without a result.")


@tasks_app.command()
def urgency(
    value: Annotated[int, typer.Argument(min=0, max=9, help="0 goes first.")],
    ids: TaskIds,
    server: Server = "",
    token_file: TokenFile = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Move tasks forward or back."""
    with sentences():
        _each(
            "urgency",
            ids,
            _client(server, token_file, settings_file),
            as_json=as_json,
            body={"urgency": value},
        )


@tasks_app.command()
def add(
    videos: Annotated[
        list[str],
        typer.Argument(metavar="SHARE:PATH...", help="Videos on a share, such as indoor:2026/a.mp4."),
    ],
    kind: Annotated[str, typer.Option(help="What to do with them first.")] = PREPROCESS_VIDEO,
    urgency: Annotated[int, typer.Option(min=0, max=9, help="0 goes first.")] = 5,
    server: Server = "",
    token_file: TokenFile = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Add videos; one that is known already stays as it is."""
    with sentences():
        specs = [_spec(each, kind, urgency) for each in videos]
        client = _client(server, token_file, settings_file)
        made: list[dict[str, Any]] = []
        for start in range(0, len(specs), BATCH_MAX):
            answer = client.ask(
                "POST", "/api/v1/tasks", AddRequest(tasks=specs[start : start + BATCH_MAX]), dict
            )
            made += answer["tasks"]
        if as_json:
            print_json({"tasks": made})
            return
        for video, each in zip(videos, made, strict=True):
            print(f"{each['id']} {video}{'' if each['new'] else ' (known already)'}")


def _spec(video: str, kind: str, urgency: int) -> TaskSpec:
    share, colon, path = video.partition(":")
    try:
        spec = TaskSpec(
            kind=kind, key=video[-200:], payload=Payload(video=Place(share=share, path=path)), urgency=urgency
        )
        return msgspec.json.decode(msgspec.json.encode(spec), type=TaskSpec)
    except (msgspec.ValidationError, ValueError) as error:
        hint = "" if colon else " Write SHARE:PATH."
        raise BadInputError(
            f"{video[:200]!r} is no video on a share ({error}); nothing was added.{hint}"
        ) from None


@tasks_app.command()
def purge(
    state: Annotated[
        list[TaskState] | None, typer.Option(help="done, dead or cancelled; by default done.")
    ] = None,
    older_than_h: Annotated[
        float, typer.Option(min=0, help="Only those that ended so many hours ago.")
    ] = 0.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    server: Server = "",
    token_file: TokenFile = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Forget finished tasks."""
    with sentences():
        client = _client(server, token_file, settings_file)
        states = [each.value for each in state or [TaskState.DONE]]
        if not yes and not as_json:
            typer.confirm(f"Forget all tasks that are {' or '.join(states)}?", abort=True)
        answer = client.ask(
            "POST", "/api/v1/tasks/purge", {"states": states, "older_than_s": older_than_h * 3600}, dict
        )
        if as_json:
            print_json(answer)
        else:
            print(f"{answer['purged']} tasks are forgotten.")
