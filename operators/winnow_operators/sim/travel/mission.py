"""What the vehicle is to do: legs between stops, hold-short lines, and orders that change the route."""

from dataclasses import dataclass, field

from winnow_operators.sim.travel.path import DrivingPath
from winnow_operators.sim.travel.roads import leads_into_closed, way
from winnow_schemas.simulation.script import Leg, Route

COMMIT_M = 15.0
"""A station nearer than this cannot be re-routed at any more: the vehicle is in its curve."""
HOLD_S = 2.5
"""How long one waits at a hold-short line at least."""
ARRIVED_M = 0.25
NEAR_STOP_M = 4.0
"""From here on a halt counts as the planned one."""
DEPARTURE_S = 2.0
"""So long after leaving, a halt still counts as the planned one."""


@dataclass(slots=True)
class Mission:
    """Follows a route; ``s_m`` is where the vehicle is on ``path``."""

    route: Route
    path: DrivingPath = field(init=False)
    route_id: int = field(init=False, default=0)
    s_m: float = field(init=False, default=0.0)
    _legs: list[Leg] = field(init=False)
    _next: int = field(init=False, default=0)
    _job: Leg | None = field(init=False, default=None)
    _waited_s: float = field(init=False, default=0.0)
    _left_s: float = field(init=False, default=1e9)
    _held: set[float] = field(init=False, default_factory=set)
    _finished: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Plan the first leg; the vehicle stands at its beginning."""
        self._legs = list(self.route.legs)
        self._plan(self.route.start)
        self._left_s = 0.0

    @property
    def leg(self) -> Leg:
        """The leg that is being driven."""
        return self._job or self._legs[self._next]

    @property
    def to_goal_m(self) -> float:
        """Distance to the end of the leg."""
        return max(self.path.length_m - self.s_m, 0.0)

    @property
    def holding(self) -> float | None:
        """Arc length of the hold-short line that is next and not yet served."""
        ahead = [line for line in self.path.hold_lines() if line not in self._held and line > self.s_m - 2.0]
        return min(ahead, default=None)

    @property
    def at_planned_stop(self) -> bool:
        """Whether a halt here and now is the planned one."""
        line = self.holding
        at_line = line is not None and line - self.s_m < NEAR_STOP_M
        return self.to_goal_m < NEAR_STOP_M or at_line or self._left_s < DEPARTURE_S or self._finished

    @property
    def stop_m(self) -> float:
        """Distance to the next planned halt."""
        line = self.holding
        return min(self.to_goal_m, line - self.s_m) if line is not None else self.to_goal_m

    def step(self, s_m: float, speed_mps: float, *, crossing_clear: bool, dt_s: float) -> bool:
        """Advance; whether a new route began."""
        self.s_m = s_m
        moving = speed_mps > 0.0
        self._left_s = self._left_s + dt_s
        line = self.holding
        if line is not None and line - s_m < ARRIVED_M + 0.5 and not moving:
            self._waited_s += dt_s
            if self._waited_s >= HOLD_S and crossing_clear:
                self._held.add(line)
                self._waited_s = self._left_s = 0.0
            return False
        if moving or self.to_goal_m > ARRIVED_M + 0.5 or self._finished:
            self._waited_s = 0.0
            return False
        self._waited_s += dt_s
        return self._waited_s >= self.leg.stop_s and self._begin_next()

    def _begin_next(self) -> bool:
        here = self.leg.to
        if self._job is not None:
            self._job = None
        elif self._next + 1 < len(self._legs):
            self._next += 1
        elif self.route.repeat:
            self._next = 0
        else:
            self._finished = True
            return False
        self._plan(here)
        return True

    def _plan(self, start: str) -> None:
        leg = self.leg
        self._follow(way(start, leg.to, leg.via))
        self.s_m = 0.0
        self._waited_s = self._left_s = 0.0

    def _follow(self, stations: tuple[str, ...]) -> None:
        self.path = DrivingPath(stations)
        self.route_id += 1
        self._held = set()

    def _committed(self) -> tuple[str, ...]:
        """The stations passed and those too near to change, from the last one passed on."""
        places = list(zip(self.path.stations, self.path.station_s_m, strict=True))
        passed = max(index for index, (_, s) in enumerate(places) if s <= self.s_m or index == 0)
        kept = [name for name, s in places[passed:] if s < self.s_m + COMMIT_M]
        ahead = [name for name, s in places if s >= self.s_m + COMMIT_M]
        return (*places_before(places, passed), *kept, *ahead[:1])

    def new_job(self, job: Leg) -> bool:
        """Drive somewhere else first; refused (False) while standing at a stop or already on a job."""
        if self._job is not None or self.at_planned_stop:
            return False
        stations = self._committed()
        if len(stations) < 3 or job.to in stations[1:]:
            return False
        self._job = job
        rest = way(stations[-1], job.to)
        self._restart((*stations, *rest[1:]))
        return True

    def through_closed(self) -> bool:
        """Take the next closed road ahead, if there is one soon; the rest of the leg stays."""
        places = zip(self.path.stations, self.path.station_s_m, strict=True)
        soon = [name for name, s in places if COMMIT_M < s - self.s_m < 60.0 and leads_into_closed(name)]
        if not soon or self.at_planned_stop:
            return False
        stations = self._committed()
        index = stations.index(soon[0]) if soon[0] in stations else None
        before = stations[: index + 1] if index is not None else (*stations, *way(stations[-1], soon[0])[1:])
        rest = way(soon[0], self.leg.to, closed_through=soon[0])
        self._restart((*before, *rest[1:]))
        return True

    def _restart(self, stations: tuple[str, ...]) -> None:
        """Follow other stations from where the vehicle is."""
        here = self.path.at(self.s_m)
        self._follow(stations)
        # The new path may come by here again later: only its first three stations count.
        reach = self.path.station_s_m[min(3, len(stations) - 1)] / 2
        self.s_m = self.path.project(here.x, here.y, here.yaw, reach, reach).s_m


def places_before(places: list[tuple[str, float]], passed: int) -> tuple[str, ...]:
    """The station before the last one passed, so that the curve at that one keeps its shape."""
    return tuple(name for name, _ in places[max(0, passed - 1) : passed])
