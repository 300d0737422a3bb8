"""The simulator: a scripted shift of a baggage tractor with the vehicle document's whole sensor suite."""

from winnow_operators.sim.simulator import Simulator
from winnow_operators.sim.truth.compare import compare

__all__ = ["Simulator", "compare"]
