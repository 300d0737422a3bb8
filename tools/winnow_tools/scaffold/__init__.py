"""Makes a graph and settings for a recording."""

from winnow_tools.scaffold.make import Scaffold, make_scaffold

__all__ = ["Scaffold", "make_scaffold"]
