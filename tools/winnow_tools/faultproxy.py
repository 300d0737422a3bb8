"""A TCP proxy on loopback that is as bad as a mobile network: slow, late, cut off, deaf, wrong in one byte.

It counts every byte, so that a test can say what really went over the wire, and when. Receive buffers are
small: with the kernel's default, megabytes vanish into buffers and neither the rate nor the cut is what was
asked for.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pydantic import Field

from winnow_schemas.errors import UnavailableError
from winnow_schemas.validation import Strict

RECEIVE_BUFFER_BYTES = 64 * 1024
CHUNK_BYTES = 16 * 1024
"""What is passed on at a time: 7 ms at 20 Mbit/s, so rates are smooth."""
IN_FLIGHT_CHUNKS = 256
"""How much a connection may have on its way at once (4 MiB): 20 Mbit/s with over a second of latency."""
MAX_ARRIVALS = 1_000_000
"""How many arrivals are remembered for windows: over 8 GB in chunks that are half full."""


class Faults(Strict):
    """What the proxy does to the traffic from now on. Without arguments: nothing."""

    up_mbps: float | None = Field(default=None, gt=0)
    """Megabits per second towards the server, all connections together; none = as fast as it goes."""
    down_mbps: float | None = Field(default=None, gt=0)
    """The same towards the client."""
    latency_ms: float = Field(default=0.0, ge=0, le=60_000)
    """Added in each direction."""
    up_latency_ms: float = Field(default=0.0, ge=0, le=60_000)
    """Added towards the server, beside ``latency_ms``."""
    down_latency_ms: float = Field(default=0.0, ge=0, le=60_000)
    """Added towards the client, beside ``latency_ms``."""
    reset_after_bytes: int | None = Field(default=None, ge=0)
    """Once so many bytes have come from clients since these faults began: reset that connection, once."""
    reset_down_after_bytes: int | None = Field(default=None, ge=0)
    """The same for what comes from the server."""
    flip_up_byte: int | None = Field(default=None, ge=0)
    """Invert the byte with this index of what comes from clients since these faults began."""
    flip_down_byte: int | None = Field(default=None, ge=0)
    """The same of what comes from the server."""
    black_hole: bool = False
    """Connections stay open, nothing passes."""
    black_hole_up: bool = False
    """Nothing passes towards the server; what it says still does."""
    black_hole_down: bool = False
    """Nothing passes towards the client; what it says still does."""
    refuse: bool = False
    """New connections are refused."""


class ScriptStep(Strict):
    """Faults that begin at a time."""

    at_s: float = Field(ge=0)
    """Seconds after the proxy started."""
    faults: Faults
    """What happens from then on."""


@dataclass(slots=True)
class _Direction:
    """Traffic one way, over all connections."""

    total_bytes: int = 0
    since_faults_bytes: int = 0
    free_at_s: float = 0.0
    """When the link has passed on what it took so far, on the loop's clock."""
    arrivals: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=MAX_ARRIVALS))
    """Monotonic nanoseconds and bytes of each chunk, when it came."""


