"""When each class will have gone."""

from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.upload.budget import DAY_NS, DailyBudget
from winnow_operators.upload.forecast import forecast
from winnow_operators.upload.link import Link
from winnow_schemas.priority import UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings, UploadSettings

P0, P1, P2, P5 = UploadClass.SAFETY, UploadClass.PERCEPTION, UploadClass.LOCALIZATION, UploadClass.DIVERSITY
LINK = LinkSettings()
AMPLE = DailyBudget(10**15, {})
NOON = 20_000 * DAY_NS + DAY_NS // 2
S = 10**9


def test_classes_go_one_after_the_other_and_the_rest_says_what_it_waits_for():
    link = Link(LinkMode.CELLULAR_5G)
    found = forecast(LINK, AMPLE, link, {P1: 12_500_000, P0: 25_000_000, P5: 1}, {}, NOON)
    assert [(one.upload_class, one.rate_bytes_per_s) for one in found] == [
        (P0, 2.5e6),
        (P1, 1.25e6),
        (P5, 0.0),
    ]
    assert [one.done_ns for one in found] == [NOON + 10 * S, NOON + 20 * S, None]
    assert found[2].waits_for is LinkMode.WIFI_DEPOT


def test_a_link_that_carries_less_than_the_table_allows_sets_the_pace():
    link = Link(LinkMode.ETHERNET_DEPOT, 10e6)
    (one,) = forecast(LINK, AMPLE, link, {P2: 80_000_000}, {}, NOON)
    assert one.rate_bytes_per_s == 8e6  # what the reserve leaves
    assert one.done_ns == NOON + 10 * S


def test_without_a_link_everything_waits_for_the_first_that_takes_it():
    found = forecast(LINK, AMPLE, Link(LinkMode.DISCONNECTED), {P0: 1, P2: 1}, {}, NOON)
    assert [one.waits_for for one in found] == [LinkMode.CELLULAR_5G, LinkMode.WIFI_DEPOT]


def test_what_is_over_the_budget_goes_after_midnight_and_holds_nobody_up():
    budget = DailyBudget.of(UploadSettings(daily_budget_gb=0.2, priority_budget_gb={"P1": 0.1}))
    link = Link(LinkMode.ETHERNET_DEPOT, None)
    found = forecast(LINK, budget, link, {P1: 150_000_000, P2: 62_500_000}, {}, NOON)
    assert found[0].over_midnight
    assert found[0].done_ns == 20_001 * DAY_NS + int(50_000_000 / 62.5e6 * S)
    assert not found[1].over_midnight
    assert found[1].done_ns == NOON + S


def test_a_budget_that_lets_nothing_go_is_not_a_date():
    budget = DailyBudget(10**9, {P2: 0})
    (one,) = forecast(LINK, budget, Link(LinkMode.WIFI_DEPOT), {P2: 1}, {}, NOON)
    assert one.done_ns is None
    assert one.over_midnight


@given(
    left=st.dictionaries(st.sampled_from(UploadClass), st.integers(1, 10**11), min_size=1),
    mode=st.sampled_from(LinkMode),
    spent=st.dictionaries(st.sampled_from(UploadClass), st.integers(0, 10**11)),
    now=st.integers(0, 2**61),
)
def test_nothing_is_done_sooner_than_its_bytes_take(left, mode, spent, now):
    budget = DailyBudget.of(UploadSettings())
    for one in forecast(LINK, budget, Link(mode), left, spent, now):
        assert one.left_bytes == left[one.upload_class]
        if one.done_ns is not None:
            assert one.done_ns - now >= int(one.left_bytes / one.rate_bytes_per_s * 1e9) - 1_000_000
        if one.upload_class is P0 and one.rate_bytes_per_s:
            assert one.done_ns is not None
