"""The report in a real browser."""

import pytest
from tests.report_sample import sample_report

from winnow_tools.report import render_report, report_from_json

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report():
    return render_report(report_from_json(sample_report()))


def test_bars_lead_to_rows_and_back(page, report):
    browser = page(report)
    browser.run("document.querySelector('.clip[data-clip]').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.tagName") == "TR"
    assert browser.run(
        "document.activeElement.dataset.clip === document.querySelector('.clip.picked').dataset.clip"
    )


def test_details_appear_under_the_pointer(page, report):
    browser = page(report)
    x, y = browser.run(
        "(() => { const b = document.querySelector('.clip .bar').getBoundingClientRect(); return [b.left + 4, b.top + 6]; })()"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "messages" in browser.run("document.getElementById('tip').innerText")
    browser.press("Escape")
    assert browser.run("document.getElementById('tip').hidden")


def test_filters_and_sorting_work(page, report):
    browser = page(report)
    rows = "[...document.querySelectorAll('#clips tbody tr')].filter((e) => !e.hidden)"
    assert browser.run(f"{rows}.length") == 12
    browser.run("document.querySelector('.filter[data-priority=\"5\"]').click()")
    assert browser.run("document.getElementById('shown').textContent") == "8 of 12"
    browser.run("(() => { const f = document.getElementById('filter'); f.value = 'estop';"
                " f.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert browser.run(f"{rows}.map((e) => e.dataset.priority)") == ["0"]
    browser.run("(() => { const f = document.getElementById('filter'); f.value = '';"
                " f.dispatchEvent(new Event('input')); })()")  # fmt: skip
    size = "[...document.querySelectorAll('#clips th button')].find((e) => e.textContent === 'Size')"
    browser.run(f"{size}.click()")
    sizes = f"{rows}.map((e) => Number(e.cells[6].dataset.value))"
    assert browser.run(sizes) == sorted(browser.run(sizes))
    browser.run(f"{size}.click()")
    assert browser.run(sizes) == sorted(browser.run(sizes), reverse=True)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_of_the_page(page, report, dark):
    browser = page(report, width=390, height=844, dark=dark, phone=True)
    assert browser.run("document.documentElement.scrollWidth") == 390


def test_names_on_the_timeline_overlap_nothing(page, report):
    browser = page(report)
    found = browser.run("""(() => {
      const texts = [...document.querySelectorAll('#timeline .scroll text')].map((e) => [e.textContent, e.getBBox()]);
      const hit = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height - 2 && b.y < a.y + a.height - 2;
      return texts.flatMap(([t, a], i) => texts.slice(i + 1).filter(([, b]) => hit(a, b)).map(([u]) => `${t} / ${u}`));
    })()""")
    assert found == []
