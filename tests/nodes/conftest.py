"""Nodes without dora: a strict fake of the dataflow around them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from tests.fakes import FakeClock, FakeSeam
from tests.nodes.vehicle_rig import Vehicle

from winnow_runtime.node import Node
from winnow_schemas.settings import load_settings

_MEMORY = Path("/dev/shm")  # syncing to a disk would be most of a test's time


@pytest.fixture
def vehicle() -> Iterator[Vehicle]:
    """A run's folder, in memory where there is some."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="test-winnow-") as folder:
        vehicle = Vehicle(Path(folder))
        yield vehicle
        vehicle.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_node(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[..., Node]]:
    """``make_node(node_id, descriptor, settings, run_id=...)``; calling it again is a restart after a crash."""
    nodes: list[Node] = []

    def make(
        node_id: str,
        descriptor: dict[str, Any],
        settings: dict[str, Any] | None = None,
        run_id: str = "run-1",
    ) -> Node:
        for node in nodes:
            if node.id == node_id:
                node.lock.release()
                nodes.remove(node)
                break
        shm = tmp_path / "shm"
        shm.mkdir(exist_ok=True)
        values = dict(settings or {})
        values["ring"] = {"shm_dir": str(shm), "prefault": False, "memory_mib": 64, **values.get("ring", {})}
        path = tmp_path / "settings.yml"
        path.write_text(yaml.safe_dump(values), "utf-8")
        parsed, document = load_settings(path)
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        node = Node(FakeSeam(node_id, descriptor, run_id, clock), parsed, document, out, clock)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.lock.release()
