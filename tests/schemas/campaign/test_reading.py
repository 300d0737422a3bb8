"""Campaigns from outside: read whole or refused, never anything else."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schemas.campaign.example import EXAMPLE

from winnow_schemas.campaign import CampaignRefusedError, Refusal, read_campaign, read_campaign_file
from winnow_schemas.campaign.reading import MAX_BYTES

BOMB = "a0: &a0 [1]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 7)
)
LEAST = {"version": "1"}


def refusal(text: bytes | str) -> str:
    with pytest.raises(CampaignRefusedError) as caught:
        read_campaign(text, "offer")
    assert caught.value.refusal is Refusal.MALFORMED
    assert caught.value.exit_code == 2
    return str(caught.value)


def outcome(text: bytes | str) -> Refusal | None:
    """How it was refused; None when it was read."""
    try:
        read_campaign(text, "offer")
    except CampaignRefusedError as error:
        return error.refusal
    return None


def test_the_document_of_8_4_loads_as_it_stands() -> None:
    campaign = read_campaign(EXAMPLE, "8.4").campaign
    assert campaign.key == (2026, 4, 11, 1)
    spike = campaign.updates["ood_spike"]
    assert (spike.parameters, spike.settings) == ({"threshold": 6.0}, {"cooldown_s": 15.0})
    night, widebody = campaign.coverage_requests
    assert (night.condition, night.boost_priority, night.reduce_cooldown) == ("night AND fog", -1, 0.5)
    assert (widebody.condition, widebody.interval_override_sec) == ("aircraft_type == widebody", 600)
    (saturated,) = campaign.saturation_signals
    assert (saturated.scenario, saturated.keep_percent, saturated.is_saturated) == (
        "normal_routine",
        50,
        True,
    )


def test_json_yaml_and_comments_say_the_same() -> None:
    read = read_campaign(EXAMPLE, "json")
    commented = EXAMPLE.replace('"threshold": 6.0,', '"threshold": 6.0, # raised from 5.0\n')
    as_yaml = yaml.safe_dump(json.loads(EXAMPLE))
    tabbed = json.dumps(json.loads(EXAMPLE), indent="\t")
    for text in (commented, as_yaml, tabbed, EXAMPLE.encode()):
        other = read_campaign(text, "other")
        assert other.campaign == read.campaign
        assert other.digest == read.digest
    assert read_campaign(read.text, "kept").digest == read.digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 1.0}, "offer:1:2: version: 1.0 is not allowed; it must be a valid string"),
        ({"version": "a.b"}, "version: 'a.b' is not allowed"),
        ({"version": "1." * 8 + "1"}, "is not allowed"),
        ({"versio": "1"}, "did you mean 'version'?"),
        ({"updates": {"a": {"cooldown_sec": "5"}}}, "updates.a.cooldown_sec"),
        ({"updates": {"a": {"cooldown_sec": True}}}, "updates.a.cooldown_sec"),
        ({"updates": {"a": {"cooldown_sec": -1}}}, "it must be >= 0"),
        ({"updates": {"a": {"pre_roll_sec": 601}}}, "it must be <= 600"),
        ({"updates": {"a": {"threshold": [1]}}}, "updates.a.threshold"),
        ({"updates": {"a": {"threshold": None}}}, "updates.a.threshold"),
        ({"updates": {"a b": {}}}, "a b"),
        ({"updates": {"a": {"priority": "P0"}}}, "a campaign cannot make a trigger P0"),
        ({"updates": {"a": {"threshold": 1, "params": {"threshold": 2}}}}, "stands here twice"),
        ({"updates": {f"t{i}": {} for i in range(201)}}, "updates"),
        ({"coverage_requests": [{"condition": "x", "trigger": "t"}]}, "asks for boost_priority"),
        (
            {"coverage_requests": [{"condition": "x" * 501, "trigger": "t", "boost_priority": -1}]},
            "condition",
        ),
        ({"coverage_requests": [{"condition": "x", "trigger": "t", "boost_priority": 1}]}, "it must be <= 0"),
        (
            {"coverage_requests": [{"condition": "x", "trigger": "t", "boost_priority": -6}]},
            "it must be >= -5",
        ),
        ({"coverage_requests": [{"condition": "x", "trigger": "t", "reduce_cooldown": 0}]}, "it must be > 0"),
        (
            {"coverage_requests": [{"condition": "x", "trigger": "t", "reduce_cooldown": 1.5}]},
            "it must be <= 1",
        ),
        ({"saturation_signals": [{"scenario": "a", "action": "reduce_sampling_100pct"}]}, "action"),
        ({"saturation_signals": [{"scenario": "a", "action": "stop"}]}, "action"),
        ({"expires": "tomorrow"}, "it must be an ISO 8601 time"),
        ({"expires": "2026-04-11T08:00:00"}, "it must name its time zone"),
        ({"not_before": "2026-04-12T00:00:00Z", "expires": "2026-04-11T00:00:00Z"}, "must come after"),
        ({"canary": {"share": 1.1}}, "it must be <= 1"),
        ({"signature": {"key": "k", "ed25519": "short"}}, "signature.ed25519"),
        ({"x": "y" * 4097}, "the limit is 4096"),
        ({"x" * 4097: 1}, "the limit is 4096"),
        ({"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}, "nests deeper than 8 levels"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], said: str) -> None:
    assert said in refusal(json.dumps({**LEAST, **change}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this is empty"),
        ("[1]", "this is a list"),
        ("hello", "this is a text"),
        ('{"version": "1", "version": "2"}', "the key 'version' stands there twice"),
        ('version: "1"\nversion: "2"', "stands here again"),
        ('{"version": "1", "updates": {"a": {"threshold": NaN}}}', "NaN is no number that JSON has"),
        ('{"version": "1", "updates": {"a": {"threshold": -Infinity}}}', "-Infinity"),
        ('{"version": "1", "updates": {"a": {"threshold": 1e999}}}', "not a finite number"),
        ('version: "1"\nupdates: {a: {threshold: .nan}}', "offer:2:15: updates.a.threshold is not a finite"),
        ('version: "1"\nupdates: {a: {threshold: .inf}}', "not a finite number"),
        ('{"version": "1", "x": ' + "9" * 5000 + "}", "offer"),
        ("[" * 100_000, "nests deeper than"),
        ('{"a":' * 50_000, "nests deeper than"),
        ('{"version": "1", "a": ' + "[" * 500 + "]" * 500 + "}", "nests deeper than"),
        (BOMB, "values"),
        ("version: !!python/object/apply:os.system ['true']", "it must be a valid string"),
        ("version: !!binary aGVsbG8=", "no campaign has"),
        ("x" * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
        (b"\xff\xfe", "not UTF-8"),
        ("\ud800", "not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_campaign_is_refused(text: bytes | str, said: str) -> None:
    assert said in refusal(text)


def test_times_without_quotes_are_texts_in_yaml() -> None:
    campaign = read_campaign("version: 1.2.3\nexpires: 2026-04-11T08:00:00Z\n", "offer").campaign
    assert campaign.expires == "2026-04-11T08:00:00Z"
    assert campaign.expires_ns == 1_775_894_400_000_000_000


def test_a_missing_file_is_a_sentence(tmp_path) -> None:
    with pytest.raises(CampaignRefusedError, match="cannot be read"):
        read_campaign_file(tmp_path / "nothing.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "version",
    "updates",
    "coverage_requests",
    "saturation_signals",
    "canary",
    "expires",
    "signature",
    "name",
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_any_values_are_read_or_refused(values: dict[str, Any]) -> None:
    assert outcome(json.dumps(values)) in (None, Refusal.MALFORMED)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.text(alphabet="{}[]:,\"&*-? \n1a#!|>%@`'", max_size=120))
def test_any_bytes_are_read_or_refused(raw: bytes | str) -> None:
    assert outcome(raw) in (None, Refusal.MALFORMED)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_changed_character_never_goes_unnoticed(data: st.DataObject) -> None:
    """What is read from a changed text has another digest, unless it says the same."""
    place = data.draw(st.integers(0, len(EXAMPLE) - 1))
    letter = data.draw(st.sampled_from('0123456789abc"{}[],: '))
    changed = EXAMPLE[:place] + letter + EXAMPLE[place + 1 :]
    before = read_campaign(EXAMPLE, "8.4")
    try:
        after = read_campaign(changed, "changed")
    except CampaignRefusedError:
        return
    assert (after.digest == before.digest) == (after.campaign == before.campaign)
