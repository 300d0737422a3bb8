"""The 28 x 28 matrix: in the scene made for each trigger type, what fires."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from winnow_operators.sim import Simulator
from winnow_operators.sim.incidents.director import Director
from winnow_schemas.errors import BadInputError
from winnow_schemas.simulation.cofiring import Scenes
from winnow_schemas.simulation.triggers import TRIGGER_PRIORITY
from winnow_tools.sim.deciding import decide, library_settings

TYPES = tuple(TRIGGER_PRIORITY)
"""In the order of rows and columns."""


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One row."""

    name: str
    begun_s: float
    """When its incident began, seconds after the start of the run; events from then on count."""
    over_s: float
    """When its incident was over."""
    fired: dict[str, tuple[float, ...]]
    """Type -> seconds after the beginning of the incident."""
    expected: frozenset[str]

    @property
    def missing(self) -> list[str]:
        """Expected, and did not fire."""
        return [name for name in TYPES if name in self.expected - set(self.fired)]

    @property
    def unexpected(self) -> list[str]:
        """Fired, and not expected."""
        return [name for name in TYPES if name in set(self.fired) - self.expected]

    @property
    def as_expected(self) -> bool:
        return set(self.fired) == self.expected


def play_scene(scenes: Scenes, name: str, seed: int) -> SceneResult:
    """Play the scene of a type, from the start until its incident has been over for a while.

    Raises:
        BadInputError: there is no such type, or its incident could not happen.

    """
    if name not in scenes.scenes:
        raise BadInputError(
            f"There is no scene {name!r}; scenes are called like trigger types, such as {TYPES[0]!r}. "
            "Nothing was simulated; `winnow triggers list` names the types."
        )
    begun_s, over_s = _span(scenes, name, seed)
    simulator = Simulator(scenes.script(name, over_s + scenes.tail_s), seed)
    from_ns = simulator.start_ns + round(begun_s * 1e9)
    fired: dict[str, tuple[float, ...]] = {}
    for event in decide(simulator, library_settings(scenes.scenes[name].samples)):
        if event.t_ns >= from_ns:
            fired[event.type] = (*fired.get(event.type, ()), (event.t_ns - from_ns) / 1e9)
    return SceneResult(name, begun_s, over_s, fired, scenes.expected(name))


def _span(scenes: Scenes, name: str, seed: int) -> tuple[float, float]:
    """When the incident begins and is over, from the world alone: nothing is rendered for it."""
    if scenes.scenes[name].incident is None:
        return scenes.arm_s, scenes.arm_s + scenes.sampling_s
    director = Director(scenes.script(name), seed)
    (happening,) = director.happenings
    while director.world.t_s < scenes.limit_s:
        director.step()
        if happening.begun_s is not None and happening.over_s is not None:
            return happening.begun_s, happening.over_s
    raise BadInputError(
        f"The incident of scene {name!r} was not over after {scenes.limit_s:g} s with seed {seed}; "
        "its row was not decided. Try another seed."
    )


def play_scenes(
    scenes: Scenes, names: Iterable[str], seed: int, progress: Callable[[float], None] | None = None
) -> Iterator[SceneResult]:
    """Several scenes, in the order given."""
    wanted = list(names)
    for number, name in enumerate(wanted):
        yield play_scene(scenes, name, seed)
        if progress is not None:
            progress((number + 1) / len(wanted))


def grid(rows: Iterable[tuple[str, frozenset[str]]]) -> str:
    """Rows and columns as text: ``#`` the scene's own type, ``+`` what fires with it; columns are numbered."""
    width = max(map(len, TYPES))
    lines = [f"{'':{width}}     " + " ".join(f"{number:2}" for number in range(1, len(TYPES) + 1))]
    for name, fired in rows:
        marks = ["#" if each == name else "+" for each in TYPES]
        cells = [f" {mark if each in fired else '.'}" for mark, each in zip(marks, TYPES, strict=True)]
        lines.append(f"{name:{width}}  {TYPES.index(name) + 1:2} " + " ".join(cells))
    return "\n".join(lines)


def sentences_of(result: SceneResult) -> list[str]:
    """What is not as expected, in words."""
    where = f"In the scene of {result.name} (seconds {result.begun_s:.1f} to {result.over_s:.1f})"
    said = [f"{where} {name} did not fire, which was expected." for name in result.missing]
    for name in result.unexpected:
        times = ", ".join(f"{t_s:.2f}" for t_s in result.fired[name][:5])
        said.append(f"{where} {name} fired unexpectedly, {times} s after its beginning.")
    return said
