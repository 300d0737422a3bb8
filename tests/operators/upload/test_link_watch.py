"""Which link it is, from interfaces, a probe and the word of another node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow_operators.upload.link_watch import Seen, Stated, judge
from winnow_schemas.settings.upload import LinkMode, LinkSettings

S = 10**9
LISTED = LinkSettings.model_validate(
    {
        "mode": "ethernet_depot",
        "interfaces": [
            {"name": "eth*", "mode": "ethernet_depot", "network": "10.20.0.0/16"},
            {"name": "wlan0", "mode": "wifi_depot", "network": "fd00:20::/64"},
            {"name": "wwan?", "mode": "cellular_5g"},
        ],
        "probe": "store:443",
        "probe_failures": 3,
        "stated_holds_s": 60,
    }
)


def seen(up=None, failures=0, stated=None, now_ns=0):
    return Seen(up or {}, failures, stated, now_ns)


@pytest.mark.parametrize(
    ("up", "mode"),
    [
        ({}, LinkMode.DISCONNECTED),
        ({"lo": ["127.0.0.1"]}, LinkMode.DISCONNECTED),
        ({"wwan0": ["100.64.1.2"]}, LinkMode.CELLULAR_5G),
        ({"wwan0": ["100.64.1.2"], "eth1": ["10.20.3.4"]}, LinkMode.ETHERNET_DEPOT),
        ({"wwan0": ["100.64.1.2"], "eth1": ["192.168.0.7"]}, LinkMode.CELLULAR_5G),
        ({"wlan0": ["192.168.0.7", "fd00:20::5"]}, LinkMode.WIFI_DEPOT),
        ({"wlan0": ["fd00:21::5"]}, LinkMode.DISCONNECTED),
        ({"wwan01": ["100.64.1.2"]}, LinkMode.DISCONNECTED),
    ],
)
def test_the_first_listed_interface_that_is_up_in_its_network_decides(up, mode):
    assert judge(LISTED, seen(up)).link.mode is mode


def test_without_a_list_the_settings_decide():
    verdict = judge(LinkSettings(mode="wifi_depot"), seen({"eth0": ["10.0.0.1"]}))
    assert verdict.link.mode is LinkMode.WIFI_DEPOT
    assert "upload.link.mode" in verdict.reason


@pytest.mark.parametrize(("failures", "there"), [(0, True), (2, True), (3, False), (9, False)])
def test_a_probe_that_fails_too_often_means_no_link(failures, there):
    verdict = judge(LISTED, seen({"wwan0": ["1.2.3.4"]}, failures))
    assert (verdict.link.mode is not LinkMode.DISCONNECTED) is there


def test_failures_of_a_probe_that_is_off_count_for_nothing():
    assert judge(LinkSettings(), seen(failures=99)).link.mode is LinkMode.ETHERNET_DEPOT


@pytest.mark.parametrize(("age_s", "holds"), [(0, True), (60, True), (60.5, False)])
def test_a_word_holds_for_a_while_and_brings_the_uplink(age_s, holds):
    stated = Stated(LinkMode.WIFI_DEPOT, 80.0, 0)
    link = judge(LISTED, seen({"wwan0": ["1.2.3.4"]}, stated=stated, now_ns=int(age_s * S))).link
    assert link.mode is (LinkMode.WIFI_DEPOT if holds else LinkMode.CELLULAR_5G)
    assert link.uplink_bytes_per_s == (10e6 if holds else None)


@given(
    up=st.dictionaries(st.sampled_from(["eth0", "wlan0", "wwan0", "lo"]), st.just(["10.20.0.1"])),
    failures=st.integers(0, 10),
    mode=st.none() | st.sampled_from(LinkMode),
    age_s=st.integers(0, 200),
)
def test_every_verdict_says_why_and_no_link_is_never_invented(up, failures, mode, age_s):
    stated = None if mode is None else Stated(mode, None, 0)
    verdict = judge(LISTED, seen(up, failures, stated, age_s * S))
    assert verdict.reason
    if failures >= 3:
        assert verdict.link.mode is LinkMode.DISCONNECTED
    elif mode is not None and age_s <= 60:
        assert verdict.link.mode is mode
    elif "eth0" in up:
        assert verdict.link.mode is LinkMode.ETHERNET_DEPOT
    elif not up.keys() & {"wwan0"}:
        assert verdict.link.mode is LinkMode.DISCONNECTED
