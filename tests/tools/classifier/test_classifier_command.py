"""``winnow classifier``: from data to a model that the node takes, and bad input as sentences."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from winnow_classifier.model import ScenarioModel
from winnow_tools.classifier.dataset import part_of, read_dataset
from winnow_tools.cli import app


def call(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["classifier", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classifier")
    assert call("dataset", "--fleet", 2000, "--seed", 3, "-o", place / "d.parquet")[0] == 0
    assert call("train", place / "d.parquet", "-o", place / "m.npz", "--epochs", 40)[0] == 0
    return place


def test_training_beats_the_rules_and_its_export_says_the_same(folder: Path) -> None:
    assert call("export", folder / "m.npz", "-o", folder / "m.onnx")[0] == 0
    found = [
        json.loads(call("evaluate", folder / name, folder / "d.parquet", "--json")[1])
        for name in ("m.npz", "m.onnx")
    ]
    assert found[0]["accuracy"] == pytest.approx(found[1]["accuracy"], abs=1e-9)
    assert found[0]["accuracy"] > found[0]["rules"]["accuracy"] - 0.05
    assert found[0]["count"] > 80
    model = ScenarioModel.load(folder / "m.onnx")
    assert model.card.data_sha256 == read_dataset(folder / "d.parquet").sha256
    assert "seed 3" in model.card.trained_on


def test_the_same_data_and_seed_give_the_same_card(folder: Path, tmp_path: Path) -> None:
    cards = []
    for number in range(2):
        assert call("train", folder / "d.parquet", "-o", tmp_path / "m.npz", "--epochs", 3)[0] == 0
        code, _ = call(
            "evaluate",
            tmp_path / "m.npz",
            folder / "d.parquet",
            "--card",
            tmp_path / f"{number}.json",
            "--html",
            tmp_path / "e.html",
        )
        assert code == 0
        cards.append((tmp_path / f"{number}.json").read_text())
    assert cards[0] == cards[1]
    assert "Accuracy" in (tmp_path / "0.md").read_text()
    assert "Reliability" in (tmp_path / "e.html").read_text()


def test_eight_bits_and_what_they_cost(folder: Path) -> None:
    code, text = call("quantize", folder / "m.npz", folder / "d.parquet", "-o", folder / "q.onnx", "--json")
    done = json.loads(text)
    assert code == 0
    assert done["size_int8_bytes"] < 0.3 * done["size_float_bytes"]
    assert done["agreement"] > 0.9
    assert done["loss"] == pytest.approx(done["accuracy_float"] - done["accuracy_int8"])
    code, text = call("compare", folder / "m.npz", folder / "q.onnx", folder / "d.parquet", "--json")
    assert json.loads(text)["difference"] == pytest.approx(-done["loss"], abs=1e-9)


def test_days_of_a_vehicle_stay_together() -> None:
    parts = [part_of(f"v{number}", day) for number in range(20) for day in range(100)]
    shares = [parts.count(each) / len(parts) for each in range(3)]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.03)


@pytest.mark.parametrize(
    ("text", "name"),
    [("clip_id,label\na,nonsense", "l.csv"), ("a,b\n1,2", "l.csv"), ("[1, 2]", "l.json"), ("{", "l.json")],
)
def test_labels_that_cannot_be_used(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    code, said = call("dataset", tmp_path, "--labels", tmp_path / name, "-o", tmp_path / "d.parquet")
    assert code == 2
    assert "Nothing was written" in said
    assert not (tmp_path / "d.parquet").exists()


def test_files_that_are_no_models_or_data(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    for words in (
        ("train", tmp_path / "x.parquet", "-o", tmp_path / "m.npz"),
        ("export", tmp_path / "x.npz", "-o", tmp_path / "m.onnx"),
        ("evaluate", tmp_path / "none.onnx", folder / "d.parquet"),
        ("dataset", "-o", tmp_path / "d.parquet"),
    ):
        code, said = call(*words)
        assert code == 2, words
        assert said.count("\n") == 1, said
