"""A clip of any recording, cut by the real extractor from real rings, without dora."""

from pathlib import Path

from tests.nodes.vehicle_rig import Rings, S, Vehicle, an_event, cut_clips

from winnow_runtime.recordings import open_recording

SETTINGS = {"recorder": {"enabled": False}, "triggers": {"library": "none"}}
RING_BYTES = 24 << 20


def clip_of(recording: Path, base: Path, seconds: float = 10.0) -> Path:
    """The clip of the recording's first seconds."""
    vehicle = Vehicle(base, dict(SETTINGS))
    rings = Rings(vehicle, capacity=RING_BYTES, entries=1 << 14)
    with open_recording(recording) as source:
        start_ns = source.start_ns
        end_ns = start_ns + int(seconds * S)
        for message in source.messages(end_ns=end_ns):
            rings.push(message.channel, message.t_ns, bytes(message.data))
    event = an_event(start_ns / S, t_ns=start_ns + S, pre_roll_ns=S, post_roll_ns=end_ns - start_ns - S)
    (ready,) = cut_clips(vehicle, rings, [event])
    vehicle.close()
    return vehicle.out / ready.path
