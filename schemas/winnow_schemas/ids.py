"""Ids derived from content and cause: doing a thing twice gives the same id, so repeating is harmless."""

import hashlib
import re


def content_id(*parts: object, digits: int = 16) -> str:
    """Hash the parts, separated unambiguously, to ``digits`` hexadecimal digits (BLAKE2b)."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        text = str(part).encode()
        state.update(len(text).to_bytes(8, "little"))
        state.update(text)
    return state.hexdigest()[:digits]


def port_of(topic: str) -> str:
    """The dora port of a topic: ``/imu/data`` becomes ``imu_data``.

    Ports allow letters, digits, ``_`` and ``-``; everything else becomes ``_``. Two topics may collide
    (``/a/b`` and ``/a_b``): whoever makes a graph resolves that with :func:`unique_ports`.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", topic).strip("_") or "topic"


def unique_ports(topics: list[str]) -> dict[str, str]:
    """Give every topic its own port; collisions get a suffix made from the topic's hash, so order is free."""
    ports: dict[str, str] = {}
    clashes: dict[str, list[str]] = {}
    for topic in topics:
        clashes.setdefault(port_of(topic), []).append(topic)
    for port, owners in clashes.items():
        for topic in owners:
            ports[topic] = port if len(owners) == 1 else f"{port}_{content_id(topic, digits=6)}"
    return ports
