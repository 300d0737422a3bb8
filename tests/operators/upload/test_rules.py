"""Scores, limits, budgets, back-off, pacing, uplink: one rule each."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.upload.backoff import backoff_ns
from winnow_operators.upload.budget import DAY_NS, DailyBudget, day_of, next_midnight_ns
from winnow_operators.upload.link import Link, allowed_bytes_per_s, allowed_small_bytes_per_s
from winnow_operators.upload.pacing import TokenBucket
from winnow_operators.upload.score import uncertainty_of, upload_score
from winnow_operators.upload.uplink import UplinkMeter
from winnow_schemas.priority import Priority, UploadClass
from winnow_schemas.settings.upload import LinkMode, LinkSettings, UploadSettings

GB = 10**9
S, P, L, N, D = UploadClass
CELL, WIFI, WIRE = LinkMode.CELLULAR_5G, LinkMode.WIFI_DEPOT, LinkMode.ETHERNET_DEPOT


class TestScore:
    def test_the_documents_formula(self):
        assert upload_score(P, 0.8, 0.25, 0.5) == 100 - 40 - 5 - 15
        assert upload_score(Priority.P4.upload_class, 0, 0, 0) == 100
        assert upload_score(D, 0.5, 0.5, 0) == 465

    def test_what_is_missing_or_beyond_the_range(self):
        assert upload_score(L, math.nan, math.nan, math.nan) == upload_score(L, 0.5, 0.5, 0)
        assert upload_score(L, 7, -3, math.inf) == upload_score(L, 1, 0, 1)
        assert [uncertainty_of(x) for x in (-1, 0, 5, 10, 70, math.nan)] == [0, 0, 0.5, 1, 1, 0]

    @given(st.floats(), st.floats(), st.floats(), st.floats(), st.floats(), st.floats())
    @settings(deadline=None)
    def test_a_less_urgent_class_draws_level_at_most(self, a, b, c, d, e, f):
        for urgent, other in zip(UploadClass, list(UploadClass)[1:], strict=False):
            assert upload_score(urgent, a, b, c) <= upload_score(other, d, e, f)


class TestLink:
    @pytest.mark.parametrize(
        ("mode", "mbps"),
        [
            (LinkMode.DISCONNECTED, [0, 0, 0, 0, 0]),
            (CELL, [20, 10, 0, 0, 0]),
            (WIFI, [150, 150, 100, 100, 50]),
            (WIRE, [500, 500, 500, 500, 500]),
        ],
    )
    def test_the_documents_table(self, mode, mbps):
        rates = [allowed_bytes_per_s(LinkSettings(), c, Link(mode)) for c in UploadClass]
        assert rates == [x * 1e6 / 8 for x in mbps]

    def test_the_reserve_is_a_part_of_what_was_measured(self):
        def rate(c, measured_mbps):
            return allowed_bytes_per_s(LinkSettings(), c, Link(CELL, measured_mbps * 1e6 / 8)) * 8 / 1e6

        assert rate(S, 100) == 20
        assert rate(S, 10) == 8
        assert rate(P, 10) == 8
        assert rate(P, 5) == 4
        assert rate(L, 100) == 0
        assert rate(S, 0) == 0
        assert rate(S, 0.009) == 0, "slower than a kilobyte a second is no link"

    def test_small_things_go_in_every_class_where_p1_may(self):
        settings_ = LinkSettings()
        assert allowed_small_bytes_per_s(settings_, D, Link(CELL)) == 10e6 / 8
        assert allowed_small_bytes_per_s(settings_, S, Link(CELL)) == 20e6 / 8
        assert allowed_small_bytes_per_s(settings_, D, Link(LinkMode.DISCONNECTED)) == 0

    def test_limits_are_settings(self):
        changed = LinkSettings(cellular_max_mbps=40, cellular_share={Priority.P2: 0.1})
        assert allowed_bytes_per_s(changed, L, Link(CELL)) == 4e6 / 8
        assert allowed_bytes_per_s(changed, P, Link(CELL)) == 0


class TestBudget:
    budget = DailyBudget.of(UploadSettings())

    def test_the_documents_shares(self):
        assert [self.budget.remaining_bytes(c, {}) for c in UploadClass] == [
            None,
            15 * GB,
            8 * GB,
            5 * GB,
            7 * GB,
        ]

    def test_safety_beyond_its_share_eats_the_least_urgent_first(self):
        assert self.budget.remaining_bytes(D, {S: 15 * GB}) == 7 * GB
        assert self.budget.remaining_bytes(D, {S: 20 * GB}) == 2 * GB
        spent = {S: 24 * GB}
        assert [self.budget.remaining_bytes(c, spent) for c in (P, L, N, D)] == [15 * GB, 8 * GB, 3 * GB, 0]
        assert self.budget.remaining_bytes(S, {S: 500 * GB}) is None
        assert [self.budget.remaining_bytes(c, {S: 500 * GB}) for c in (P, L, N, D)] == [0, 0, 0, 0]

    def test_what_the_least_urgent_used_already_counts_in_the_whole(self):
        assert self.budget.remaining_bytes(P, {S: 35 * GB, D: 7 * GB}) == 8 * GB

    def test_a_small_whole_is_first_come(self):
        small = DailyBudget.of(UploadSettings(daily_budget_gb=0.02))
        assert small.remaining_bytes(P, {}) == 20_000_000
        assert small.remaining_bytes(D, {P: 15_000_000}) == 5_000_000

    def test_a_class_without_a_share_is_limited_by_the_whole(self):
        some = DailyBudget.of(UploadSettings(priority_budget_gb={Priority.P1: 1.0}))
        assert some.remaining_bytes(D, {P: GB}) == 49 * GB
        assert some.remaining_bytes(P, {P: GB}) == 0

    @given(st.dictionaries(st.sampled_from(UploadClass), st.integers(0, 60 * GB)))
    @settings(deadline=None)
    def test_nobody_but_safety_can_pass_the_whole_or_its_share(self, spent):
        for c in (P, L, N, D):
            left = self.budget.remaining_bytes(c, spent)
            assert left >= 0
            if left:
                assert sum(spent.values()) + left <= 50 * GB
                assert spent.get(c, 0) + left <= self.budget.shares_bytes[c]

    def test_days_are_utc(self):
        assert day_of(0) == 0
        assert day_of(DAY_NS - 1) == 0
        assert day_of(DAY_NS) == 1
        assert next_midnight_ns(DAY_NS) == 2 * DAY_NS
        assert day_of(1_763_640_000 * 10**9) * 86_400 == 1_763_596_800  # 2025-11-20 00:00 UTC


class TestBackoff:
    def test_doubles_up_to_the_longest(self):
        waits = [backoff_ns(n, 1.0, 300.0, 0.0) / 1e9 for n in (1, 2, 3, 9, 10, 10_000)]
        assert waits == [1, 2, 4, 256, 300, 300]

    @given(st.integers(-5, 10**6), st.floats(0, 1, exclude_max=True))
    @settings(deadline=None)
    def test_jitter_takes_at_most_half(self, failures, jitter):
        full = backoff_ns(failures, 0.5, 60.0, 0.0)
        assert full // 2 <= backoff_ns(failures, 0.5, 60.0, jitter) <= full


class TestPacing:
    @given(
        rate=st.floats(1_000, 1e8),
        steps=st.lists(st.tuples(st.integers(0, 2 * 10**9), st.integers(1, 100)), min_size=1, max_size=60),
    )
    @settings(deadline=None)
    def test_no_second_sees_5_percent_more_than_the_rate(self, rate, steps):
        bucket, now, sent = TokenBucket(rate, 0), 0, []
        for pause_ns, slices in steps:
            now += pause_ns
            for _ in range(slices):
                bucket = bucket.at(now)
                now += math.ceil(bucket.wait_s() * 1e9)
                bucket = bucket.at(now).taking(bucket.slice_bytes)
                sent.append((now, bucket.slice_bytes))
        for begin, _ in sent:
            in_window = sum(size for t, size in sent if begin <= t < begin + 10**9)
            assert in_window <= max(rate * 1.05, rate + 3 * 512)

    def test_a_new_rate_holds_at_once(self):
        bucket = TokenBucket(1e6, 0).at(10**9).with_rate(1e3)
        assert bucket.tokens_bytes == 10
        assert bucket.taking(1_010).wait_s() == 1.0

    def test_time_that_runs_backward_gives_nothing(self):
        assert TokenBucket(1e6, 10**9).at(0).tokens_bytes == 0


class TestUplink:
    def test_sending_that_nothing_held_back_is_a_measurement_for_a_while(self):
        meter = UplinkMeter(holds_ns=300 * 10**9).observed(10 * 2**20, 8.0, 0.1, 5)
        assert meter.at(6) == 10 * 2**20 / 8
        assert meter.at(5 + 300 * 10**9) is None

    def test_sending_at_our_own_limit_says_nothing(self):
        meter = UplinkMeter(holds_ns=100)
        assert meter.observed(10 * 2**20, 8.0, 2.0, 5).at(6) is None
        assert meter.observed(1000, 8.0, 0.0, 5).at(6) is None
        assert meter.observed(10 * 2**20, 0.0, 0.0, 5).at(6) is None

    def test_on_a_narrow_link_the_reserve_is_kept_but_for_one_part_per_measurement(self):
        capacity, part, now_s, over_s = 1e6, 10 * 2**20, 0.0, 0.0
        meter = UplinkMeter(holds_ns=300 * 10**9)
        while now_s < 3600:
            link = Link(CELL, meter.at(int(now_s * 1e9)))
            allowed = allowed_bytes_per_s(LinkSettings(), S, link)
            busy = part / min(allowed, capacity)
            over_s += busy if allowed > 0.8 * capacity * 1.0001 else 0
            now_s += busy
            meter = meter.observed(part, busy, max(busy - part / capacity, 0), int(now_s * 1e9))
        assert over_s / now_s < 0.04
