"""The simulated world: steps everything at 20 Hz, deterministically, and hands out ticks."""

import math

from winnow_operators.sim.geometry import Box, Pose, box_distance
from winnow_operators.sim.levers import Levers
from winnow_operators.sim.noise import generator
from winnow_operators.sim.scene.apron import populate
from winnow_operators.sim.scene.things import Things
from winnow_operators.sim.scene.weather import Weather, blend, daylight_lux, follow
from winnow_operators.sim.sensing.detector import InSight, detect, in_sight, novelty
from winnow_operators.sim.sensing.guards import fence_status, forbidden_distance
from winnow_operators.sim.sensing.position import Localizer
from winnow_operators.sim.sensing.radar import ghosts, sense
from winnow_operators.sim.sensing.structures import Built
from winnow_operators.sim.sensing.tracker import Tracker
from winnow_operators.sim.tick import TICK_S, Drive, Place, Safety, Sensors, Sight, Tick
from winnow_operators.sim.travel import control
from winnow_operators.sim.travel.barrier import Filtered, restrict
from winnow_operators.sim.travel.frenet import Obstacle
from winnow_operators.sim.travel.mission import Mission
from winnow_operators.sim.travel.obstruction import LOOK_M, obstacle
from winnow_operators.sim.travel.path import Projection
from winnow_operators.sim.travel.planner import Plan, Seen, acceleration, plan, wanted_speed
from winnow_operators.sim.travel.vehicle import MAX_BRAKE_MPS2, Motion
from winnow_schemas.simulation.script import Script

WARM_UP_TICKS = 80
"""The world runs four seconds before the run begins, so that trackers and filters have settled."""
AFTER_CONTACT_S = 4.0
"""A bumper contact makes the vehicle stop by itself for so long."""
BUMPER_HOLD_S = 0.19
"""The bumper's switch is published at 10 Hz: it stays closed until that has surely been seen."""
ESTIMATE_LAG_S = 1.5
"""How slowly the weather estimate follows the weather."""
AFTER_RELEASE_S = 2.0
"""After an emergency stop is released the vehicle waits before it goes on."""
CLEAR_OF_AIRCRAFT_M = 80.0
"""A taxiway is crossed when no moving aircraft is nearer than this to the crossing."""


