"""The apron when a run begins: aircraft on their stands, equipment beside them, people at work."""

import math

from winnow_operators.sim.geometry import Pose
from winnow_operators.sim.noise import generator
from winnow_operators.sim.scene.motion import Transit, Walk
from winnow_operators.sim.scene.things import Things
from winnow_schemas.simulation.airside import STANDS, Stand

NORTH = math.pi / 2


def populate(seed: int) -> Things:
    """Ordinary life: everything keeps at least four metres from the lanes."""
    things = Things()
    for stand in STANDS:
        if stand.aircraft:
            things.add(stand.aircraft, Pose(stand.x, stand.y, NORTH))
            _turnaround(things, stand, seed)
    things.add("aircraft_narrowbody", Pose(-300.0, 20.0, 0.0), Transit((-700.0, 20.0), (700.0, 20.0), 7.0))
    # The truck's road ends before the crossings: it never meets the vehicle.
    things.add(
        "fuel_truck",
        Pose(150.0, -15.0, math.pi),
        Walk(((-310.0, -15.0), (310.0, -15.0)), 6.0, rest_s=4.0, repeat=True),
    )
    for x in (-300.0, -160.0, -85.0, 85.0, 245.0):
        things.add("cone", Pose(x, 90.0, 0.0))
    return things


def _turnaround(things: Things, stand: Stand, seed: int) -> None:
    """Equipment and crew around one aircraft."""
    random = generator(seed, f"turnaround/{stand.name}")
    wide = stand.aircraft == "aircraft_widebody"
    side = 6.5 if wide else 5.0
    things.add("belt_loader", Pose(stand.x + side + 5.0, stand.y + 6.0, math.pi))
    things.add("catering_truck", Pose(stand.x + side + 6.0, stand.y - 9.0, math.pi))
    offset = float(random.uniform(-2.0, 2.0))
    tractor_x = stand.x - side - 8.0 + offset
    things.add("baggage_tractor", Pose(tractor_x, 100.0, NORTH))
    for number in range(2):
        things.add("dolly", Pose(tractor_x, 96.0 - 3.9 * number + 0.5, NORTH))
    for number in range(2):
        start = (stand.x + float(random.uniform(6.0, 12.0)), 100.0 + float(random.uniform(0.0, 20.0)))
        end = (start[0] + float(random.uniform(2.0, 5.0)), start[1] + float(random.uniform(-6.0, 6.0)))
        motion = Walk(
            (end, start),
            float(random.uniform(0.9, 1.4)),
            rest_s=float(random.uniform(2.0, 6.0)),
            repeat=True,
        )
        things.add("person", Pose(start[0] + number, start[1], 0.0), motion)
