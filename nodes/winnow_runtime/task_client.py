"""How a device asks the main server for work and reports on it."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import urllib3

from winnow_runtime.clock import Clock
from winnow_schemas.errors import BadInputError, UnavailableError, WinnowError
from winnow_schemas.settings.server import TaskSettings
from winnow_schemas.tasks import (
    ClaimReply,
    ClaimRequest,
    CompleteRequest,
    FailRequest,
    HeartbeatReply,
    HeartbeatRequest,
    Options,
    ReleaseRequest,
    TaskSpec,
    TaskView,
    Wish,
)

T = TypeVar("T")
ANSWER_MAX_BYTES = 16 * 1024 * 1024
TOKEN_MAX_BYTES = 4096
_WAITS_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class NotOursError(WinnowError):
    """The server says that this task belongs to somebody else now: the work is thrown away."""


class ServerRefusedError(BadInputError):
    """The server understood, and refuses."""


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        BadInputError: there is none.

    """
    try:
        with path.open(encoding="ascii") as file:
            token = file.read(TOKEN_MAX_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInputError(
            f"The token file {path} cannot be read ({reason}); the server was not asked. "
            "`winnow server token NAME --role device` on the server makes a token."
        ) from None
    if not token or any(letter.isspace() for letter in token):
        raise BadInputError(f"The token file {path} holds no token; the server was not asked.")
    return token


class ServerClient:
    """Speaks to the server; one connection per thread that uses it, kept open."""

    def __init__(self, server: str, token: str, *, ca: str = "", timeout_s: float = 10.0) -> None:
        options: dict[str, Any] = {"ca_certs": ca} if ca else {}
        if server.startswith("https"):
            options["cert_reqs"] = "CERT_REQUIRED"
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s), **options
        )
        self.server = server.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object, kind: type[T]) -> T:
        """Ask once.

        Raises:
            UnavailableError: no server, or one that cannot answer now: asking again may help.
            NotOursError: the lease is lost.
            ServerRefusedError: everything else.

        """
        raw = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._pool.request(
                method,
                self.server + path,
                body=raw,
                headers=self._headers,
                preload_content=False,
                redirect=False,
            )
            data = answer.read(ANSWER_MAX_BYTES + 1)
            answer.drain_conn()
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(f"The server {self.server} does not answer ({_short(error)}).") from None
        if len(data) > ANSWER_MAX_BYTES:
            raise ServerRefusedError(
                f"The answer of {self.server} is larger than {ANSWER_MAX_BYTES} bytes; it was not used."
            )
        if answer.status in (429, 500, 502, 503, 504):
            raise UnavailableError(
                f"The server {self.server} cannot answer now ({answer.status}): {_sentence(data)}"
            )
        if answer.status == 409:
            raise NotOursError(_sentence(data))
        if answer.status != 200:
            raise ServerRefusedError(f"The server {self.server} refuses ({answer.status}): {_sentence(data)}")
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise ServerRefusedError(
                f"The answer of {self.server} is not understood ({error}); it was not used."
            ) from None


def _sentence(data: bytes) -> str:
    try:
        return str(msgspec.json.decode(data)["error"])[:1000]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return data[:200].decode("utf-8", "replace")


