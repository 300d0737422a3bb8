"""Campaigns at the node: taken whole or not at all, kept, rolled back, over in their time."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from tests.nodes.triggers.bench import SETTINGS, T0, Bench

from winnow_runtime.campaign.offers import Offer, OfferBox
from winnow_runtime.campaign.signing import new_key, sign
from winnow_runtime.node import Node
from winnow_runtime.seam import Input, Parameter
from winnow_schemas.messages import CampaignOffer

A = {"version": "1.0", "updates": {"hot": {"threshold": 3.0}}}
B = {"version": "1.1", "updates": {"hot": {"cooldown_sec": 100}}}


@pytest.fixture
def make_bench(make_node: Callable[..., Node]) -> Callable[..., Bench]:
    def make(**campaign: Any) -> Bench:
        settings = copy.deepcopy(SETTINGS)
        settings["campaign"] = campaign
        return Bench(make_node, settings)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def take(bench: Bench, document: Any) -> tuple[str, str, str]:
    text = document if isinstance(document, str) else json.dumps(document)
    bench.loop.desk.take(text, "test")
    return bench.last


def state(bench: Bench) -> tuple[Any, ...]:
    deciding = bench.loop.deciding
    kept = bench.node.state / "campaigns" / "kept.json"
    return (
        deciding.engine.snapshot(),
        deciding.base,
        bench.loop.desk.running,
        kept.read_bytes() if kept.exists() else b"",
    )


def test_a_campaign_acts_between_two_messages(bench: Bench) -> None:
    bench.pulse("x", 0, 4.0, 0.0)
    assert bench.events == []
    outcome, _, reason = take(bench, A)
    assert outcome == "applied"
    assert reason.startswith("Campaign 1.0 from test runs now: not signed")
    bench.pulse("x", 1, 4.0, 0.0)
    assert bench.events == [("hot", 1, 2)]
    assert json.loads(bench.rows()[-1]["values"])["changes"] == ["hot: threshold 5 -> 3"]


def test_the_same_again_changes_nothing(bench: Bench) -> None:
    take(bench, A)
    before = state(bench)
    assert take(bench, json.dumps(A, indent=4))[0] == "unchanged"
    assert state(bench) == before


def test_dora_parameters_apply_and_roll_back(bench: Bench) -> None:
    bench.loop.set_parameter(Parameter("campaign", json.dumps(A)))
    assert bench.loop.desk.running == "1.0"
    bench.loop.set_parameter(Parameter("campaign", {"version": "1.1", "updates": {"hot": {"threshold": 2}}}))
    assert bench.loop.desk.running == "1.1"
    bench.loop.set_parameter(Parameter("campaign.rollback", True))
    assert bench.loop.desk.running == "1.0"
    bench.loop.set_parameter(Parameter("campaign", 7))
    assert bench.last[0] == "refused"
    bench.loop.set_parameter(Parameter("hot.threshold", 4.5))
    assert bench.rows("parameter")[-1]["outcome"] == "set", "other parameters go where they went"
    bench.pulse("x", 0, 4.0, 0.0)
    assert bench.events == [], "what was set by hand stands above the campaign"


def test_a_file_is_taken_at_the_start_and_when_it_changes(
    make_node: Callable[..., Node], tmp_path: Any
) -> None:
    (tmp_path / "campaign.json").write_text(json.dumps(A))
    bench = Bench(make_node, {**copy.deepcopy(SETTINGS), "campaign": {"file": "campaign.json"}})
    assert bench.outcomes == ["applied"]
    bench.poll()
    assert bench.outcomes == ["applied"], "an unchanged file is not read again"
    (tmp_path / "campaign.json").write_text(json.dumps({**B, "description": "changed"}))
    bench.loop.desk.look()
    assert bench.loop.desk.running == "1.0", "not before its time"
    bench.poll()
    assert bench.loop.desk.running == "1.1"
    (tmp_path / "campaign.json").unlink()
    bench.poll()
    assert bench.loop.desk.running == "1.1", "a file that goes away takes nothing back"


def test_the_command_line_asks_through_the_folder(bench: Bench) -> None:
    box = OfferBox(bench.node.state / "campaigns")
    first = box.put(Offer("apply", json.dumps(A), "winnow"))
    bench.poll()
    answer = box.wait(first, bench.clock, 1)
    assert answer is not None
    assert answer.outcome == "applied"
    second = box.put(Offer("rollback"))
    (bench.node.state / "campaigns" / "offers" / "000003.json").write_bytes(b"{")
    bench.poll()
    answer = box.wait(second, bench.clock, 1)
    assert answer is not None
    assert answer.outcome == "rolled back"
    damaged = box.wait("000003", bench.clock, 1)
    assert damaged is not None
    assert damaged.outcome == "refused"
    assert box.wait("000009", bench.clock, 1) is None


def test_a_topic_needs_keys(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    offer = CampaignOffer(text=json.dumps(A), origin="fleet")
    bench.loop.desk.message(Input("campaign", offer.to_arrow(), {}))
    assert bench.last[:2] == ("refused", "unsigned")
    bench.loop.desk.message(Input("campaign", pa.array([1]), {}))
    assert "one text or one CampaignOffer" in bench.last[2]


def test_a_signed_campaign_comes_over_a_topic(make_bench: Callable[..., Bench]) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem, public = new_key()
    private: Any = load_pem_private_key(pem, None)
    bench = make_bench(keys={"fleet": public})
    signed = sign(A, "fleet", private)
    bench.loop.desk.message(Input("campaign", pa.array([json.dumps(signed)]), {}))
    assert bench.last[0] == "applied"
    assert "signed by fleet" in bench.last[2]


# --- refused, and nothing has changed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        ({**A, "expires": "2027-01-15T07:59:59Z"}, "expired"),
        ({**A, "not_before": "2027-01-15T08:00:01Z"}, "not_yet_valid"),
        ({**A, "vehicles": ["v-2"]}, "other_vehicle"),
        ({**A, "airports": ["LFPG"]}, "other_vehicle"),
        ({**A, "canary": {"share": 0.0}}, "not_in_canary"),
        ({**A, "version": "0.9"}, "replayed"),
        ({**A, "version": "0.9.0"}, "replayed"),
        ({"version": "2", "updates": {"hott": {"threshold": 1}}}, "does_not_fit"),
        ({"version": "2", "updates": {"hot": {"treshold": 1}}}, "does_not_fit"),
        ({"version": "2", "updates": {"stop": {"cooldown_sec": 20}}}, "weakens_p0"),
        ({"version": "2", "updates": {"stop": {"enabled": False}}}, "weakens_p0"),
        ({"version": "2", "updates": {"hot": {"priority": "P0"}}}, "malformed"),
        ('{"version": "2", "version": "3"}', "malformed"),
        ('{"version": "2", "updates": {"hot": {"threshold": NaN}}}', "malformed"),
        ('{"version": "2", "updates": {"hot": {"pre_roll_sec": -1}}}', "malformed"),
        ("[" * 200_000, "malformed"),
        ("x" * 1_000_000, "malformed"),
    ],
)
def test_what_is_bad_leaves_everything_as_it_was(bench: Bench, document: Any, refusal: str) -> None:
    take(bench, {"version": "0.9", "updates": {"hot": {"threshold": 4.0}}})
    bench.pulse("x", 0, 4.5, 0.0)
    before = state(bench)
    outcome, kind, reason = take(bench, document)
    assert (outcome, kind) == ("refused", refusal)
    assert reason.endswith("The campaign was refused, what ran before runs on.")
    assert state(bench) == before


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda doc: {**doc, "updates": {"hot": {"threshold": 1.0}}}, "bad_signature"),
        (lambda doc: {**doc, "version": "9"}, "bad_signature"),
        (lambda doc: {key: value for key, value in doc.items() if key != "signature"}, "unsigned"),
        (lambda doc: {**doc, "signature": {**doc["signature"], "key": "other"}}, "unknown_key"),
        (lambda doc: {**doc, "signature": {**doc["signature"], "key": "second"}}, "bad_signature"),
        (lambda doc: {**doc, "signature": {**doc["signature"], "ed25519": "A" * 86 + "=="}}, "bad_signature"),
        (lambda doc: {**doc, "signature": {"key": "fleet"}}, "malformed"),
        (lambda doc: {**doc, "description": "added later"}, "bad_signature"),
    ],
)
def test_signatures(make_bench: Callable[..., Bench], change: Any, refusal: str) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    (pem, public), (_, second) = new_key(), new_key()
    private: Any = load_pem_private_key(pem, None)
    bench = make_bench(keys={"fleet": public, "second": second})
    before = state(bench)
    assert take(bench, change(sign(A, "fleet", private)))[:2] == ("refused", refusal)
    assert state(bench) == before
    assert take(bench, sign(A, "fleet", private))[0] == "applied"


# --- kept, rolled back, over --------------------------------------------------------------------------------


def test_the_last_good_one_is_restored(bench: Bench) -> None:
    take(bench, A)
    bench.pulse("x", 0, 4.0, 0.0)
    bench.start("run-2")
    assert bench.outcomes[-1] == "restored"
    bench.pulse("x", 20, 4.0, 0.0)
    assert bench.events == [("hot", 0, 2), ("hot", 20, 2)]
    assert take(bench, {**A, "version": "0.5"})[1] == "replayed", "the newest version is remembered"


def test_after_a_crash_in_the_same_run_its_time_is_not_asked_again(bench: Bench) -> None:
    take(bench, {**A, "expires": "2027-01-15T09:00:00Z"})
    bench.clock.advance_s(7200)
    bench.start()
    assert bench.outcomes[-1] == "restored"
    bench.start("run-2")
    assert bench.outcomes[-1] == "not restored"
    assert bench.loop.desk.running == ""
    assert "expired" in bench.last[2]


def test_one_that_may_not_run_now_is_kept_for_the_next_start(bench: Bench) -> None:
    take(bench, {**A, "not_before": "2027-01-15T08:00:00Z"})
    bench.clock.step_wall_s(-3600)
    bench.start("run-2")
    assert bench.outcomes[-1] == "not restored"
    assert take(bench, {**A, "not_before": "2027-01-15T08:00:00Z"})[1] == "not_yet_valid"
    bench.clock.step_wall_s(3600)
    bench.start("run-3")
    assert bench.outcomes[-1] == "restored", "a wrong clock at one start costs nothing"


def test_what_was_over_before_a_crash_is_over_after_it(bench: Bench) -> None:
    take(bench, {**A, "expires": "2027-01-15T08:00:30Z"})
    bench.pulse("x", 0, 4.0, 0.0)
    bench.pulse("x", 40, 4.0, 0.0)
    bench.loop.save()
    snapshot = bench.loop.deciding.engine.snapshot()
    bench.start()
    assert bench.loop.desk.running == ""
    assert bench.loop.deciding.engine.snapshot() == snapshot
    bench.pulse("x", 41, 4.0, 0.0)
    assert bench.events == [("hot", 0, 2)]
    assert bench.outcomes == ["applied", "expired"]


def test_a_crash_just_before_its_end_comes_to_the_same(bench: Bench) -> None:
    take(bench, {**A, "expires": "2027-01-15T08:00:30Z"})
    bench.pulse("x", 0, 4.0, 0.0)
    bench.loop.save()
    kept = (bench.node.state / "checkpoint.json").read_bytes()
    bench.pulse("x", 20, 4.0, 0.0)
    bench.pulse("x", 40, 4.0, 0.0)
    events, outcomes = bench.events, bench.outcomes
    (bench.node.state / "checkpoint.json").write_bytes(kept)
    bench.start()
    bench.loop.step()
    assert bench.events == events
    assert bench.loop.desk.running == ""
    assert [each for each in bench.outcomes if each != "restored"] == outcomes


def test_a_damaged_store_is_said_and_left_aside(bench: Bench) -> None:
    take(bench, A)
    (bench.node.state / "campaigns" / "kept.json").write_bytes(b"{]")
    bench.start("run-2")
    assert bench.outcomes[-1] == "left aside"
    bench.pulse("x", 0, 4.0, 0.0)
    assert bench.events == []


def test_rolling_back_goes_through_what_ran_before(bench: Bench) -> None:
    take(bench, A)
    take(bench, B)
    bench.loop.desk.roll_back("test")
    assert bench.loop.desk.running == "1.0"
    assert bench.loop.deciding.base.triggers["hot"].params == {"threshold": 3.0}
    assert take(bench, B)[1] == "replayed", "a version that was rolled back is used up"
    bench.loop.desk.roll_back("test")
    assert bench.loop.desk.running == ""
    assert bench.loop.deciding.base.triggers == bench.loop.deciding.resolution.active
    bench.loop.desk.roll_back("test")
    assert bench.last[:2] == ("refused", "nothing_to_roll_back")


def test_rolling_back_passes_over_what_has_expired(bench: Bench) -> None:
    take(bench, {**A, "expires": "2027-01-15T09:00:00Z"})
    take(bench, B)
    bench.clock.advance_s(7200)
    bench.loop.desk.roll_back("test")
    assert bench.loop.desk.running == ""
    assert bench.last[0] == "rolled back"
    assert "expired" in bench.last[2]


def test_it_is_over_at_its_end_in_message_time(bench: Bench) -> None:
    assert T0 == 1_800_000_000_000_000_000  # 2027-01-15T08:00:00Z
    take(bench, {**A, "expires": "2027-01-15T08:00:30Z"})
    bench.pulse("x", 0, 4.0, 0.0)
    bench.pulse("x", 20, 4.0, 0.0)
    bench.pulse("x", 40, 4.0, 0.0)
    assert bench.events == [("hot", 0, 2), ("hot", 20, 2)]
    row = bench.rows()[-1]
    assert (row["outcome"], row["t_ns"]) == ("expired", T0 + 30_000_000_000)
    assert bench.loop.desk.running == ""


def test_a_recording_from_after_its_end_can_be_tried_with_it(bench: Bench) -> None:
    bench.clock.step_wall_s(-86_400)
    take(bench, {**A, "expires": "2027-01-15T07:00:00Z"})
    bench.pulse("x", 0, 4.0, 0.0)
    assert bench.events == [("hot", 0, 2)]
    assert bench.outcomes == ["applied"]


def test_a_request_brings_signals_that_nobody_looked_at(bench: Bench) -> None:
    bench.send("y", 0, 1.0)
    document = {
        "version": "1",
        "coverage_requests": [
            {"condition": "y > 2", "trigger": "hot", "boost_priority": -1, "reduce_cooldown": 0.1}
        ],
    }
    assert take(bench, document)[0] == "applied"
    bench.pulse("x", 1, 6.0, 0.0)
    bench.send("y", 2, 3.0)
    bench.pulse("x", 3, 6.0, 0.0)
    assert bench.events == [("hot", 1, 2), ("hot", 3, 1)]
    bench.loop.save()
    bench.start()
    bench.pulse("x", 4.5, 6.0, 0.0)
    assert bench.events[-1] == ("hot", 4.5, 1), "y and the shorter cooldown are remembered"
    bench.loop.desk.roll_back("test")
    bench.pulse("x", 6, 6.0, 0.0)
    assert len(bench.events) == 3
