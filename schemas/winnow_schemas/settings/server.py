"""The main server, and the devices that pull tasks from it."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from winnow_schemas.validation import Strict

ShareName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
KindName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,39}$")]


def _window(value: Any) -> Any:
    """``22:00-06:00``; YAML 1.1 has its own ideas about colons, so it must be a string."""
    if not isinstance(value, str):
        raise ValueError('write it as "22:00-06:00", in quotes')  # noqa: TRY004 - pydantic takes no TypeError
    parts = value.replace(" ", "").split("-")
    for part in parts:
        hour, _, minute = part.partition(":")
        good = hour.isdigit() and minute.isdigit() and len(minute) == 2 and int(minute) < 60
        if not good or int(hour) * 60 + int(minute) > 24 * 60:
            raise ValueError(f'{part!r} is no time of day; write it as "22:00-06:00"')
    if len(parts) != 2:
        raise ValueError('write it as "22:00-06:00"')
    return "-".join(parts)


Window = Annotated[str, BeforeValidator(_window)]


class KindSettings(Strict):
    """When tasks of a kind are handed out."""

    hours: list[Window] = Field(default_factory=list, max_length=16)
    """Times of day, `"22:00-06:00"`; empty = always."""
    load_max: float | None = Field(default=None, gt=0)
    """Load per core above which a device gets none; none = no limit."""


class WatchSettings(Strict):
    """A folder whose new videos become tasks."""

    share: ShareName
    """The share (see `shares`) that is watched."""
    folder: str = Field(default="", max_length=1024)
    """A folder below it; empty = all of it."""
    extensions: list[str] = Field(
        default=[".mp4", ".mov", ".avi", ".mkv", ".ts"], min_length=1, max_length=32
    )
    """What a video's name ends with, any case."""
    quiet_s: float = Field(default=10.0, ge=0.1, le=86_400)
    """A file that has not changed for so long is whole."""
    every_s: float = Field(default=5.0, ge=0.05, le=3600)
    """How often the folder is listed."""
    files_max: int = Field(default=100_000, ge=1)
    """Files looked at; more are counted and left."""


class ServerSettings(Strict):
    """The main server: task queue and review pages."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` = all, which needs `certificate` unless `insecure` is set."""
    port: int = Field(default=8600, ge=0, le=65535)
    """Port; 0 = any free one."""
    certificate: str = ""
    """PEM file of the server's certificate chain; empty = no TLS."""
    key: str = ""
    """PEM file of its key."""
    insecure: bool = False
    """Serve other machines without TLS; for networks that are private by other means."""
    database: str = ""
    """`sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`; empty = `server.sqlite` in the run's folder."""
    tokens: str = "tokens.json"
    """File with the devices' and people's tokens, as hashes; made by `winnow server token`."""
    lease_s: float = Field(default=30.0, ge=0.2, le=3600)
    """A task whose device has not been heard of for so long goes to another one."""
    attempts_max: int = Field(default=5, ge=1, le=100)
    """Failed attempts after which a task is dead."""
    backoff_s: float = Field(default=10.0, ge=0, le=3600)
    """Wait after the first failure; doubles each time."""
    backoff_longest_s: float = Field(default=3600.0, ge=0, le=86_400)
    """The longest such wait."""
    timezone: str = "UTC"
    """Where `hours` are counted, such as `Europe/Berlin`."""
    kinds: dict[KindName, KindSettings] = Field(default_factory=dict, max_length=16)
    """When which tasks run; those that are not named always do."""
    shares: dict[ShareName, str] = Field(default_factory=dict, max_length=32)
    """Share -> where it is mounted here."""
    watch: list[WatchSettings] = Field(default_factory=list, max_length=16)
    """Folders whose new videos become tasks."""

    results: list[str] = Field(default_factory=list, max_length=32)
    """Folders in which dashcam graphs leave their results (`tasks.results` as it is mounted here): shown for review."""
    runs: dict[ShareName, str] = Field(default_factory=dict, max_length=32)
    """Name -> folder of a vehicle's run (`winnow run --out`): its clips are shown for review."""
    tiles: str = Field(
        default="", pattern=r"^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s\"'<>;,]*\{z\}[^\s\"'<>;,]*)?$"
    )
    """Map tiles, such as `https://tiles.example/{z}/{x}/{y}.png`; empty = none, nothing is asked of other servers."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"timezone: {self.timezone!r} is unknown; write one such as Europe/Berlin"
            ) from None
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key come together; one of them is missing")
        if self.host not in {"127.0.0.1", "localhost", "::1"} and not (self.certificate or self.insecure):
            raise ValueError(
                f"host {self.host!r} is open to other machines and there is no certificate; "
                "set certificate and key, or insecure: true where the network is private"
            )
        if self.tiles and not ("{x}" in self.tiles and "{y}" in self.tiles):
            raise ValueError("tiles: the address needs {z}, {x} and {y}")
        for watch in self.watch:
            if watch.share not in self.shares:
                raise ValueError(f"watch: there is no share {watch.share!r}; define it under 'shares'")
            if ".." in PurePosixPath(watch.folder).parts or watch.folder.startswith("/"):
                raise ValueError(f"watch: the folder {watch.folder!r} must lie below its share")
        return self


class TaskSettings(Strict):
    """A device that pulls tasks."""

    server: str = Field(default="", max_length=1000, pattern=r"^(https?://[^\s]+)?$")
    """The server, `https://HOST:PORT`; empty = this device takes videos from a folder."""
    token_file: str = "token"  # noqa: S105 - the name of a file
    """File that holds this device's token."""
    ca: str = ""
    """PEM file of the authority that signed the server's certificate; empty = the system's."""
    worker: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")
    """This device's name; empty = its host name."""
    shares: dict[ShareName, str] = Field(default_factory=dict, max_length=32)
    """Share -> where it is mounted here."""
    results: str = Field(
        default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63}:[^/\\\x00-\x1f][^\\\x00-\x1f]{0,1000})?$"
    )
    """Where results go so that the next device finds them: `SHARE:FOLDER`, such as `indoor:winnow`."""
    timeout_s: float = Field(default=10.0, gt=0, le=300)
    """How long an answer may take."""

    @model_validator(mode="after")
    def _below_a_share(self) -> Self:
        share, _, folder = self.results.partition(":")
        if share and share not in self.shares:
            raise ValueError(f"results: there is no share {share!r}; define it under 'shares'")
        if ".." in PurePosixPath(folder).parts:
            raise ValueError(f"results: the folder {folder!r} must lie below its share")
        return self
