"""`winnow-monitor`: the nodes' health in; a Prometheus endpoint and diagnostics out."""

import contextlib
from pathlib import Path
from threading import RLock, Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from winnow_monitor.diagnostics import Roster, disk_row, ring_row, values_of
from winnow_monitor.metrics import WinnowCollector
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.view import RingView, try_open
from winnow_runtime.seam import Event, Input, InputClosed
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Health

IDLE_S = 0.5
WHERE = "monitor.json"


class Monitor:
    """The newest health of every node, and what follows from it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.disks: dict[str, float] = {}
        self.view: RingView | None = None
        self._sources = {
            edge.input: edge.source_node for edge in node.wiring.inputs(node.id) if edge.source_node != "dora"
        }
        self.roster = Roster(iter(self._sources.values()), node.clock.monotonic_ns())
        self._published_ns = node.clock.monotonic_ns()
        self.lock = RLock()
        """Scrapes come on the server's threads."""
        self._server: tuple[WSGIServer, Thread] | None = None
        warm = node.settings.recorder.folder
        self._folders = {"ring": Path(warm) if warm else node.out / "warm", "upload": node.out}

    def serve(self) -> None:
        """Open the endpoint; without it everything else goes on."""
        settings = self.node.settings.monitor
        registry = CollectorRegistry(auto_describe=False)
        registry.register(WinnowCollector(lambda: self.view, self.rows, self.disks, self.lock))
        try:
            self._server = start_http_server(settings.port, settings.address, registry)
        except OSError as error:
            self.node.decide(
                "monitor",
                t_ns=0,
                subject="metrics",
                outcome="not served",
                reason=f"{settings.address}:{settings.port} cannot be used ({error.strerror}); there are no metrics, everything else goes on. Set monitor.port.",
                wait=False,
            )
            return
        where = {"address": settings.address, "port": self._server[0].server_port, "path": "/metrics"}
        self._write(WHERE, where)

    def take(self, event: Event | None) -> None:
        """A node speaks about itself, or leaves."""
        if isinstance(event, Input):
            try:
                health = Health.from_arrow(event.value)
            except BadInputError:
                self.roster.ignored += 1
                return
            self.roster.hear(health, self.node.clock.monotonic_ns())
        elif isinstance(event, InputClosed) and event.id in self._sources:
            self.roster.left(self._sources[event.id])

    def step(self) -> None:
        """Attach when the rings are there; publish when it is time."""
        if self.view is None:
            self.view = try_open(Path(self.node.settings.ring.shm_dir), self.node.run_id)
        now = self.node.clock.monotonic_ns()
        if now - self._published_ns >= self.node.settings.monitor.every_s * 1e9:
            self._published_ns = now
            self.publish()

    def rows(self) -> list[Health]:
        """How everything is at this moment."""
        settings = self.node.settings.monitor
        disk, used = disk_row(self._folders, settings)
        self.disks.update(used)
        return [*self.roster.rows(self.node.clock.monotonic_ns()), ring_row(self.view, settings), disk]

    def publish(self) -> None:
        """Diagnostics as 10.3 wants them: rings, every node, disks."""
        rows = self.rows()
        for health in rows:
            self.node.send("diagnostics", health)
        table = [
            {"name": row.name, "level": row.level, "message": row.message, "values": values_of(row)}
            for row in rows
        ]
        self._write("diagnostics.json", table)

    def _write(self, name: str, value: object) -> None:
        with contextlib.suppress(
            OSError
        ):  # the disk's row says that it is full; the next one is written again
            atomic.write_json(self.node.out / name, value, durable=False)

    def close(self) -> None:
        """Say the last word, and stop serving."""
        self.publish()
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
            with contextlib.suppress(OSError):
                (self.node.out / WHERE).unlink(missing_ok=True)  # the port may soon be somebody else's


def run(node: Node) -> None:
    """Watch until the dataflow is over."""
    monitor = Monitor(node)
    monitor.serve()
    try:
        while node.closed is None:
            event = node.next(IDLE_S)
            with monitor.lock:
                monitor.take(event)
                monitor.step()
    finally:
        monitor.close()
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
