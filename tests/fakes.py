"""Strict stand-ins: they refuse what the real things refuse."""

from collections import deque
from typing import Any

import pyarrow as pa

from winnow_runtime.seam import Closed, Event, Input, Metadata


class FakeClock:
    """Time that only moves when somebody waits."""

    def __init__(self, wall_ns: int = 1_800_000_000_000_000_000) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = 1_000_000_000

    def wall_ns(self) -> int:
        return self._wall_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def sleep_s(self, seconds: float) -> None:
        if seconds > 0:
            self.advance_s(
                max(seconds, 1e-9)
            )  # waiting takes time, however short: a real clock moves on, too

    def advance_s(self, seconds: float) -> None:
        self._wall_ns += int(seconds * 1e9)
        self._monotonic_ns += int(seconds * 1e9)

    def step_wall_s(self, seconds: float) -> None:
        """The wall clock jumps; monotonic time does not."""
        self._wall_ns += int(seconds * 1e9)


class FakeSeam:
    """A dataflow that the test plays. Refuses unknown outputs, wrong metadata types and non-Arrow values."""

    def __init__(
        self, node_id: str, descriptor: dict[str, Any], run_id: str = "run-1", clock: FakeClock | None = None
    ) -> None:
        self.node_id = node_id
        self.run_id = run_id
        self.restarted = False
        self.descriptor = descriptor
        self.events: deque[Event] = deque()
        self.sent: list[tuple[str, pa.Array, Metadata]] = []
        self.logged: list[tuple[str, str]] = []
        self._clock = clock
        self._over = False
        self._outputs = (
            next(node for node in descriptor["nodes"] if node["id"] == node_id).get("outputs") or []
        )

    def push(self, input_id: str, value: pa.Array, metadata: Metadata | None = None) -> None:
        self.events.append(Input(input_id, value, metadata or {}))

    def close(self, *, stopped: bool) -> None:
        self.events.append(Closed(stopped))

    def next(self, timeout_s: float) -> Event | None:
        if self.events:
            event = self.events.popleft()
            self._over = self._over or isinstance(event, Closed)
            return event
        assert not self._over, "the stream is over: dora would answer at once, for ever"
        if self._clock is not None:
            self._clock.advance_s(timeout_s)
        return None

    def send(self, output: str, value: pa.Array, metadata: Metadata) -> None:
        assert output in self._outputs, (
            f"dora ignores the output {output!r}, which the graph does not declare"
        )
        assert isinstance(value, pa.Array)
        for item in metadata.values():
            assert isinstance(item, bool | int | float | str | list), (
                f"dora metadata cannot carry {type(item)}"
            )
        self.sent.append((output, value, dict(metadata)))

    def send_bytes(self, output: str, data: Any, metadata: Metadata) -> None:
        self.send(output, pa.array(bytes(memoryview(data).cast("B")), type=pa.uint8()), metadata)

    def log(self, level: str, message: str) -> None:
        assert level in ("info", "warn", "error")
        self.logged.append((level, message))
