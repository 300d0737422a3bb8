"""Drawing a graph: layered layout (after Sugiyama, Tagawa, Toda 1981), pure Python, deterministic."""

from winnow_operators.graphs.layout.assemble import lay_out
from winnow_operators.graphs.layout.drawing import Drawing

__all__ = ["Drawing", "lay_out"]
