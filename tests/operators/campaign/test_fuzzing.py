"""Any document is refused with its kind, or is a campaign that leaves P0 as watchful as it was."""

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.operators.campaign.bare import BARE
from tests.schemas.campaign.example import EXAMPLE

from winnow_operators.campaign import merge
from winnow_schemas.campaign import CampaignRefusedError, Refusal, read_campaign
from winnow_schemas.priority import Priority

STORM = settings(deadline=None, max_examples=20_000, suppress_health_check=list(HealthCheck))
REASONS = {Refusal.MALFORMED, Refusal.DOES_NOT_FIT, Refusal.WEAKENS_P0}
"""What a document without time, vehicle and signature can be refused for."""
FULL: dict[str, Any] = {
    **json.loads(EXAMPLE),
    "name": "fog",
    "expires": "2027-01-01T00:00:00Z",
    "not_before": "2026-01-01T00:00:00Z",
    "canary": {"share": 0.5},
    "vehicles": ["a"],
    "forecast": {"events_per_day": 3, "gb_per_day": 1.5},
    "signature": {"key": "k", "ed25519": "A" * 86 + "=="},
}
EVIL: list[Any] = [
    None, True, False, 0, -1, 1, 1e308, -1e308, 5e-324, 10**30, "", "x", "P0", "NaN", ".nan", "night", "x" * 5000, "\x00",
    "\u202e", "../../etc/passwd", "__class__", "threshold", [], {}, [[]], {"threshold": 1}, ["estop"], "value.__class__ > 3",
    "9**9**9**9 > 1", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "reduce_sampling_50pct",
]  # fmt: skip
NAMES = [
    "estop", "cbf_intervention", "aircraft_proximity", "ood_spike", "time_sample", "nobody", "", "priority", "enabled",
    "cooldown_sec", "threshold", "params", "pre_roll_sec", "max_per_hour", "version", "signature", "__proto__", "<<",
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A good campaign in which values, keys or whole branches are replaced, taken out, or put elsewhere."""
    document: Any = json.loads(json.dumps(FULL))
    for _ in range(draw(st.integers(1, 5))):
        parent, here = document, document
        for _ in range(draw(st.integers(0, 4))):
            keys = (
                list(here)
                if isinstance(here, dict)
                else list(range(len(here)))
                if isinstance(here, list)
                else []
            )
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            parent, here = here, here[key]
            last = key
        if parent is here:
            last = draw(st.sampled_from(sorted(document) or ["version"]))
        kind = draw(st.integers(0, 3))
        value = copy.deepcopy(
            draw(st.sampled_from(EVIL) | st.floats() | st.integers())
        )  # lists may grow below
        if kind == 0:
            parent[last] = value
        elif kind == 1 and isinstance(parent, dict):
            parent.pop(last, None)
        elif isinstance(here, dict):
            here[draw(st.sampled_from(NAMES))] = value
        elif isinstance(here, list):
            here.append(value)
    return document


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """The text of a good campaign, JSON or YAML, with bytes cut out, doubled or put in."""
    text = draw(st.sampled_from([EXAMPLE, json.dumps(FULL), yaml.safe_dump(FULL)])).encode()
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        kind = draw(st.integers(0, 2))
        put = b"" if kind == 0 else text[start:end] * 2 if kind == 1 else draw(st.binary(max_size=4))
        text = text[:start] + put + text[end:]
    return text


def taken_or_refused(raw: bytes | str) -> None:
    """Through everything that a document meets before its signature, its time and its vehicle are asked."""
    try:
        document = read_campaign(raw, "offer")
        merged = merge(document.campaign, BARE)
    except CampaignRefusedError as error:
        assert error.refusal in REASONS  # noqa: PT017
        assert 10 < len(str(error)) < 20_000  # noqa: PT017
        return
    assert read_campaign(document.text, "kept").digest == document.digest
    for name, before in BARE.active.items():
        after = merged.triggers[name]
        assert (after.priority is Priority.P0) == (before.priority is Priority.P0)
        if before.priority is Priority.P0:
            assert after.enabled
            assert after.cooldown_s <= before.cooldown_s
            assert after.pre_roll_s >= before.pre_roll_s
            assert after.post_roll_s >= before.post_roll_s
            assert (after.max_events, after.max_per_hour, after.max_per_day) == (0, 0, 0)
            assert name not in merged.tuning.keep_percent


def as_text(document: dict[str, Any]) -> str:
    return json.dumps(document)


@given(changed().map(as_text) | spoiled())
@settings(deadline=None, max_examples=150)
def test_any_document_is_taken_or_refused(raw: bytes | str) -> None:
    taken_or_refused(raw)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@given(changed().map(as_text))
@STORM
def test_storm_of_changed_documents(raw: str) -> None:
    taken_or_refused(raw)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@given(spoiled())
@STORM
def test_storm_of_spoiled_texts(raw: bytes) -> None:
    taken_or_refused(raw)
