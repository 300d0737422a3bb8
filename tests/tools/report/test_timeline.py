import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from winnow_tools.report.model import ClipRow, Incident, ReportData, TriggerMark
from winnow_tools.report.time_axis import LEFT, RIGHT, WIDTH, TimeScale
from winnow_tools.report.timeline import timeline_svg

S = 1_000_000_000
RUN = ReportData(title="t", start_ns=0, end_ns=100 * S, bytes_seen=0, bytes_kept=0, p0_events=0, p0_kept=0)
SPANS = st.tuples(st.integers(0, 90), st.integers(1, 60), st.integers(0, 5))


def clips(spans):
    return tuple(
        ClipRow(
            clip_id=str(index), name=f"n{index}", path="", priority=priority, types=("t",), start_ns=start * S,
            end_ns=(start + length) * S, messages=1, size_bytes=1,
        )
        for index, (start, length, priority) in enumerate(spans)
    )  # fmt: skip


def bars(svg):
    found = {}
    for group in ET.fromstring(svg).iter("g"):
        if "data-clip" in group.attrib:
            bar = next(child for child in group if child.get("class") == "bar")
            found[group.get("data-clip")] = [float(bar.get(name)) for name in ("x", "y", "width", "height")]
    return found


@given(st.lists(SPANS, max_size=8))
def test_bars_of_a_lane_overlap_nothing_up_to_its_rows(spans):
    data = replace(RUN, clips=clips(spans))
    placed = bars(timeline_svg(data))
    assert len(placed) == len(spans)
    for index, (start, length, _) in enumerate(spans):
        x, y, width, height = placed[str(index)]
        for other in range(index):
            ox, oy, owidth, oheight = placed[str(other)]
            together = min(x + width, ox + owidth) - max(x, ox)
            crowded = sum(one[0] < start + length and start < one[0] + one[1] for one in spans) > 6
            assert crowded or together < 4 or y >= oy + oheight or oy >= y + height


def test_a_bar_spans_its_window():
    x, _, width, _ = bars(timeline_svg(replace(RUN, clips=clips([(20, 40, 1)]))))["0"]
    scale = (WIDTH - LEFT - RIGHT) / 100
    assert abs(x - (LEFT + 20 * scale)) < 0.1
    assert abs(width - 40 * scale) < 0.1


def test_the_core_goes_from_the_first_to_the_last_trigger():
    triggers = tuple(TriggerMark(type="t", priority=1, t_ns=second * S, clip_id="0") for second in (30, 50))
    svg = timeline_svg(replace(RUN, clips=clips([(20, 40, 1)]), triggers=triggers))
    core = re.search(r'class="core" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    scale = (WIDTH - LEFT - RIGHT) / 100
    assert abs(float(core[1]) - (LEFT + 30 * scale)) < 0.1
    assert abs(float(core[2]) - 20 * scale) < 0.1


def test_windows_beyond_the_run_are_drawn_inside():
    x, _, width, _ = bars(timeline_svg(replace(RUN, clips=clips([(80, 60, 0)]))))["0"]
    assert x + width <= WIDTH - RIGHT + 0.1


def test_what_was_missed_is_told_by_shape_and_word():
    found = Incident(name="a", priority=0, t_ns=S, found_type="brake", found_t_ns=S)
    missed = Incident(name="b", priority=0, t_ns=50 * S, expected_types=("brake",))
    unwatched = Incident(name="c", priority=4, t_ns=70 * S)
    svg = timeline_svg(replace(RUN, incidents=(found, missed, unwatched)))
    signs = re.findall(r'class="sign" d="([^"]+)"', svg)
    assert len(set(signs)) == 3
    assert "a (P0) at 00:00:01.000: found by brake" in svg
    assert "b (P0) at 00:00:50.000: missed" in svg
    assert "c (P4) at 00:01:10.000: nothing had to fire" in svg


@given(st.lists(st.tuples(st.integers(0, 100), st.text("ab c", max_size=30)), max_size=12))
def test_names_of_incidents_do_not_overlap(marks):
    from winnow_tools.report.timeline import _incident_rows, _label_span

    scale = TimeScale(0, 100 * S)
    incidents = sorted(
        (Incident(name=name, priority=0, t_ns=second * S) for second, name in marks), key=lambda one: one.t_ns
    )
    rows, count = _incident_rows(incidents, scale)
    spans = [(row, *_label_span(one, scale)) for one, row in zip(incidents, rows, strict=True)]
    for index, (row, left, right) in enumerate(spans):
        assert row < count
        for other, begin, end in spans[:index]:
            assert other != row or right <= begin or end <= left
