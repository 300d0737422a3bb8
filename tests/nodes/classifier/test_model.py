"""Models as files: what does not fit is refused, what misbehaves is rolled back, and the rules speak where no model can."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.nodes.classifier.test_classifier_node import EVENTS, clips_of
from tests.nodes.vehicle_rig import Vehicle

import winnow_classifier.verdicts
from winnow_classifier.model import ScenarioModel
from winnow_classifier.model_slot import ModelSlot
from winnow_classifier.node import run
from winnow_operators.classify.layout import SIZE, VERSION
from winnow_operators.classify.network import SCENARIOS, Network, fresh
from winnow_operators.classify.onnx_file import onnx_bytes, quantised_onnx_bytes
from winnow_schemas.errors import BadInputError, UnavailableError
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.settings.stages import ClassifierMode, ClassifierSettings, Provider

GOOD = {
    "feature_version": VERSION,
    "labels": ",".join(each.value for each in SCENARIOS),
    "feature_means": json.dumps([0.25] * SIZE),
}
ROWS = np.random.default_rng(1).random((7, SIZE)).astype(np.float32)


def network(seed: int = 1) -> Network:
    return fresh(np.random.default_rng(seed))


def written(path: Path, seed: int = 1, **metadata: str) -> Path:
    path.write_bytes(onnx_bytes(network(seed), {**GOOD, **metadata}))
    return path


def slot(path: Path, **more: Any) -> ModelSlot:
    chosen = ClassifierSettings(mode=ClassifierMode.MODEL, model=path.name, **more)
    return ModelSlot(DeviceSettings(classifier=chosen), path.parent)


def test_onnx_runtime_says_what_numpy_says(tmp_path: Path) -> None:
    model = ScenarioModel.load(written(tmp_path / "a.onnx"))
    assert np.abs(model.logits(ROWS) - network().logits(ROWS)).max() < 1e-4
    assert model.card.ordinary.tolist() == [0.25] * SIZE
    found, priority = model.judge(ROWS[0])
    assert found.sum() == pytest.approx(1.0, abs=1e-5)
    assert 0 <= priority <= 1


def test_eight_bits_say_nearly_the_same(tmp_path: Path) -> None:
    path = tmp_path / "q.onnx"
    path.write_bytes(quantised_onnx_bytes(network(), ROWS, GOOD))
    model = ScenarioModel.load(path)
    plain = network().logits(ROWS)
    assert np.abs(model.logits(ROWS) - plain).max() < 0.12 * np.abs(plain).max()
    assert path.stat().st_size < 0.3 * len(onnx_bytes(network(), GOOD))


def test_the_model_that_ships_is_the_one_of_its_card() -> None:
    from importlib import resources

    model = ScenarioModel.load(None)
    card = json.loads((resources.files("winnow_classifier") / "models" / "card.json").read_text())
    assert model.card.sha256 == card["model_sha256"]
    assert (model.card.data_sha256, model.card.trained_on) == (card["data_sha256"], card["trained_on"])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _nan(path: Path) -> None:
    net = network()
    net.biases[2][:] = np.nan
    path.write_bytes(onnx_bytes(net, GOOD))


def _narrow(path: Path) -> None:
    net = network()
    path.write_bytes(
        onnx_bytes(
            Network((*net.weights[:-1], net.weights[-1][:, :5]), (*net.biases[:-1], net.biases[-1][:5])), GOOD
        )
    )


REFUSED = {
    "another feature version": lambda path: written(path, feature_version="winnow-features-0"),
    "other labels": lambda path: written(path, labels="cat,dog"),
    "no means": lambda path: written(path, feature_means="[]"),
    "means that are no numbers": lambda path: written(path, feature_means="[NaN" + ", 1" * 127 + "]"),
    "truncated": _cut,
    "NaN": _nan,
    "another width": _narrow,
    "empty": lambda path: path.write_bytes(b""),
    "no model at all": lambda path: path.write_bytes(b"hello" * 50),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_does_not_fit_is_refused_and_leaves_the_running_one(tmp_path: Path, spoil: Any) -> None:
    path = written(tmp_path / "a.onnx")
    running = slot(path)
    running.refresh()
    assert running.model is not None
    before = running.model.label
    spoil(path)
    with pytest.raises(BadInputError, match=r"not (used|loaded)"):
        ScenarioModel.load(path)
    running.refresh()
    assert running.model is not None
    assert running.model.label == before
    fresh_start = slot(path)
    fresh_start.refresh()
    assert fresh_start.model is None
    assert "rules speak" in fresh_start.problem


def test_a_new_file_is_swapped_in(tmp_path: Path) -> None:
    running = slot(written(tmp_path / "a.onnx"))
    running.refresh()
    first = running.judge(ROWS[0])
    written(tmp_path / "new", seed=2).replace(tmp_path / "a.onnx")
    running.refresh()
    second = running.judge(ROWS[0])
    assert first is not None
    assert second is not None
    assert first[0].label != second[0].label


def test_a_model_that_misbehaves_is_rolled_back_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = slot(written(tmp_path / "a.onnx"))
    running.refresh()
    assert running.model is not None
    good = running.model.label
    written(tmp_path / "new", seed=2).replace(tmp_path / "a.onnx")
    running.refresh()
    bad = running.model
    assert bad.label != good
    monkeypatch.setattr(bad, "_session", _Broken())
    judged = running.judge(ROWS[0])
    assert judged is not None
    assert judged[0].label == good
    assert "is used again" in running.problem
    os.utime(tmp_path / "a.onnx", ns=(1, 1))
    running.refresh()
    assert running.model is not None
    assert running.model.label == good
    monkeypatch.setattr(running.model, "_session", _Broken())
    assert running.judge(ROWS[0]) is None
    assert "rules speak" in running.problem


class _Broken:
    def run(self, *_: Any) -> list[Any]:
        return [np.full((1, 11), np.nan, np.float32)]


def test_a_provider_that_does_not_come_up_is_said(tmp_path: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is CUDA here")
    with pytest.raises(UnavailableError, match="has no CUDAExecutionProvider"):
        ScenarioModel.load(written(tmp_path / "a.onnx"), "cuda")
    waiting = slot(tmp_path / "a.onnx", provider=Provider.CUDA)
    waiting.refresh()
    assert "rules speak" in waiting.problem


def test_the_node_gives_the_models_word_with_reasons(
    vehicle: Vehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = clips_of(vehicle, {"vis": 150, "rain": 7, "lux": 9000})
    vehicle.settings["classifier"] = {"mode": "model"}
    monkeypatch.setattr(winnow_classifier.verdicts, "MAX_MISSING", 55)
    run(vehicle.node("classifier"))
    verdicts = vehicle.records("classifier", "verdicts")
    assert len(verdicts) == len(clips) == len(EVENTS)
    assert {each["classifier"][:4] for each in verdicts} == {"mlp-"}, verdicts[0]["reasons"]
    for clip, verdict in zip(clips, verdicts, strict=True):
        value = json.loads((vehicle.out / clip.path).with_suffix(".verdict.json").read_text())
        assert value["probabilities"][verdict["scenario"]] == max(value["probabilities"].values())
        assert value["confidence"] == pytest.approx(max(value["probabilities"].values()), abs=1e-3)
        assert "ood_score" in value["missing_inputs"]
        assert "visibility" not in value["missing_inputs"]
        assert verdict["reasons"]
    safety = next(each for each in verdicts if each["priority"] == 0)
    assert safety["annotation_priority"] >= 0.95, "no model talks an emergency stop away"


def test_a_model_that_would_have_to_guess_leaves_it_to_the_rules(vehicle: Vehicle) -> None:
    clips_of(vehicle, {"vis": 150, "rain": 7, "lux": 9000})
    vehicle.settings["classifier"] = {"mode": "model"}
    run(vehicle.node("classifier"))
    verdicts = vehicle.records("classifier", "verdicts")
    assert {each["classifier"] for each in verdicts} == {"rules-1"}
    assert verdicts[0]["scenario"] == "adverse_weather"
    assert "inputs are missing" in verdicts[0]["reasons"][-1]


def test_the_rules_speak_when_the_model_is_gone(vehicle: Vehicle) -> None:
    clips_of(vehicle, {})
    vehicle.settings["classifier"] = {"mode": "model", "model": "none.onnx"}
    run(vehicle.node("classifier"))
    verdicts = vehicle.records("classifier", "verdicts")
    assert {each["classifier"] for each in verdicts} == {"rules-1"}
    assert "the rules spoke because" in verdicts[0]["reasons"][-1]
