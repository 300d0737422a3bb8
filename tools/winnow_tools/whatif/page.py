"""The timeline page of a what-if run."""

from collections.abc import Sequence

from winnow_tools.whatif.gate import Comparison
from winnow_tools.whatif.replaying import Replayed
from winnow_tools.whatif.summing import Sums


def render_page(replayed: Sequence[Replayed], sums: Sequence[Sums], comparisons: Sequence[Comparison]) -> str:
    """Page."""
    return f"{len(replayed)} {len(sums)} {len(comparisons)}"
