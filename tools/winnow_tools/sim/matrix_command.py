"""``winnow sim matrix``."""

from typing import Annotated

import typer

from winnow_schemas.simulation.cofiring import load_scenes
from winnow_tools.console import fail, print_json, progress_bar, sentences
from winnow_tools.sim.matrix import TYPES, grid, play_scenes, sentences_of


def sim_matrix_command(
    scene: Annotated[
        list[str] | None,
        typer.Option("--scene", metavar="TRIGGER", help="Only the scene of this type; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the world's noise; the expectations are for 1.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play one scene per trigger type and show what fires in each; exit code 1 when that is not as expected."""
    with sentences(), progress_bar("playing", hidden=as_json) as progress:
        results = list(play_scenes(load_scenes(), scene or TYPES, seed, progress))
    different = [each for each in results if not each.as_expected]
    if as_json:
        rows = {
            each.name: {
                "begun_s": each.begun_s,
                "over_s": each.over_s,
                "fired_s": {name: each.fired[name] for name in TYPES if name in each.fired},
                "missing": each.missing,
                "unexpected": each.unexpected,
            }
            for each in results
        }
        print_json({"seed": seed, "as_expected": not different, "scenes": rows})
    else:
        print(grid((each.name, frozenset(each.fired)) for each in results))
    if different:
        fail("\n".join(sentence for each in different for sentence in sentences_of(each)), 1)
    if not as_json:
        print(f"{len(results)} scenes, all as expected.")
