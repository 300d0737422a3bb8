"""The vehicle of these tests."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.nodes.vehicle_rig import Vehicle

_MEMORY = Path("/dev/shm")
SETTINGS = {
    "recorder": {"enabled": False},
    "triggers": {"library": "none"},
    "topics": {"/points": {"kind": "lidar"}, "/imu": {"kind": "imu"}},
}


@pytest.fixture
def vehicle() -> Iterator[Vehicle]:
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="test-winnow-") as folder:
        vehicle = Vehicle(Path(folder), SETTINGS)
        yield vehicle
        vehicle.close()
