"""`winnow-monitor`: the nodes' health in; a Prometheus endpoint and diagnostics out."""

import json
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from winnow_monitor.metrics import WinnowCollector
from winnow_runtime import atomic
from winnow_runtime.node import Node, run_as_process
from winnow_runtime.ring.board import End
from winnow_runtime.ring.view import RingView, try_open
from winnow_runtime.seam import Input
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import Health

IDLE_S = 0.5


class Monitor:
    """The newest health of every node, and what follows from it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.health: dict[str, Health] = {}
        self.disks: dict[str, float] = {}
        self.view: RingView | None = None
        self._published_ns = 0
        self.registry = CollectorRegistry(auto_describe=False)
        self._registered = False

    def serve(self) -> None:
        """Open the endpoint; without it everything else goes on."""
        settings = self.node.settings.monitor
        self.registry.register(WinnowCollector(self.view, self.health, self.disks))
        self._registered = True
        try:
            server, _ = start_http_server(settings.port, settings.address, self.registry)
        except OSError as error:
            self.node.decide(
                "monitor",
                t_ns=0,
                subject="metrics",
                outcome="not served",
                reason=f"{settings.address}:{settings.port} cannot be used ({error.strerror}); there are no metrics, everything else goes on. Set monitor.port.",
            )
            return
        port = server.server_address[1]
        atomic.write_json(
            self.node.out / "monitor.json",
            {"address": settings.address, "port": port, "path": "/metrics"},
            durable=False,
        )

    def take(self, event: object) -> None:
        """A node speaks about itself."""
        if isinstance(event, Input) and event.id.startswith("health"):
            try:
                health = Health.from_arrow(event.value)
            except BadInputError:
                return
            self.health[health.name] = health

    def step(self) -> None:
        """Attach when the rings are there; publish when it is time."""
        if self.view is None:
            self.view = try_open(Path(self.node.settings.ring.shm_dir), self.node.run_id)
            if self.view is not None and not self._registered:
                self.serve()
        now = self.node.clock.monotonic_ns()
        if now - self._published_ns >= self.node.settings.monitor.every_s * 1e9:
            self._published_ns = now
            self.publish()

    def publish(self) -> None:
        """Diagnostics as 10.3 wants them: rings, every node, disk."""
        settings = self.node.settings.monitor
        usage = shutil.disk_usage(self.node.out)
        self.disks[str(self.node.out)] = used = usage.used / usage.total
        disk_level = (
            2 if used > settings.disk_error_fraction else 1 if used > settings.disk_warn_fraction else 0
        )
        disk = Health(
            name="disk",
            level=disk_level,
            message=f"{used * 100:.0f}% of {self.node.out}",
            values=json.dumps({"free_bytes": usage.free}),
        )
        rows = [*sorted(self.health.values(), key=lambda health: health.name), disk]
        for health in rows:
            self.node.send("diagnostics", health)
        atomic.write_json(
            self.node.out / "diagnostics.json",
            [
                {
                    "name": row.name,
                    "level": row.level,
                    "message": row.message,
                    "values": json.loads(row.values),
                }
                for row in rows
            ],
            durable=False,
        )

    @property
    def over(self) -> bool:
        """Whether the run has ended for the rings."""
        return self.view is not None and self.view.beat().end is not End.RUNNING


def run(node: Node) -> None:
    """Watch until the dataflow is over."""
    monitor = Monitor(node)
    while True:
        monitor.take(node.next(IDLE_S))
        monitor.step()
        if node.closed is not None or (monitor.over and node.must_leave(producers_live=False)):
            break
    monitor.publish()
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
