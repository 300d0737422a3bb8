"""The benchmark `clips`, small: its rows, and that nothing of it stays behind."""

from pathlib import Path

import pytest

from winnow_tools.bench import codecs, cutting
from winnow_tools.bench.load import Load

pytest.importorskip("DracoPy")


def quiet(_: str) -> None:
    return None


def test_every_codec_has_its_row_and_keeps_its_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "SCALE", 0.05)
    monkeypatch.setattr(codecs, "GENERATED_S", 0.2)
    monkeypatch.setattr(codecs, "CLOUDS_MAX", 3)
    rows = {row.measure: row for row in codecs.codec_rows(Load(tmp_path, None, quiet))}
    for codec in ("lz4", "zstd", "shuffle + lz4", "shuffle + zstd", "ordered", "draco"):
        assert 0 < (rows[f"{codec}: packed / raw, generated sweeps"].value or 0) < 1
    assert rows["clouds that did not come back, generated sweeps"].met
    assert rows["upload: error, generated sweeps"].met
    assert rows["upload: total / raw, real scans"].value is None
    assert "no --recordings" in rows["upload: total / raw, real scans"].note


def test_a_small_window_is_cut_beside_mcap_while_the_suite_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "SCALE", 0.05)
    monkeypatch.setattr(cutting, "WINDOW_S", 1.0)
    monkeypatch.setattr(cutting, "AFTER_S", 3.0)
    monkeypatch.setattr(cutting, "PAIRS", 1)
    rows = {row.measure: row for row in cutting.cutting_rows(Load(tmp_path, None, quiet))}
    assert (rows["cutting / mcap writer alone"].value or 0) > 0
    assert rows["cutting / mcap writer alone"].beside["messages"] > 500
    assert rows["peak RssAnon while cutting"].met
    assert rows["messages lost in the ring meanwhile at 1x"].met
    assert not list(cutting.SHM.glob(f"*{tmp_path.name}*"))
