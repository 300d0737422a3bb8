"""The what-if page in a real browser."""

from pathlib import Path

import pytest
import yaml
from tests.whatif_drives import settings_of, write_json

from winnow_tools.whatif.json_form import compared
from winnow_tools.whatif.page import render_page
from winnow_tools.whatif.replaying import replay_all
from winnow_tools.whatif.summing import sum_up
from winnow_tools.whatif.variant import load_variants

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> str:
    folder: Path = tmp_path_factory.mktemp("what-if")
    base, other = settings_of("json"), settings_of("json")
    other["triggers"] = {
        "library": "none",
        "set": {"slow": {"when": "speed < 2", "priority": "P3", "pre_roll_s": 5, "post_roll_s": 5}},
    }
    for name, settings in (("a.yml", base), ("b.yml", other)):
        (folder / name).write_text(yaml.safe_dump(settings), "utf-8")
    replayed = list(
        replay_all([write_json(folder / "drive.mcap")], load_variants([folder / "a.yml", folder / "b.yml"]))
    )
    sums = [sum_up(replayed, place) for place in range(2)]
    return render_page(replayed, sums, compared(replayed, sums))


def test_bars_lead_to_rows(page, content):
    browser = page(content)
    browser.run("document.querySelector('.whatif .clip.gained').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.tagName") == "TR"
    assert browser.run("document.activeElement.querySelector('.change').textContent") == "gained"


def test_both_settings_have_a_row_in_each_lane(page, content):
    browser = page(content)
    letters = browser.run("[...document.querySelectorAll('.whatif .side')].map((e) => e.textContent)")
    assert letters
    assert letters == ["A", "B"] * (len(letters) // 2)
    inside = browser.run(
        "[...document.querySelectorAll('.scroll .whatif .bar')].every((bar) => {"
        " const box = bar.closest('svg').getBoundingClientRect(), own = bar.getBoundingClientRect();"
        " return own.left >= box.left - 1 && own.right <= box.right + 1 && own.bottom <= box.bottom + 1; })"
    )
    assert inside


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_of_the_page(page, content, dark):
    browser = page(content, width=390, height=844, dark=dark, phone=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
