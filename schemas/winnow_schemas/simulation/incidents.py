"""What may happen in a script: each incident acts on the world, and the signals follow from the world.

Buttons and speech are the exception: pressing is the event. An incident is *armed* at ``at_s`` and begins
as soon as the vehicle is at a place where it can happen (a straight with room, the next parked aircraft);
the ground truth says when that was.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from winnow_schemas.simulation.places import StopName
from winnow_schemas.validation import Strict

LIDARS = 8
"""Vehicle document 1.3: four of 32 beams, four of 16."""


class Incident(Strict):
    """What all incidents have."""

    kind: str
    """Which incident."""
    at_s: float = Field(ge=0, le=86_400)
    """Seconds after the run's start from which on it may begin."""


# --- P0: safety -------------------------------------------------------------------------------------------


class EstopButton(Incident):
    """The safety driver presses the emergency stop and releases it later."""

    kind: Literal["estop_button"]
    """Which incident."""
    hold_s: float = Field(default=4.0, ge=0.5, le=120)
    """How long it stays pressed."""


class LowObstacle(Incident):
    """A wheel chock lies in the lane, too low for the detector: the bumper touches it."""

    kind: Literal["low_obstacle"]
    """Which incident."""
    ahead_m: float = Field(default=30.0, ge=15, le=60)
    """How far ahead it lies."""


class PersonStepsOut(Incident):
    """A person steps into the lane from behind a loaded dolly; the safety filter brakes before the planner does."""

    kind: Literal["person_steps_out"]
    """Which incident."""
    gap_m: float = Field(default=11.0, ge=9.5, le=13)
    """Distance from the front bumper at which the person starts."""
    walk_mps: float = Field(default=1.9, ge=0.5, le=3)
    """How fast the person walks."""


class RouteError(Incident):
    """Dispatch sends a route over a closed road, through a restricted zone."""

    kind: Literal["route_error"]
    """Which incident."""


class ControllerFault(Incident):
    """The advanced controller's steering output sticks; its monitor hands over to the baseline controller."""

    kind: Literal["controller_fault"]
    """Which incident."""
    stuck_rad: float = Field(default=0.035, ge=0.01, le=0.1)
    """Steering angle at which it sticks."""
    hold_s: float = Field(default=8.0, ge=2, le=120)
    """How long the fault lasts."""


class AircraftPushback(Incident):
    """The next parked aircraft beside the lane is pushed back towards it, closer than allowed."""

    kind: Literal["aircraft_pushback"]
    """Which incident."""
    clearance_m: float = Field(default=2.0, ge=1.2, le=10)
    """Distance between its box and the vehicle's when the vehicle passes."""


# --- P1: perception ---------------------------------------------------------------------------------------


class StrangeScene(Incident):
    """A tipped container with its load spilled lies beside the lane: far from anything trained on."""

    kind: Literal["strange_scene"]
    """Which incident."""
    lateral_m: float = Field(default=5.0, ge=4, le=12)
    """Distance from the lane's centre, to the left."""


class PerceptionStall(Incident):
    """The detector delivers nothing for a while; tracks are lost and start anew under other ids."""

    kind: Literal["perception_stall"]
    """Which incident."""
    stall_s: float = Field(default=1.8, ge=0.2, le=30)
    """How long; tracks survive one second."""


class UntrainedObject(Incident):
    """An animal crosses the lane well ahead; the detector has no class for it."""

    kind: Literal["untrained_object"]
    """Which incident."""
    hold_s: float = Field(default=12.0, ge=3, le=120)
    """How long it stays."""


class CrewDisembarks(Incident):
    """A crew bus stands beside the lane and opens its doors: many people appear at once."""

    kind: Literal["crew_disembarks"]
    """Which incident."""
    people: int = Field(default=10, ge=7, le=16)
    """How many."""


class LidarDirt(Incident):
    """Slush covers a LiDAR's window until it is cleaned."""

    kind: Literal["lidar_dirt"]
    """Which incident."""
    lidar: int = Field(default=0, ge=0, lt=LIDARS)
    """Which LiDAR, 0-7."""
    loss: float = Field(default=0.6, ge=0.05, le=1)
    """Share of its points that is lost."""
    hold_s: float = Field(default=12.0, ge=2, le=3600)
    """How long."""


class RadarGhosts(Incident):
    """A wet steel wall mirrors the radar: it reports objects that nothing else sees, and misses real ones."""

    kind: Literal["radar_ghosts"]
    """Which incident."""
    count: int = Field(default=4, ge=1, le=12)
    """Number of ghosts."""
    blind: bool = True
    """Whether it misses the real objects meanwhile."""
    hold_s: float = Field(default=7.0, ge=1, le=120)
    """How long."""


# --- P2: localization -------------------------------------------------------------------------------------


class GpsMultipath(Incident):
    """A reflection off the terminal shifts the GPS fix, which still claims to be fixed."""

    kind: Literal["gps_multipath"]
    """Which incident."""
    shift_m: float = Field(default=3.0, ge=0.2, le=50)
    """How far, to the north-east."""
    hold_s: float = Field(default=1.5, ge=0.2, le=60)
    """How long."""


