"""The page in a real browser: texts keep their room, nothing is fetched, keys and clicks do what they say."""

import pytest
from tests.example_graphs import example

from winnow_operators.graphs.layout import lay_out
from winnow_operators.graphs.layout.text import text_width
from winnow_operators.graphs.overlay import Overlay
from winnow_tools.graphpage.page import render_html, render_svg

pytestmark = pytest.mark.browser

CHECK = """
(() => {
  const svg = document.querySelector('svg.winnow-drawing:not(.sample)');
  const box = (e) => { const b = e.getBBox(); return {x: b.x, y: b.y, w: b.width, h: b.height, t: e.textContent}; };
  const texts = [...svg.querySelectorAll('text')].map((e) => ({...box(e), chip: e.matches('.t-chip'),
    owner: e.closest('.box') ? e.closest('.box').dataset.key : 'region'}));
  const bodies = [...svg.querySelectorAll('.box')].map((e) => ({...box(e.querySelector('.body')), owner: e.dataset.key}));
  const hit = (a, b, by) => a.x + by < b.x + b.w && b.x + by < a.x + a.w && a.y + by < b.y + b.h && b.y + by < a.y + a.h;
  const found = [];
  texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => { if (hit(a, b, 0.5)) found.push(`${a.t} / ${b.t}`); }));
  for (const a of texts) for (const b of bodies) {
    if ((a.owner !== b.owner || a.chip) && hit(a, b, 0.5)) found.push(`${a.t} on ${b.owner}`);
    if (a.owner === b.owner && !a.chip && (a.x < b.x || a.x + a.w > b.x + b.w)) found.push(`${a.t} leaves ${b.owner}`);
  }
  bodies.forEach((a, i) => bodies.slice(i + 1).forEach((b) => { if (hit(a, b, 0)) found.push(`${a.owner} / ${b.owner}`); }));
  return {found, texts: texts.length, bodies: bodies.length};
})()
"""


@pytest.mark.parametrize("name", ["vehicle", "mixed", "modules", "machines", "timers", "hostile"])
def test_real_texts_overlap_nothing(page, name):
    graph = example(name)
    result = page(render_html(graph)).run(CHECK)
    assert result["found"] == []
    assert result["bodies"] == len(lay_out(graph).boxes)
    assert result["texts"] >= result["bodies"]


def test_figures_on_lines_overlap_nothing(page):
    graph = example("mixed")
    places = {
        f"{node.id}/{port.id}": {"rate_hz": 8888.0, "drops": 77.0}
        for node in graph.nodes
        for port in node.inputs
    }
    assert page(render_html(graph, None, Overlay(places))).run(CHECK)["found"] == []


def test_a_drawing_alone_overlaps_nothing(page):
    assert page(render_svg(example("mixed")), "svg").run(CHECK)["found"] == []


def test_texts_are_no_wider_than_computed(page):
    browser = page(render_html(example("mixed")))
    for text, width in browser.run(
        "[...document.querySelectorAll('.winnow-drawing .t-port')].map((e) => [e.textContent, e.getComputedTextLength()])"
    ):
        assert width <= text_width(text, 10.5) + 0.5


def click(browser, key):
    """Click the middle of a box."""
    x, y = browser.run(
        f"(() => {{ const b = [...document.querySelectorAll('.box')].find((e) => e.dataset.key === {key!r})"
        ".querySelector('.body').getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()"
    )
    browser.click(x, y)


def test_a_click_shows_details_and_escape_goes_back(page):
    browser = page(render_html(example("vehicle"), "ring: {memory_mib: 77}\n"))
    click(browser, "ring")
    shown = browser.run("document.getElementById('details').innerText")
    for part in (
        "ring",
        "The hot tier in shared memory",
        "INPUTS (47)",
        "sim/imu_data",
        "queue 1000 · backpressure",
    ):
        assert part in shown
    assert "memory_mib: 77" in shown
    assert browser.run("document.getElementById('overview').hidden")
    assert browser.run("document.querySelectorAll('.link.lit').length") == 8
    browser.press("Escape")
    assert browser.run("document.getElementById('details').hidden")
    assert browser.run("document.querySelectorAll('.lit, .selected').length") == 0


def test_a_line_lists_its_connections(page):
    browser = page(render_html(example("vehicle")))
    browser.run(
        "document.querySelector('.link.bundle').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    shown = browser.run("document.getElementById('details').innerText")
    assert "46 connections" in shown
    assert "sim/tf_static" in shown


def test_everything_is_reached_by_keys(page):
    browser = page(render_html(example("small")))
    seen = []
    for _ in range(12):
        browser.press("Tab")
        seen.append(browser.run("document.activeElement.id || document.activeElement.dataset.key || ''"))
    boxes = [entry for entry in seen if entry.startswith("b") and entry[1:].isdigit()]
    assert seen[:2] == ["search", "theme"]
    assert len(boxes) == 3
    browser.run("document.querySelector('.box').focus()")
    browser.press("Enter")
    assert not browser.run("document.getElementById('details').hidden")


def test_search_finds_ports_and_enter_opens_the_first(page):
    browser = page(render_html(example("vehicle")))
    browser.press("/", "Slash")
    assert browser.run("document.activeElement.id") == "search"
    for letter in "receipt":
        browser.press(letter)
    assert browser.run("document.getElementById('found').textContent") == "2"
    assert browser.run("[...document.querySelectorAll('.box.near')].map((e) => e.dataset.key).sort()") == [
        "retention",
        "uploader",
    ]
    browser.press("Enter")
    assert browser.run("document.querySelector('#details .title').textContent") == "uploader"


def test_zoom_keeps_what_is_in_the_middle(page):
    browser = page(render_html(example("mixed")))
    before = browser.run("document.querySelector('#canvas > svg').getBoundingClientRect().width")
    browser.run("document.getElementById('zoom-in').click()")
    after = browser.run("document.querySelector('#canvas > svg').getBoundingClientRect().width")
    assert after == pytest.approx(1.25 * before, rel=0.01)


def test_light_and_dark_differ_and_the_button_switches(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page(render_html(example("small")), dark=True).run(colour)
    browser = page(render_html(example("small")))
    assert browser.run(colour) != dark
    browser.run("document.getElementById('theme').click()")
    assert browser.run(colour) == dark
    browser.run("document.getElementById('theme').click()")
    assert browser.run(colour) != dark
    browser.run("localStorage.clear()")


@pytest.mark.parametrize("name", ["vehicle", "mixed"])
def test_a_phone_shows_all_of_the_page(page, name):
    browser = page(render_html(example(name)), width=390, height=844, phone=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
    browser.run("document.querySelector('.box').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    sheet = browser.run("(() => { const b = document.getElementById('panel').getBoundingClientRect();"
                        " return [b.left, b.width, b.bottom]; })()")  # fmt: skip
    assert sheet == [0, 390, 844]


def test_hostile_text_runs_nothing(page):
    browser = page(render_html(example("hostile"), "ring: '</pre><script>window.hacked = 1</script>'\n"))
    for index in range(2):
        browser.run(
            f"document.querySelectorAll('.box')[{index}].dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
        )
    assert "alert(3)" in browser.run("document.body.innerText")
    assert browser.run("document.querySelectorAll('img, #details script, #details svg, iframe').length") == 0
    assert browser.run("typeof window.hacked") == "undefined"


def test_an_empty_graph_says_so(page):
    assert "This graph has no nodes." in page(render_html(example("empty"))).run("document.body.innerText")
