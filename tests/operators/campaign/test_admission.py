"""Who a campaign is for, and when."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.operators.campaign.bare import campaign
from tests.operators.triggers.rig import T0, at

from winnow_operators.campaign import Vehicle, admit, forecast, in_canary
from winnow_schemas.campaign import CampaignRefusedError, Refusal
from winnow_schemas.messages import TriggerEvent

VEHICLE = Vehicle("v-1", "EGLL")
NOON_NS = 1_775_908_800_000_000_000  # 2026-04-11T12:00:00Z


def admitted(now_ns: int = NOON_NS, newest: str = "", **parts: object) -> str:
    try:
        admit(campaign(**parts), VEHICLE, now_ns, newest)
    except CampaignRefusedError as error:
        return str(error.refusal)
    return "yes"


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ({}, "yes"),
        ({"expires": "2026-04-11T12:00:00Z"}, Refusal.EXPIRED),
        ({"expires": "2026-04-11T12:00:00.000001Z"}, "yes"),
        ({"expires": "2026-04-11T13:59:59+02:00"}, Refusal.EXPIRED),
        ({"not_before": "2026-04-11T12:00:00Z"}, "yes"),
        ({"not_before": "2026-04-11T12:00:01Z"}, Refusal.NOT_YET_VALID),
        ({"vehicles": ["v-2", "v-1"]}, "yes"),
        ({"vehicles": ["v-2", "v-11"]}, Refusal.OTHER_VEHICLE),
        ({"airports": ["EGLL"]}, "yes"),
        ({"airports": ["EGL"]}, Refusal.OTHER_VEHICLE),
        ({"canary": {"share": 1.0}}, "yes"),
        ({"canary": {"share": 0.0}}, Refusal.NOT_IN_CANARY),
        ({"version": "2", "newest": "1.9"}, "yes"),
        ({"version": "2", "newest": "2"}, Refusal.REPLAYED),
        ({"version": "2", "newest": "2.0.1"}, Refusal.REPLAYED),
    ],
)
def test_half_open_times_vehicles_and_versions(parts: dict, answer: str) -> None:
    assert admitted(**parts) == answer


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=20), st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_vehicles(name: str, vehicle: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert not in_canary(name, vehicle, small) or in_canary(name, vehicle, large)
    assert in_canary(name, vehicle, 1.0)
    assert not in_canary(name, vehicle, 0.0)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_about_the_share_of_a_fleet_is_chosen(share: float) -> None:
    chosen = sum(in_canary("fog", f"vehicle-{number}", share) for number in range(10_000))
    deviation = (10_000 * share * (1 - share)) ** 0.5
    assert abs(chosen - 10_000 * share) < 4 * deviation


def test_other_campaigns_choose_other_vehicles() -> None:
    fleet = [f"vehicle-{number}" for number in range(1000)]
    fog = {vehicle for vehicle in fleet if in_canary("fog", vehicle, 0.1)}
    snow = {vehicle for vehicle in fleet if in_canary("snow", vehicle, 0.1)}
    assert len(fog & snow) < 0.3 * len(fog)


def event(seconds: float, before: float, after: float) -> TriggerEvent:
    return TriggerEvent(
        event_id=str(seconds), type="t", priority=1, t_ns=at(seconds), pre_roll_ns=round(before * 1e9),
        post_roll_ns=round(after * 1e9), value=None, threshold=None, condition="", values="{}", topics=[],
        latitude_deg=None, longitude_deg=None,
    )  # fmt: skip


def test_the_forecast_counts_overlapping_windows_once() -> None:
    events = [event(50, 10, 10), event(55, 10, 10), event(2, 10, 10), event(99, 10, 10)]
    tally = forecast(events, T0, at(100))
    assert tally.events == {"t": 4}
    assert tally.wanted_ns == round((25 + 12 + 11) * 1e9)
    assert tally.events_per_day == pytest.approx(4 * 864)
    assert tally.gb_per_day(1e9) == pytest.approx(48 * 864)
    assert forecast([], T0, T0).events_per_day == 0