def _short(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    reason = getattr(error, "reason", None) or cause or error
    return str(getattr(reason, "strerror", None) or reason)[:200]


class Lease:
    """A task that this device has. A thread says every half second that it goes on; what the server wants shows here."""

    def __init__(
        self, client: ServerClient, task: TaskView, worker: str, beat_s: float, clock: Clock
    ) -> None:
        self.task = task
        self.wish = Wish.NOTHING
        """What the server wants; look between two frames."""
        self.lost = ""
        """Why the lease is gone; empty while it is held."""
        self.leaving: Callable[[], bool] = lambda: False
        """Whether to give up telling a server that is away: the device has to go."""
        self._client = client
        self._worker = worker
        self._beat_s = beat_s
        self._clock = clock
        self._lock = threading.Lock()
        self._news: dict[str, Any] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease {task.id}", daemon=True)
        self._thread.start()

    def report(self, progress: float, note: str = "", checkpoint: Options | None = None) -> None:
        """Say how far it is; goes out with the next heartbeat."""
        with self._lock:
            self._news["progress"] = min(1.0, max(0.0, progress))
            if note:
                self._news["note"] = note[:1000]
            if checkpoint is not None:
                self._news["checkpoint"] = checkpoint

    @property
    def must_stop(self) -> bool:
        """Whether to stop working at once: asked to, or the task is not ours any more."""
        return bool(self.lost) or self.wish is not Wish.NOTHING

    def must_hold(self) -> None:
        """Go on only while the lease is held.

        Raises:
            NotOursError: it is lost.

        """
        if self.lost:
            raise NotOursError(self.lost)

    def complete(self, result: Options, successors: Sequence[TaskSpec] = ()) -> None:
        """Publish; tries until the server answers or the task is lost (saying it twice is harmless).

        Raises:
            NotOursError: it was lost; nothing was published.
            UnavailableError: the server is away, and the device is ``leaving``.

        """
        said = CompleteRequest(
            worker=self._worker, fence=self.task.fence, result=result, successors=list(successors)
        )
        self._finish("complete", said)

    def fail(self, error: str, *, retry: bool = True) -> None:
        """It cannot be done here (``retry``) or anywhere."""
        said = FailRequest(
            worker=self._worker, fence=self.task.fence, error=error[:4000] or "unknown", retry=retry
        )
        self._finish("fail", said)

    def release(self, checkpoint: Options | None, note: str = "") -> None:
        """Give it back unfinished."""
        said = ReleaseRequest(
            worker=self._worker, fence=self.task.fence, checkpoint=checkpoint, note=note[:1000]
        )
        self._finish("release", said)

    def _finish(self, action: str, body: object) -> None:
        for attempt in range(1_000_000):
            try:
                self._client.ask("POST", f"/api/v1/tasks/{self.task.id}/{action}", body, dict)
            except UnavailableError:
                if self.leaving():
                    self._end()
                    raise
                self._clock.sleep_s(_WAITS_S[min(attempt, len(_WAITS_S) - 1)])
            except NotOursError:
                self._end()
                if action == "complete":
                    raise
                return
            except ServerRefusedError:
                self._end()
                raise
            else:
                break
        self._end()

    def abandon(self) -> None:
        """Stop saying anything; the lease runs out."""
        self._end()

    def _end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ending.wait(self._beat_s) and not self.lost:
            with self._lock:
                news, self._news = self._news, {}
            try:
                said = HeartbeatRequest(worker=self._worker, fence=self.task.fence, **news)
                reply = self._client.ask(
                    "POST", f"/api/v1/tasks/{self.task.id}/heartbeat", said, HeartbeatReply
                )
            except UnavailableError:
                # It may come back: going on costs nothing, and the fence keeps a late result out.
                with self._lock:
                    self._news = {**news, **self._news}
            except WinnowError as error:
                self.lost = str(error)
            else:
                self.wish = reply.wish


class TaskPuller:
    """Gets tasks of some kinds for this device."""

    def __init__(self, settings: TaskSettings, kinds: Sequence[str], folder: Path, clock: Clock) -> None:
        self.client = ServerClient(
            settings.server,
            read_token(folder / settings.token_file),
            ca=settings.ca,
            timeout_s=settings.timeout_s,
        )
        name = (
            settings.worker
            or "".join(letter if letter.isalnum() else "-" for letter in socket.gethostname())[:48]
            or "device"
        )
        self.worker = name
        self._kinds = list(kinds)
        self._clock = clock
        self.because = ""
        """Why there was nothing the last time."""

    def claim(self) -> Lease | None:
        """A task, or None; then ``because`` says why and ``wait_s`` when to ask again.

        Raises:
            UnavailableError: the server is away.
            ServerRefusedError: a wrong token, or the like.

        """
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        wanted = ClaimRequest(kinds=self._kinds, worker=self.worker, load=min(load, 1000.0))
        reply = self.client.ask("POST", "/api/v1/claim", wanted, ClaimReply)
        self.because, self.wait_s = reply.because, reply.retry_after_s
        if reply.task is None:
            return None
        return Lease(self.client, reply.task, self.worker, reply.heartbeat_s, self._clock)

    wait_s: float = 2.0
