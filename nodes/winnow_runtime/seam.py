"""The one place that talks to dora.

What dora 1.1 does, found by trying it: ``next(timeout)`` answers an ``ERROR`` event on time-out; after a
STOP, or once all inputs are closed, the stream is over at once and nothing is delivered any more (also
between nodes that still run). What is sent after a STOP reaches nobody; after all inputs closed it does.
"""

import os
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import yaml

from winnow_schemas.errors import UnavailableError

Metadata = dict[str, Any]
"""dora metadata: bool, int (64 bit), float, str, and lists of those."""


@dataclass(frozen=True, slots=True)
class Input:
    """A message on an input."""

    id: str
    value: pa.Array
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Parameter:
    """``dora param set NODE KEY VALUE``."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class NeighbourRestarted:
    """A node upstream or downstream came back after a crash."""

    node: str


@dataclass(frozen=True, slots=True)
class InputClosed:
    """The node behind an input has left and will not come back."""

    id: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream is over: stopped, or all inputs closed. Nothing will be delivered any more."""

    stopped: bool


Event = Input | Parameter | NeighbourRestarted | InputClosed | Closed


class Seam(Protocol):
    """What a node needs from the dataflow. ``tests/fakes.py`` has a strict one without dora."""

    node_id: str
    run_id: str
    restarted: bool
    descriptor: dict[str, Any]
    """The dataflow as dora parsed it."""

    def next(self, timeout_s: float) -> Event | None:
        """The next event; None when nothing came in time."""
        ...

    def send(self, output: str, value: pa.Array, metadata: Metadata) -> None:
        """Send a message."""
        ...

    def send_bytes(self, output: str, data: Any, metadata: Metadata) -> None:
        """Send a buffer of bytes as a UInt8 array; one copy, into dora's own buffer."""
        ...

    def log(self, level: str, message: str) -> None:
        """A line for the dataflow's log: ``info``, ``warn`` or ``error``."""
        ...


class DoraSeam:
    """The real one."""

    def __init__(self) -> None:
        from dora import Node  # noqa: TID251 - this is the one place

        self.node_id = _own_id()
        self._node: Any = Node()
        self.descriptor: dict[str, Any] = self._node.dataflow_descriptor()
        self.run_id = str(self._node.dataflow_id())
        self.restarted = bool(self._node.is_restart())
        self._stopped = False
        self._over = False

    def next(self, timeout_s: float) -> Event | None:
        while not self._over:
            event = self._node.next(timeout=timeout_s)
            if event is None:
                self._over = True
                return Closed(self._stopped)
            kind = event["type"]
            if kind == "INPUT":
                return Input(event["id"], event["value"], event["metadata"])
            if kind == "ERROR":
                return None  # the time-out; a real error closes the stream right after
            if kind == "STOP":
                self._stopped = event.get("id") != "ALL_INPUTS_CLOSED"
            elif kind == "INPUT_CLOSED":
                return InputClosed(str(event["id"]))
            elif kind == "PARAM_UPDATE":
                return Parameter(str(event["id"]), event.get("value"))
            elif kind == "NODE_RESTARTED":
                return NeighbourRestarted(str(event["id"]))
        return Closed(self._stopped)

    def send(self, output: str, value: pa.Array, metadata: Metadata) -> None:
        if not self._stopped:
            self._node.send_output(output, value, metadata)

    def send_bytes(self, output: str, data: Any, metadata: Metadata) -> None:
        if self._stopped:
            return
        size = len(data)
        if size == 0:
            self._node.send_output(output, pa.array([], pa.uint8()), metadata)
            return
        with self._node.send_output_raw(output, size, metadata) as sample:
            memoryview(sample).cast("B")[:] = memoryview(data).cast("B")

    def log(self, level: str, message: str) -> None:
        self._node.log(level, message)


def _own_id() -> str:
    """The node's id, which dora hands over in the environment.

    Raises:
        UnavailableError: the program was started by hand.

    """
    config = yaml.compose(os.environ.get("DORA_NODE_CONFIG", ""), Loader=yaml.SafeLoader)
    # Composed, not constructed: the text has tags of dora's own (`!Tcp`).
    pairs = config.value if isinstance(config, yaml.MappingNode) else []
    node_id = next((str(value.value) for key, value in pairs if key.value == "node_id"), "")
    if not node_id:
        raise UnavailableError(
            "This program is a node of a dataflow and was started without one; nothing was done. "
            "Start a graph: `dora start dataflows/vehicle.yml` or `winnow run GRAPH`."
        )
    return node_id


def view_bytes(array: pa.Array) -> memoryview:
    """The bytes of a UInt8 array without a copy, shape ``(len(array),)``."""
    buffer = array.buffers()[1]
    if buffer is None:
        return memoryview(b"")
    return memoryview(buffer).cast("B")[array.offset : array.offset + len(array)]