class GpsJamming(Incident):
    """A jammer drives by: the fix degrades, is lost, and comes back in steps."""

    kind: Literal["gps_jamming"]
    """Which incident."""
    hold_s: float = Field(default=10.0, ge=1, le=3600)
    """How long the fix is denied."""


class UnmappedContainers(Incident):
    """Rows of containers, put up since the map was made, hide the known scene on both sides."""

    kind: Literal["unmapped_containers"]
    """Which incident."""
    length_m: float = Field(default=70.0, ge=20, le=150)
    """Length of the rows."""


class MapDatumError(Incident):
    """A map update with a datum error is loaded: everything stands beside where the map says."""

    kind: Literal["map_datum_error"]
    """Which incident."""
    east_m: float = Field(default=0.9, ge=-3, le=3)
    """Error to the east."""
    north_m: float = Field(default=0.5, ge=-3, le=3)
    """Error to the north."""
    hold_s: float = Field(default=10.0, ge=2, le=3600)
    """How long until the map is rolled back."""


class LidarBump(Incident):
    """A belt loader bumps a LiDAR's bracket: its mounting angle is not the calibrated one any more."""

    kind: Literal["lidar_bump"]
    """Which incident."""
    lidar: int = Field(default=1, ge=0, lt=LIDARS)
    """Which LiDAR, 0-7."""
    yaw_deg: float = Field(default=2.5, ge=-10, le=10)
    """By how much it is turned."""
    hold_s: float = Field(default=15.0, ge=2, le=3600)
    """How long until it is calibrated again."""


# --- P3: planning -----------------------------------------------------------------------------------------


class CrossingBus(Incident):
    """A crew bus pulls across the lane and stands there for a moment: no candidate trajectory is left."""

    kind: Literal["crossing_bus"]
    """Which incident."""
    stand_s: float = Field(default=7.0, ge=3, le=600)
    """How long it stands."""


class BoxedIn(Incident):
    """The same for long: the vehicle is deadlocked."""

    kind: Literal["boxed_in"]
    """Which incident."""
    stand_s: float = Field(default=26.0, ge=3, le=600)
    """How long the bus stands."""


class NarrowPassage(Incident):
    """Two parked trucks leave a gap that is just wide enough."""

    kind: Literal["narrow_passage"]
    """Which incident."""
    gap_m: float = Field(default=2.9, ge=2.5, le=6)
    """Width of the gap."""


class BlockedLane(Incident):
    """A truck stands in the lane; the vehicle drives around it, away from its route."""

    kind: Literal["blocked_lane"]
    """Which incident."""


class CrewCrossing(Incident):
    """Ground crew crosses the lane slowly, in plain view; the vehicle waits for them."""

    kind: Literal["crew_crossing"]
    """Which incident."""
    people: int = Field(default=3, ge=1, le=8)
    """How many, one behind the other."""


# --- P4: people -------------------------------------------------------------------------------------------


class FlagButton(Incident):
    """Someone presses the flag button on the HMI."""

    kind: Literal["flag_button"]
    """Which incident."""


class VoiceCommand(Incident):
    """Someone speaks to the vehicle."""

    kind: Literal["voice_command"]
    """Which incident."""
    text: str = Field(default="flag this", min_length=1, max_length=200)
    """What was understood. It asks for a clip when the word `flag` is in it."""


# --- P5: surroundings -------------------------------------------------------------------------------------


class Sky(StrEnum):
    """What the weather does."""

    RAIN = "rain"
    FOG = "fog"
    SPRAY = "spray"
    """De-icing spray that drifts over the lane."""


class WeatherChange(Incident):
    """The weather turns, and clears up again."""

    kind: Literal["weather_change"]
    """Which incident."""
    sky: Sky = Sky.RAIN
    """To what."""
    strength: float = Field(default=1.0, gt=0, le=3)
    """1 = heavy rain (8 mm/h), dense fog (150 m), spray (60 m)."""
    ramp_s: float = Field(default=4.0, ge=1, le=600)
    """How long the change takes."""
    hold_s: float = Field(default=25.0, ge=2, le=86_400)
    """How long it stays."""


class NewJob(Incident):
    """Dispatch sends the vehicle somewhere else, and back to its route afterwards."""

    kind: Literal["new_job"]
    """Which incident."""
    to: StopName
    """The stop to drive to."""
    stop_s: float = Field(default=8.0, ge=1, le=3600)
    """How long it stops there."""


AnyIncident = Annotated[
    EstopButton
    | LowObstacle
    | PersonStepsOut
    | RouteError
    | ControllerFault
    | AircraftPushback
    | StrangeScene
    | PerceptionStall
    | UntrainedObject
    | CrewDisembarks
    | LidarDirt
    | RadarGhosts
    | GpsMultipath
    | GpsJamming
    | UnmappedContainers
    | MapDatumError
    | LidarBump
    | CrossingBus
    | BoxedIn
    | NarrowPassage
    | BlockedLane
    | CrewCrossing
    | FlagButton
    | VoiceCommand
    | WeatherChange
    | NewJob,
    Field(discriminator="kind"),
]
"""One incident, told apart by ``kind``."""
