"""dora dataflow graphs: reading them into a typed model, and laying them out as a drawing."""

from winnow_operators.graphs.model import Graph
from winnow_operators.graphs.parse import parse_graph

__all__ = ["Graph", "parse_graph"]
