"""``winnow demo-dashcam``."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from winnow_schemas.errors import BadInputError
from winnow_tools.console import sentences
from winnow_tools.dashcam.demo import DashcamDemo, dashcam_demo, told

_HOW = """
Your own drives:
  winnow video /media/sdcard --out results        plates, positions, crops, archive
  winnow video drive.mp4 --out results --dora     the same through the two graphs, node by node"""


def demo_dashcam_command(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the results; an earlier demo's is replaced.")
    ] = Path("demo-dashcam-out"),
    graphs: Annotated[Path, typer.Option(help="Folder of jetson.yml and rtx4090.yml.")] = Path("dataflows"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same drive.")] = 1,
) -> None:
    """A generated drive past parked cars, through a tunnel and into the night: both graphs, held against the truth.

    Exit code 0 when everything that was promised was kept, 1 otherwise.
    """
    begun = time.monotonic()
    with sentences():
        _clear(out)
        result = dashcam_demo(out, graphs, seed, lambda line: print(line, flush=True))
    _show(result, out, time.monotonic() - begun)
    if result.problems:
        raise typer.Exit(1)


def _clear(out: Path) -> None:
    """Remove an earlier demo, and nothing else."""
    if out.exists() and any(out.iterdir()):
        if not (out / "camera").is_dir():
            raise BadInputError(
                f"{out} is not empty and not an earlier demo; nothing was removed or started. Name another folder with --out."
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _show(result: DashcamDemo, out: Path, wall_s: float) -> None:
    value = told(result.judged)
    errors = value["position_error_m"]
    print(
        f"\nPlates: {len(value['right'])} of {value['legible']} legible ones right, {len(value['missed'])} missed, "
        f"{len(value['false'])} false, {len(value['beyond'])} more than was asked for."
    )
    print(
        f"Frames: {value['kept']} of {value['frames']} kept, {value['reduction']:.0%} dropped; two or more of "
        f"{value['passes_seen']} of {value['legible']} passes kept."
    )
    if errors["records"]:
        print(
            f"Positions: median {errors['median']:.1f} m and at most {errors['largest']:.1f} m from the truth; "
            f"{errors['beyond_their_uncertainty']} of {errors['records']} beyond what they say."
        )
    for problem in result.problems:
        print(f"NOT KEPT: {problem}")
    for sheet in result.sheets:
        print(f"Look at {sheet}")
    print(f"Records: {out / 'run'} ({wall_s:.0f} s)\n{_HOW}")
