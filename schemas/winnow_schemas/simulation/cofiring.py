"""What else fires when one incident happens: a scene per trigger type, and the expected rows of the matrix."""

from typing import Self

from pydantic import Field, model_validator

from winnow_schemas.simulation.incidents import AnyIncident
from winnow_schemas.simulation.script import Route, Samples, Script, shipped_document
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_schemas.validation import Strict, validate


class Scene(Strict):
    """The incident made for one trigger type, alone on the apron."""

    incident: AnyIncident | None = None
    """What happens; None for the two sampling triggers, which need nothing to happen."""
    samples: Samples = Samples()
    """Parameters of the sampling triggers."""
    also: dict[str, str] = Field(default_factory=dict)
    """Other trigger types that fire, each with the reason."""


class Scenes(Strict):
    """The rows of the matrix, and what they have in common."""

    route: Route
    """Where the vehicle drives."""
    arm_s: float = Field(gt=0)
    """From when on each incident may begin, and events count where there is none."""
    tail_s: float = Field(gt=0)
    """How long the run goes on after its incident is over."""
    sampling_s: float = Field(gt=0)
    """How long the two scenes without an incident are watched."""
    limit_s: float = Field(gt=0)
    """By when each incident must be over."""
    scenes: dict[str, Scene]
    """By the trigger type that must fire."""

    @model_validator(mode="before")
    @classmethod
    def _arm(cls, data: object) -> object:
        """An incident of a scene has no time of its own."""
        if isinstance(data, dict) and isinstance(data.get("scenes"), dict):
            scenes = {}
            for name, scene in data["scenes"].items():
                incident = scene.get("incident") if isinstance(scene, dict) else None
                armed = {"at_s": data.get("arm_s"), **incident} if isinstance(incident, dict) else incident
                scenes[name] = {**scene, "incident": armed} if isinstance(incident, dict) else scene
            return {**data, "scenes": scenes}
        return data

    @model_validator(mode="after")
    def _all_types(self) -> Self:
        if set(self.scenes) != set(TRIGGER_PRIORITY):
            raise ValueError(f"the scenes must be the {len(TRIGGER_PRIORITY)} trigger types")
        for name, scene in self.scenes.items():
            unknown = set(scene.also) - (set(TRIGGER_PRIORITY) - {name})
            if unknown:
                raise ValueError(f"scene {name!r}: {min(unknown)!r} is no other trigger type")
        return self

    def script(self, name: str, duration_s: float | None = None) -> Script:
        """The run of one scene."""
        scene = self.scenes[name]
        return Script(
            name=f"matrix_{name}",
            duration_s=duration_s or self.limit_s,
            scale=0.01,
            route=self.route,
            samples=scene.samples,
            incidents=() if scene.incident is None else (scene.incident,),
        )

    def expected(self, name: str) -> frozenset[str]:
        """A row of the matrix: everything that fires in this scene, its own type included."""
        return frozenset({name, *self.scenes[name].also})


def load_scenes() -> Scenes:
    """The scenes that come with Winnow."""
    return validate(Scenes, shipped_document("matrix"))
