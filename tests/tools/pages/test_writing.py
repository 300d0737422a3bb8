import pytest

from winnow_tools.pages.writing import write_whole


def test_a_page_replaces_the_old_one(tmp_path):
    path = tmp_path / "p.html"
    path.write_text("old")
    write_whole(path, "neu\n")
    assert path.read_bytes() == b"neu\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_page_and_nothing_else(tmp_path):
    path = tmp_path / "p.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
