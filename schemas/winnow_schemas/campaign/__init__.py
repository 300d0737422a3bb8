"""Campaigns: updates of triggers from the fleet, as documents (vehicle document 8.4)."""

from winnow_schemas.campaign.canonical import signed_bytes
from winnow_schemas.campaign.document import (
    Campaign,
    Canary,
    CoverageRequest,
    Forecast,
    SaturationSignal,
    Signature,
    TriggerUpdate,
)
from winnow_schemas.campaign.reading import CampaignDocument, read_campaign, read_campaign_file
from winnow_schemas.campaign.refusal import CampaignRefusedError, Refusal

__all__ = [
    "Campaign",
    "CampaignDocument",
    "CampaignRefusedError",
    "Canary",
    "CoverageRequest",
    "Forecast",
    "Refusal",
    "SaturationSignal",
    "Signature",
    "TriggerUpdate",
    "read_campaign",
    "read_campaign_file",
    "signed_bytes",
]