class FaultProxy:
    """Listens on 127.0.0.1 and passes on to ``host:port``, in a thread of its own.

    Use as a context manager, or ``start`` and ``stop``. All methods may be called from any thread.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        listen_port: int = 0,
        faults: Faults | None = None,
        script: tuple[ScriptStep, ...] = (),
    ) -> None:
        self._target = (host, port)
        self.port = listen_port
        self._faults = faults or Faults()
        self._script = script
        self._up, self._down = _Direction(), _Direction()
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._awaited: set[bytes] = set()
        self.seen: dict[bytes, int] = {}
        """Monotonic nanoseconds at which a text of ``await_text`` came from a client."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def up_bytes(self) -> int:
        """Bytes that came from clients so far."""
        return self._up.total_bytes

    @property
    def down_bytes(self) -> int:
        """Bytes that came from the server so far."""
        return self._down.total_bytes

    def most_up_bytes_in(self, window_s: float) -> int:
        """The largest number of bytes that came from clients within any window of this length."""
        arrivals = list(self._up.arrivals)
        most = inside = first = 0
        for t_ns, size in arrivals:
            inside += size
            while arrivals[first][0] <= t_ns - window_s * 1e9:
                inside -= arrivals[first][1]
                first += 1
            most = max(most, inside)
        return most

    def up_arrivals(self) -> list[tuple[int, int]]:
        """Monotonic nanoseconds and bytes of every chunk that came from clients."""
        return list(self._up.arrivals)

    def await_text(self, text: bytes) -> None:
        """Note in ``seen`` when this comes from a client, at the beginning of a request."""
        self._awaited.add(text)

    def start(self) -> None:
        """Begin to listen.

        Raises:
            UnavailableError: the port is taken.

        """
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), daemon=True)
        self._thread.start()
        try:
            started.result()
        except OSError as error:
            self._thread.join()
            raise UnavailableError(
                f"Port {self.port} on 127.0.0.1 cannot be listened on ({error.strerror}); no proxy was started. "
                "Choose another."
            ) from None

    def stop(self) -> None:
        """Cut every connection and stop listening."""
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def set_faults(self, faults: Faults) -> None:
        """Change what happens, and start counting anew for ``reset_after_bytes`` and ``flip_*_byte``."""
        done: Future[None] = Future()

        async def change() -> None:
            try:
                await self._apply(faults)
            finally:
                done.set_result(None)

        self._loop.call_soon_threadsafe(lambda: self._keep(asyncio.ensure_future(change())))
        done.result(timeout=10)

    async def _run(self, started: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._ending, self._changed = asyncio.Event(), asyncio.Event()
        try:
            await self._apply(self._faults)
            if self._server is None:  # refusing from the start: still choose and keep the port
                await self._listen()
                self._close_listener()
        except OSError as error:
            started.set_exception(error)
            return
        self._keep(asyncio.ensure_future(self._play()))
        started.set_result(None)
        await self._ending.wait()
        self._close_listener()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _play(self) -> None:
        begin = self._loop.time()
        for step in sorted(self._script, key=lambda step: step.at_s):
            await asyncio.sleep(begin + step.at_s - self._loop.time())
            await self._apply(step.faults)

    async def _apply(self, faults: Faults) -> None:
        self._faults = faults
        self._up.since_faults_bytes = self._down.since_faults_bytes = 0
        self._changed.set()
        self._changed.clear()
        if faults.refuse:
            self._close_listener()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        try:
            listener.bind(("127.0.0.1", self.port))
            self._server = await asyncio.start_server(self._accept, sock=listener, limit=CHUNK_BYTES)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]

    def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        sides = [writer]
        try:
            answers, upstream = await asyncio.open_connection(*self._target, limit=CHUNK_BYTES)
            sides.append(upstream)
            async with asyncio.TaskGroup() as group:
                self._pipe(group, reader, upstream, self._up)
                self._pipe(group, answers, writer, self._down)
        except* OSError:  # one side went away, or a reset was asked for: both shall see one
            for side in sides:
                _reset(side)
        finally:
            for side in sides:
                side.close()

    def _pipe(
        self,
        group: asyncio.TaskGroup,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: _Direction,
    ) -> None:
        """Pass on in one direction: a reader that paces and spoils, and a writer that is late."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT_CHUNKS)
        group.create_task(self._collect(reader, on_the_way, direction))
        group.create_task(self._deliver(on_the_way, writer))

    async def _collect(
        self,
        reader: asyncio.StreamReader,
        on_the_way: "asyncio.Queue[tuple[float, bytes]]",
        direction: _Direction,
    ) -> None:
        data = b"-"
        while data:
            data = await self._next_chunk(reader, direction)
            await self._pace(len(data), direction)
            await on_the_way.put((self._loop.time() + self._latency_s(direction), data))

    def _latency_s(self, direction: _Direction) -> float:
        faults = self._faults
        one_way = faults.up_latency_ms if direction is self._up else faults.down_latency_ms
        return (faults.latency_ms + one_way) / 1e3

    async def _next_chunk(self, reader: asyncio.StreamReader, direction: _Direction) -> bytes:
        await self._while_deaf(direction)
        data = bytearray(await reader.read(CHUNK_BYTES))
        direction.arrivals.append((time.monotonic_ns(), len(data)))
        begin = direction.since_faults_bytes
        direction.total_bytes += len(data)
        direction.since_faults_bytes += len(data)
        faults = self._faults
        flip = faults.flip_up_byte if direction is self._up else faults.flip_down_byte
        if flip is not None and begin <= flip < begin + len(data):
            data[flip - begin] ^= 0xFF
        limit = faults.reset_after_bytes if direction is self._up else faults.reset_down_after_bytes
        if limit is not None and begin <= limit < begin + len(data):
            raise ConnectionResetError
        if direction is self._up:
            self._note(data)
        await self._while_deaf(direction)
        return bytes(data)

    def _note(self, data: bytearray) -> None:
        for text in [text for text in self._awaited if text in data]:
            self._awaited.discard(text)
            self.seen[text] = time.monotonic_ns()

    async def _while_deaf(self, direction: _Direction) -> None:
        while self._is_deaf(direction):
            await self._changed.wait()

    def _is_deaf(self, direction: _Direction) -> bool:
        faults = self._faults
        one_way = faults.black_hole_up if direction is self._up else faults.black_hole_down
        return faults.black_hole or one_way

    async def _pace(self, size: int, direction: _Direction) -> None:
        mbps = self._faults.up_mbps if direction is self._up else self._faults.down_mbps
        if mbps is None:
            return
        now = self._loop.time()
        begin = max(now, direction.free_at_s)
        direction.free_at_s = begin + size * 8 / (mbps * 1e6)
        await asyncio.sleep(direction.free_at_s - now)

    async def _deliver(
        self, on_the_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due_s, data = await on_the_way.get()
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
