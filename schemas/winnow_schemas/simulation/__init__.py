"""The simulator's contract: map, scripts, incidents, and the ground truth of a run."""

from winnow_schemas.simulation.script import Script, load_script, read_script

__all__ = ["Script", "load_script", "read_script"]
