"""The state of the simulated world at one time: everything that messages, truth and renderers read."""

from dataclasses import dataclass
from typing import NamedTuple

from winnow_operators.sim.geometry import Pose
from winnow_operators.sim.scene.things import ThingState
from winnow_operators.sim.scene.weather import Weather
from winnow_operators.sim.sensing.detector import Detection
from winnow_operators.sim.sensing.guards import Fence
from winnow_operators.sim.sensing.position import Satellite
from winnow_operators.sim.sensing.radar import RadarObject
from winnow_operators.sim.sensing.tracker import Track
from winnow_operators.sim.travel.control import Mode
from winnow_operators.sim.travel.path import DrivingPath
from winnow_operators.sim.travel.planner import Plan
from winnow_operators.sim.travel.vehicle import Motion
from winnow_schemas.simulation.airside import Structure

TICK_NS = 50_000_000
"""20 Hz: the rate of the safety filter and the cameras; slower topics take every second, fourth, ... tick."""
TICK_S = TICK_NS / 1e9


class Sight(NamedTuple):
    """What perception made of the latest sweep (10 Hz)."""

    detections: tuple[Detection, ...]
    tracks: tuple[Track, ...]
    radar: tuple[RadarObject, ...]
    strangeness: float
    """0-1: how unlike the training data the true scene is."""


class Drive(NamedTuple):
    """What planning decided, and where the vehicle is on its route."""

    path: DrivingPath
    route_id: int
    s_m: float
    lateral_m: float
    """Of the true pose from the route, positive to the left."""
    plan: Plan
    wanted_mps: float
    at_planned_stop: bool
    to_goal_m: float
    holding: bool
    """Whether a hold-short line is the next thing to stop at."""


class Safety(NamedTuple):
    """What the safety layer says."""

    estop: bool
    contact: bool
    """The bumper touches something."""
    bumper: bool
    """The bumper's switch, which stays closed for a moment after a contact."""
    intervention: float
    mode: Mode
    fence: Fence
    fence_m: float
    """Distance to the nearest forbidden zone."""
    braking_needed_mps2: float
    gap_m: float
    """Distance to what is in the way, infinite when nothing is."""


class Place(NamedTuple):
    """Map matching (2 Hz)."""

    explained: float
    """Share of the scene that the map explains, 0-1: truth, not the score."""
    shift: tuple[float, float]
    """True offset of the loaded map, m east and north."""


class Sensors(NamedTuple):
    """True state of the sensors."""

    lidar_loss: tuple[float, ...]
    lidar_turn_rad: tuple[float, ...]
    bump_mps2: float
    detector_stalled: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick; ``index`` 0 is the run's start, ``t_s`` seconds after it."""

    index: int
    t_s: float
    motion: Motion
    estimate: Pose
    things: tuple[ThingState, ...]
    unmapped: tuple[Structure, ...]
    weather: Weather
    air: Weather
    """The weather as estimated: it follows the true one within seconds."""
    satellite: Satellite
    innovation: float
    place: Place
    sensors: Sensors
    sight: Sight
    drive: Drive
    safety: Safety
    aircraft_m: float
    """True distance between the vehicle's box and the nearest aircraft's."""
    flag_pressed: bool
    spoken: str
    odometer_m: float
    """True distance driven since the run's start."""