class World:
    """Everything that changes. Incidents act on ``things``, ``built``, ``levers`` and ``mission``."""

    def __init__(self, script: Script, seed: int) -> None:
        self.script = script
        self.index = -WARM_UP_TICKS
        self.things: Things = populate(seed)
        self.built = Built()
        self.levers = Levers()
        self.mission = Mission(script.route)
        start = self.mission.path.at(0.0)
        self.motion = Motion(Pose(start.x, start.y, start.yaw), 0.0, 0.0, 0.0)
        self.seen: list[InSight] = []
        self.odometer_m = 0.0
        self._steering = control.Steering()
        self._since_contact_s = self._since_release_s = math.inf
        self._localizer = Localizer(seed)
        self._tracker = Tracker()
        self._detector_random = generator(seed, "detector")
        self._radar_random = generator(seed, "radar")
        self._place = Place(1.0, (0.0, 0.0))
        self._sight = Sight((), (), (), 0.0)
        self._plan: Plan | None = None
        self._command = Filtered(0.0, 0.0, 0.0, math.inf)
        self._light = daylight_lux(script.start_ns)
        self._air = self.weather

    @property
    def t_s(self) -> float:
        """Seconds since the run's start; negative while warming up."""
        return self.index * TICK_S

    @property
    def weather(self) -> Weather:
        """The air right now."""
        return blend(self.script.weather, self.levers.sky, self.levers.sky_amount, self._light)

    def step(self) -> Tick:
        """The state now; then advance by one tick."""
        if self.index % 1200 == 0:
            self._light = daylight_lux(self.script.start_ns + self.index * 50_000_000)
        weather = self.weather
        self._air = follow(self._air, weather, TICK_S / ESTIMATE_LAG_S)
        place = self._projection()
        self.mission.s_m = place.s_m
        if self.index % 10 == 0:
            pose = self.motion.pose
            self._place = Place(self.built.explained(pose.x, pose.y), self.built.map_shift)
        if self.index % 2 == 0:
            self._perceive(weather)
            self._replan(place)
        tick = self._tick(weather, place)
        self._move(tick)
        self.levers.settle()
        self.index += 1
        return tick

    # --- perception and planning --------------------------------------------------------------------------

    def _perceive(self, weather: Weather) -> None:
        ego, levers = self.motion.pose, self.levers
        self.seen = in_sight(ego, self.things.visible(), self.built)
        found = detect(self.seen, weather, self._detector_random)
        if levers.detector_stalled:
            found = []
        tracks = self._tracker.step(found, 2 * TICK_S)
        radar = sense(ego, self.motion.speed_mps, self.seen, self._radar_random, blind=levers.radar_blind)
        self._sight = Sight(
            tuple(found), tuple(tracks), (*radar, *ghosts(levers.ghosts, self.t_s)), novelty(self.seen)
        )

    def _replan(self, place: Projection) -> None:
        before = self._plan.offset_m if self._plan else 0.0
        seen = []
        for track in self._sight.tracks:
            box = Box(track.x, track.y, track.yaw, track.body.length_m, track.body.width_m)
            found = self._obstacle(box, (track.vx, track.vy), place)
            if found is not None:
                seen.append(Seen(found, track.label == "person"))
        self._plan = plan(place.s_m, place.lateral_m, self.motion.speed_mps, before, seen)

    def _obstacle(self, box: Box, velocity: tuple[float, float], place: Projection) -> Obstacle | None:
        """A box in path coordinates, if it is near enough to matter."""
        ego = self.motion.pose
        size = (box.length + box.width) / 2
        if math.hypot(box.x - ego.x, box.y - ego.y) - size > LOOK_M:
            return None
        return obstacle(self.mission.path, place.s_m, box, velocity)

    # --- safety and motion --------------------------------------------------------------------------------

    def _tick(self, weather: Weather, place: Projection) -> Tick:
        mission, pose, levers = self.mission, self.motion.pose, self.levers
        assert self._plan is not None
        limit = control.BASELINE_SPEED_MPS if self._steering.mode is control.Mode.BASELINE else math.inf
        wanted = wanted_speed(mission, self._plan, limit)
        near = self._raw_obstacles(place)
        planned = acceleration(self.motion.speed_mps, wanted)
        filtered = restrict(planned, self.motion.speed_mps, place.s_m, place.lateral_m, near)
        contact = self._touches()
        self._since_contact_s = 0.0 if contact else self._since_contact_s + TICK_S
        estop = levers.estop_pressed or self._since_contact_s < AFTER_CONTACT_S
        self._since_release_s = 0.0 if estop else self._since_release_s + TICK_S
        fence_m = forbidden_distance(pose)
        satellite = self._localizer.fix(self.t_s, pose, levers.fix, levers.gps_shift_m)
        self._command = filtered
        return Tick(
            self.index,
            self.t_s,
            self.motion,
            self._localizer.pose(self.t_s, pose),
            self.things.states(),
            tuple(self.built.extra),
            weather,
            self._air,
            satellite,
            self._localizer.innovation(self.index, satellite, pose),
            self._place,
            Sensors(
                tuple(levers.lidar_loss),
                tuple(levers.lidar_turn_rad),
                levers.bump_mps2,
                levers.detector_stalled,
            ),
            self._sight,
            Drive(
                mission.path,
                mission.route_id,
                place.s_m,
                place.lateral_m,
                self._plan,
                wanted,
                mission.at_planned_stop,
                mission.to_goal_m,
                mission.holding is not None and mission.holding - place.s_m < mission.to_goal_m,
            ),
            Safety(
                estop,
                contact,
                self._since_contact_s < BUMPER_HOLD_S,
                filtered.intervention,
                self._steering.mode,
                fence_status(fence_m),
                fence_m,
                filtered.needed_mps2,
                filtered.gap_m,
            ),
            self._aircraft_distance(),
            levers.flag_pressed,
            levers.spoken,
            self.odometer_m,
        )

    def _raw_obstacles(self, place: Projection) -> list[Obstacle]:
        """What the proximity layer sees: everything in sight that stands higher than a chock."""
        result = []
        for thing, away in self.seen:
            if thing.body.detect_range_m > 0 and away < 20.0 + thing.body.length_m:
                found = self._obstacle(thing.box, thing.velocity, place)
                if found is not None:
                    result.append(found)
        return result

    def _touches(self) -> bool:
        ego = self.motion.box
        return any(
            math.hypot(thing.pose.x - ego.x, thing.pose.y - ego.y) < thing.body.length_m + 3.0
            and box_distance(ego, thing.box) <= 0.0
            for thing in self.things.members
            if not thing.hidden and not thing.body.kind.startswith("aircraft")
        )

    def _aircraft_distance(self) -> float:
        ego = self.motion.box
        return min(
            (
                box_distance(ego, thing.box)
                for thing in self.things.members
                if thing.body.kind.startswith("aircraft")
                and math.hypot(thing.pose.x - ego.x, thing.pose.y - ego.y) < thing.body.length_m + 12.0
            ),
            default=math.inf,
        )

    def _move(self, tick: Tick) -> None:
        warming_up = self.index < 0
        stopped = warming_up or tick.safety.estop or self._since_release_s < AFTER_RELEASE_S
        accel = -0.9 * MAX_BRAKE_MPS2 if stopped else self._command.accel_mps2
        place = Projection(tick.drive.s_m, tick.drive.lateral_m, self._projection().heading_rad)
        speed, pose = self.motion.speed_mps, self.motion.pose
        stuck = self.levers.stuck_steering_rad
        steering = control.advance_offset(self._steering, tick.drive.plan.offset_m, speed * TICK_S)
        self._steering = control.switch(steering, place, faulty=stuck is not None, dt_s=TICK_S)
        path = self.mission.path
        if self._steering.mode is control.Mode.BASELINE:
            angle = control.baseline(path, pose, place, self._steering.offset_m)
        elif stuck is not None:
            angle = stuck
        else:
            angle = control.advanced(path, place, self._steering, speed)
        self.motion = self.motion.step(accel, angle, TICK_S)
        moved = math.hypot(self.motion.pose.x - pose.x, self.motion.pose.y - pose.y)
        self.things.step(TICK_S)
        if not warming_up:
            self.odometer_m += moved
            clear = self._crossing_clear()
            self.mission.step(
                tick.drive.s_m + moved, self.motion.speed_mps, crossing_clear=clear, dt_s=TICK_S
            )

    def _projection(self) -> Projection:
        return self.mission.path.project(*self.motion.pose, self.mission.s_m)

    def _crossing_clear(self) -> bool:
        line = self.mission.holding
        if line is None:
            return True
        crossing = self.mission.path.at(line)
        return not any(
            thing.body.kind.startswith("aircraft")
            and thing.velocity != (0.0, 0.0)
            and abs(thing.pose.x - crossing.x) < CLEAR_OF_AIRCRAFT_M
            for thing in self.things.members
        )
