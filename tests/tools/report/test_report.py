import json
from dataclasses import replace

import pytest
from tests.page_checks import check_page
from tests.report_sample import START_NS, S, sample_report

from winnow_schemas.errors import BadInputError
from winnow_tools.report import ReportData, render_report, report_from_json
from winnow_tools.report.model import ClipRow, DecisionGroup, GraphFiles, Incident, TopicRow, TriggerMark

BARE = ReportData(
    title="run",
    start_ns=START_NS,
    end_ns=START_NS + 60 * S,
    bytes_seen=0,
    bytes_kept=0,
    p0_events=0,
    p0_kept=0,
)
EVIL = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\0"


@pytest.fixture(scope="module")
def sample():
    return report_from_json(sample_report())


def clip(**changes):
    base = ClipRow(
        clip_id="c", name="n", path="clips/P1/n.mcap", priority=1, types=("t",), start_ns=START_NS,
        end_ns=START_NS + S, messages=1, size_bytes=1,
    )  # fmt: skip
    return replace(base, **changes)


def test_a_report_is_one_file_that_fetches_nothing(sample):
    check_page(render_report(sample))


def test_equal_data_give_equal_reports(sample):
    assert render_report(sample) == render_report(report_from_json(sample_report()))


def test_the_headline_says_what_was_kept(sample):
    text = "".join(check_page(render_report(sample)).texts)
    seen, kept = sample.bytes_seen, sample.bytes_kept
    assert f"{int((seen - kept) / seen * 1000) / 10} %" in text
    assert "3 of 3 safety events lie whole in a clip" in text
    assert "7 of 8" in text
    assert f"of {sum(row.messages for row in sample.topics):,} on {len(sample.topics)} topics" in text


def test_a_lost_safety_event_is_never_rounded_away():
    page = render_report(replace(BARE, p0_events=100_000, p0_kept=99_999, bytes_seen=10**12, bytes_kept=1))
    assert '<div class="card bad"><h2>P0 events kept</h2><p class="figure">99.9 %</p>' in page
    assert '<div class="card good"><h2>Data discarded</h2><p class="figure">99.9 %</p>' in page


def test_nothing_is_shown_as_nothing():
    page = render_report(BARE)
    check_page(page)
    assert "No clip was cut." in page
    assert "no safety event occurred" in page
    assert 'id="truth"' not in page
    assert 'id="graph"' not in page


def test_every_clip_has_a_bar_and_a_row(sample):
    page = check_page(render_report(sample))
    bars = {a["data-clip"] for tag, a in page.elements if tag == "g" and "data-clip" in a}
    rows = {a["data-clip"] for tag, a in page.elements if tag == "tr" and "data-clip" in a}
    assert bars == rows == {one.clip_id for one in sample.clips}


def test_clips_are_linked_beside_the_report(sample):
    page = check_page(render_report(sample))
    links = [a["href"] for tag, a in page.elements if tag == "a" and a["href"].startswith("./")]
    assert sorted(links) == sorted(f"./{one.path}" for one in sample.clips)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../../x.mcap",
        "a/../../x",
        "javascript:alert(1)",
        "https://x/y",
        "\\\\host\\x",
        "C:\\x",
        "a\0b",
    ],
)
def test_paths_that_lead_elsewhere_are_no_links(path):
    page = check_page(render_report(replace(BARE, clips=(clip(path=path),))))
    assert [a["href"] for tag, a in page.elements if tag == "a" and not a["href"].startswith("#")] == []


def test_odd_names_are_quoted_in_links():
    page = render_report(replace(BARE, clips=(clip(path='clips/a b#?%"<.mcap'),)))
    assert 'href="./clips/a%20b%23%3F%25%22%3C.mcap"' in page


def test_hostile_text_stays_text():
    graph = GraphFiles(
        name=EVIL, text="nodes: [{id: a, name: '<script>alert(3)</script>', path: x}]", modules={}
    )
    data = replace(
        BARE, title=EVIL, vehicle=EVIL, software=EVIL, note=EVIL, graph=graph,
        clips=(clip(clip_id=EVIL, name=EVIL, types=(EVIL,), scenario=EVIL, upload_state=EVIL, missing=(EVIL,)),),
        triggers=(TriggerMark(type=EVIL, priority=0, t_ns=START_NS, clip_id=EVIL, suppressed=EVIL),),
        incidents=(Incident(name=EVIL, priority=0, t_ns=START_NS, expected_types=(EVIL,), clip_id=EVIL, note=EVIL),),
        decisions=(DecisionGroup(node=EVIL, kind=EVIL, outcome=EVIL, reason=EVIL, count=1),),
        topics=(TopicRow(topic=EVIL, messages=1, size_bytes=1, type=EVIL, kind=EVIL),),
    )  # fmt: skip
    page = check_page(render_report(data))
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert "<script>alert(1)" in "".join(page.texts)


def test_a_graph_that_is_none_is_refused():
    with pytest.raises(BadInputError, match=r"g\.yml:1:1"):
        render_report(replace(BARE, graph=GraphFiles(name="g.yml", text="[]", modules={})))


def test_long_tables_end_and_say_so():
    clips = tuple(
        clip(clip_id=str(number), start_ns=START_NS + number, end_ns=START_NS + number + 1)
        for number in range(2100)
    )
    page = render_report(replace(BARE, clips=clips))
    assert "The first 2,000 of 2,100 rows" in page


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"end_ns": 0, "start_ns": 1}, "the end comes after the start"),
        ({"end_ns": 2**63}, "int64 nanoseconds"),
        ({"triggers": (TriggerMark(type="t", priority=6, t_ns=0),)}, "the priority 6, allowed are 0 to 5"),
        ({"clips": (clip(start_ns=9, end_ns=8),)}, "ends (8) before it starts (9)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, part):
    with pytest.raises(BadInputError) as caught:
        render_report(replace(BARE, **change))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "This is not JSON"),
        ("[]", "This is no report"),
        ('{"title": "x"}', "missing required field `start_ns`"),
        (b"\xff", "This is not JSON"),
        ("[" * 100_000, "This is n"),
    ],
)
def test_what_is_no_report_is_refused(content, part):
    with pytest.raises(BadInputError) as caught:
        report_from_json(content)
    assert part in str(caught.value)


def test_types_are_checked():
    value = json.loads(sample_report())
    value["clips"][0]["messages"] = "many"
    with pytest.raises(BadInputError, match=r"Expected `int`, got `str` - at `\$\.clips\[0\]\.messages`"):
        report_from_json(json.dumps(value))


@pytest.mark.parametrize("t_ns", [-(2**63), 2**63 - 1])
def test_the_ends_of_time_can_be_drawn(t_ns):
    check_page(render_report(replace(BARE, start_ns=t_ns, end_ns=t_ns)))
    check_page(render_report(replace(BARE, start_ns=-(2**63), end_ns=2**63 - 1)))


def test_a_very_long_run_is_reported_in_seconds():
    clips = tuple(clip(clip_id=str(n), start_ns=START_NS + n, end_ns=START_NS + n + 5) for n in range(20_000))
    marks = tuple(TriggerMark(type="t", priority=1, t_ns=START_NS + n, clip_id=str(n)) for n in range(20_000))
    incidents = tuple(Incident(name=f"i{n}", priority=n % 6, t_ns=START_NS + n) for n in range(5_000))
    page = render_report(replace(BARE, clips=clips, triggers=marks, incidents=incidents))
    assert "Only the first 4,000 clips, 4,000 triggers and 200 incidents are drawn." in page
