"""Writes Swift's three ring files. Run as a program by file: importing Swift patches ``threading``.

``python -P ring_files.py FOLDER ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT``. One device, one replica, 16
partitions: with a single device every partition lies on it, so other ports never move data.
"""

import importlib
import sys
from pathlib import Path

PART_POWER = 4
"""2 to the power of this is the number of partitions."""


def write(folder: Path, ports: dict[str, int]) -> None:
    """Write ``account.ring.gz``, ``container.ring.gz`` and ``object.ring.gz``."""
    builder_class = importlib.import_module("swift.common.ring").RingBuilder
    for name, port in ports.items():
        builder = builder_class(part_power=PART_POWER, replicas=1, min_part_hours=0)
        builder.add_dev(
            {
                "region": 1,
                "zone": 1,
                "ip": "127.0.0.1",
                "port": port,
                "replication_ip": "127.0.0.1",
                "replication_port": port,
                "device": "sda",
                "weight": 1.0,
                "meta": "",
            }
        )
        builder.rebalance(seed="winnow")
        builder.get_ring().save(str(folder / f"{name}.ring.gz"))


if __name__ == "__main__":
    write(
        Path(sys.argv[1]), dict(zip(("account", "container", "object"), map(int, sys.argv[2:5]), strict=True))
    )
