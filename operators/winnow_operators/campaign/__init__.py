"""Campaigns, as far as they are pure: who they are for, what they come to, what they may never do, what they cost."""

from winnow_operators.campaign.admission import Vehicle, admit, in_canary
from winnow_operators.campaign.bare import BareTriggers
from winnow_operators.campaign.difference import Change, differences
from winnow_operators.campaign.forecasting import Tally, forecast
from winnow_operators.campaign.merge import Merged, merge

__all__ = [
    "BareTriggers",
    "Change",
    "Merged",
    "Tally",
    "Vehicle",
    "admit",
    "differences",
    "forecast",
    "in_canary",
    "merge",
]
