"""`winnow why` of rows made by hand: what did not fire beside a clip, what a clip lacks, the user's own rows."""

import json
import re
from pathlib import Path
from typing import Any

from winnow_tools.why.around import KNOWN_KINDS
from winnow_tools.why.rows import Row
from winnow_tools.why.story import about_clip, about_time

SECOND = 1_000_000_000
T0 = 1_775_900_000 * SECOND
SPAN = (T0, T0 + 100 * SECOND)


def row(
    at_s: float, kind: str, subject: str, outcome: str, reason: str, node: str = "n", **values: Any
) -> Row:
    t_ns = T0 + int(at_s * SECOND) if at_s else 0
    words = {"kind": kind, "subject": subject, "outcome": outcome, "reason": reason, "node": node}
    return {"t_ns": t_ns, "values": json.dumps(values), **words}


def cut(clip_id: str, start_s: int, end_s: int) -> Row:
    facts = {"start_ns": T0 + start_s * SECOND, "end_ns": T0 + end_s * SECOND, "name": f"turn_{clip_id}"}
    return row(start_s + 5, "clip", clip_id, "cut", "turn: 129 messages", types="turn", **facts)


def at(rows: list[Row], second: int) -> list[str]:
    start = T0 + second * SECOND
    return [line.text for line in about_time(rows, start, start + SECOND, SPAN)]


def quiet(at_s: float, outcome: str = "not_clear", trigger: str = "turn") -> Row:
    return row(at_s, "trigger", trigger, outcome, f"{trigger} did not fire: {outcome}.")


CLIP = cut("c1", 10, 30)


def test_what_did_not_fire_is_told_although_a_clip_holds_the_moment():
    said = at([CLIP, quiet(20.5), quiet(35, "cooling_down"), quiet(28, "muted", "bump")], 20)
    assert said[0] == "1 clip holds 09:33:40.000."
    assert said[1].endswith(" turn did not fire: not_clear.")
    assert sum("bump did not fire" in line for line in said) == 1, "within the clip's window"
    assert not any("cooling_down" in line for line in said), "neither near nor within"


def test_a_decision_close_to_the_moment_and_beyond_the_clip_is_told_once():
    said = at([CLIP, cut("c2", 12, 40), quiet(31)], 29)
    assert sum("not_clear" in line for line in said) == 1


def test_a_clip_groups_them_and_tells_a_dozen():
    many = [quiet(15 + n, trigger=f"t{n % 14}") for n in range(15)]
    said = [line.text for line in about_clip([CLIP, *many], CLIP)]
    assert sum(" did not fire: " in line for line in said) == 12
    assert any("stands 2 times, last at 09:33:49.000" in line for line in said)
    assert any(line.startswith("... and 2 other triggers did not fire") for line in said)


def test_rows_of_the_users_own_nodes():
    rows = [
        CLIP,
        row(15, "csv", "event-1", "listed", "turn stands in events.csv.", "event-csv"),
        row(0, "weather", "c1", "noted", "It rained.", "sky"),
        row(60, "csv", "event-2", "listed", "another.", "event-csv"),
    ]
    said = at(rows, 20)
    assert said[-2:] == [
        "event-csv at 09:33:35.000: csv listed; turn stands in events.csv.",
        "sky: weather noted; It rained.",
    ]
    assert any("another." in line for line in at(rows, 60)), "no clip holds this one"


def test_holes_name_topic_and_number_and_the_ring_says_why():
    rows = [
        CLIP,
        row(10, "message", "/camera", "missing", "12 missing in clip turn_c1: gone", clip_id="c1"),
        row(10, "message", "/lidar", "missing", "7 missing in clip turn_c9: gone", clip_id="c9"),
        row(50, "hold", "/camera", "cut", "A window wants more of /camera than its ring holds."),
        row(50, "hold", "/lidar", "cut", "A window wants more of /lidar than its ring holds."),
    ]
    said = at(rows, 20)
    assert "/camera: 12 missing in clip turn_c1: gone." in said
    assert "Ring: A window wants more of /camera than its ring holds." in said
    assert not any("/lidar" in line for line in said)


def test_kinds_that_winnows_nodes_write_are_known():
    root = Path(__file__).parents[3]
    text = "".join(
        path.read_text("utf-8") for part in ("nodes", "operators") for path in (root / part).rglob("*.py")
    )
    written = set(re.findall(r"(?:\bdecide|DecisionRow)\(\s*(?:kind=)?\"([a-z ]+)\"", text))
    assert len(written) > 10
    assert written <= KNOWN_KINDS
