"""Lets the incidents of a script happen."""

from winnow_operators.sim.incidents import people, positioning, sensors, traffic
from winnow_operators.sim.incidents.happening import Happening
from winnow_operators.sim.tick import Tick
from winnow_operators.sim.world import World
from winnow_schemas.simulation.script import Script

HAPPENINGS: dict[str, type[Happening]] = {
    "estop_button": people.EstopPress,
    "low_obstacle": traffic.ChockInLane,
    "person_steps_out": people.PersonFromBehindDolly,
    "route_error": positioning.WrongRoute,
    "controller_fault": sensors.StuckController,
    "aircraft_pushback": traffic.Pushback,
    "strange_scene": traffic.TippedContainer,
    "perception_stall": sensors.DetectorStall,
    "untrained_object": traffic.Animal,
    "crew_disembarks": people.CrewBusOpens,
    "lidar_dirt": sensors.Dirt,
    "radar_ghosts": sensors.RadarMirror,
    "gps_multipath": positioning.Multipath,
    "gps_jamming": positioning.Jamming,
    "unmapped_containers": positioning.ContainerRows,
    "map_datum_error": positioning.WrongMap,
    "lidar_bump": sensors.MountBump,
    "crossing_bus": traffic.BusAcross,
    "boxed_in": traffic.Deadlock,
    "narrow_passage": traffic.TrucksBothSides,
    "blocked_lane": traffic.TruckInLane,
    "crew_crossing": people.CrewWalksAcross,
    "flag_button": people.FlagPress,
    "voice_command": people.Speech,
    "weather_change": positioning.Turn,
    "new_job": positioning.OtherJob,
}
"""What each kind of incident does."""


class Director:
    """A world and the incidents that a script brings upon it."""

    def __init__(self, script: Script, seed: int) -> None:
        self.world = World(script, seed)
        self.happenings = [
            HAPPENINGS[settings.kind](settings, number) for number, settings in enumerate(script.incidents, 1)
        ]
        self._active = list(self.happenings)

    def step(self) -> Tick:
        """The next tick, after letting happen what is due."""
        busy = {happening.subject for happening in self._active if happening.running}
        for happening in self._active:
            waits = happening.begun_s is None and happening.subject in busy
            if happening.settings.at_s <= self.world.t_s and not waits:
                happening.advance(self.world)
                if happening.running:
                    busy.add(happening.subject)
        self._active = [happening for happening in self._active if not happening.finished]
        return self.world.step()
