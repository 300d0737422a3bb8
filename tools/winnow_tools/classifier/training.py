"""Trains a network on a data set, keeps it as a file, and exports it."""

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from winnow_classifier.model import ScenarioModel
from winnow_operators.classify.evaluation import Worth, evaluate
from winnow_operators.classify.layout import VERSION
from winnow_operators.classify.network import (
    SCENARIOS,
    WIDTHS,
    Network,
    Recipe,
    annotation_priorities,
    probabilities,
    temperature_of,
    train,
)
from winnow_operators.classify.onnx_file import onnx_bytes, quantised_onnx_bytes
from winnow_runtime import atomic
from winnow_schemas.errors import BadInputError
from winnow_tools.classifier.dataset import DataSet

MAX_BYTES = 64 * 1024 * 1024
TEST = 2


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with what is known of it."""

    network: Network
    ordinary: NDArray[np.float32]
    facts: dict[str, Any]

    def metadata(self) -> dict[str, str]:
        """What goes into the ONNX file; the node reads the first four."""
        return {
            "feature_version": VERSION,
            "labels": ",".join(each.value for each in SCENARIOS),
            "feature_means": json.dumps([round(float(each), 6) for each in self.ordinary]),
            "data_sha256": str(self.facts.get("data_sha256", "")),
            "trained_on": str(self.facts.get("trained_on", "")),
            "facts": json.dumps(self.facts, sort_keys=True),
        }


def fit(data: DataSet, recipe: Recipe) -> Trained:
    """Train, and calibrate on the validation part.

    Raises:
        BadInputError: a part of the data is empty.

    """
    parts = [int((data.part == number).sum()) for number in range(3)]
    if min(parts) == 0:
        raise BadInputError(
            f"Split by vehicle and day, the data has {parts} clips for training, validation and test; none of them may "
            "be empty. Nothing was trained. More days or vehicles are needed."
        )
    (features, labels), valid = data.of(0), data.of(1)
    network, losses = train(features, labels, valid, recipe)
    temperature = temperature_of(network.logits(valid[0]), valid[1])
    facts = {
        "data_sha256": data.sha256,
        "trained_on": data.name,
        "parts": parts,
        "recipe": asdict(recipe),
        "epoch": int(np.argmin(losses)) + 1,
        "temperature": round(temperature, 4),
    }
    return Trained(network.cooled(temperature), features.mean(axis=0), facts)


def save(trained: Trained, path: Path) -> None:
    """Keep a network as numpy arrays; no pickle."""
    arrays = {f"w{number}": each for number, each in enumerate(trained.network.weights)}
    arrays |= {f"b{number}": each for number, each in enumerate(trained.network.biases)}
    facts = np.frombuffer(json.dumps(trained.facts).encode(), np.uint8)
    sink = BytesIO()
    np.savez(sink, allow_pickle=False, ordinary=trained.ordinary, facts=facts, **arrays)
    atomic.write_bytes(path, sink.getvalue())


def load(path: Path) -> Trained:
    """Read a network that :func:`save` kept.

    Raises:
        BadInputError: it is none, or of other shapes.

    """
    try:
        size = path.stat().st_size
        with np.load(BytesIO(path.read_bytes() if size <= MAX_BYTES else b""), allow_pickle=False) as file:
            count = len(WIDTHS) - 1
            weights = tuple(np.asarray(file[f"w{number}"], np.float32) for number in range(count))
            biases = tuple(np.asarray(file[f"b{number}"], np.float32) for number in range(count))
            ordinary = np.asarray(file["ordinary"], np.float32)
            facts = json.loads(file["facts"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BadInputError(f"{path} is no trained network ({str(error)[:120]}); nothing was done.") from None
    shapes = [each.shape for each in weights]
    if shapes != list(itertools.pairwise(WIDTHS)) or ordinary.shape != WIDTHS[:1]:
        raise BadInputError(
            f"{path} has {size} bytes and layers of {shapes}, which is no network of {WIDTHS}; nothing was done."
        )
    return Trained(Network(weights, biases), ordinary, facts)


class Opened:
    """A network or an ONNX file, asked in the same way."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            BadInputError: it cannot be used.
            UnavailableError: an ONNX file, and no ONNX Runtime.

        """
        self.path = path
        self._model = ScenarioModel.load(path) if path.suffix == ".onnx" else None
        self._trained = None if self._model else load(path)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return probabilities(self._logits(features))

    def priorities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return annotation_priorities(self._logits(features))

    def _logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._model is not None:
            return self._model.logits(features)
        assert self._trained is not None
        return self._trained.network.logits(features)


def export(trained: Trained, path: Path) -> str:
    """Write the ONNX file; its SHA-256."""
    data = onnx_bytes(trained.network, trained.metadata())
    atomic.write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Quantised:
    """What INT8 cost."""

    accuracy_float: float
    accuracy_int8: float
    agreement: float
    size_float_bytes: int
    size_int8_bytes: int

    @property
    def loss(self) -> float:
        """Accuracy that was lost on the test part."""
        return self.accuracy_float - self.accuracy_int8


def quantise(trained: Trained, data: DataSet, path: Path) -> Quantised:
    """Write the INT8 file, with ranges from the training part, and measure on the test part."""
    sample, _ = data.of(0)
    file = quantised_onnx_bytes(trained.network, sample, {**trained.metadata(), "precision": "int8-qdq"})
    atomic.write_bytes(path, file)
    features, labels = data.of(TEST)
    plain = trained.network.logits(features)[:, : len(SCENARIOS)].argmax(axis=1)
    small = Opened(path).probabilities(features).argmax(axis=1)
    return Quantised(
        float((plain == labels).mean()),
        float((small == labels).mean()),
        float((plain == small).mean()),
        len(onnx_bytes(trained.network, trained.metadata())),
        len(file),
    )


def worth_of(opened: Opened, data: DataSet, part: int = TEST) -> Worth:
    """Evaluate on a part of a data set."""
    features, labels = data.of(part)
    return evaluate(labels, opened.probabilities(features))


def rules_worth(data: DataSet, part: int = TEST) -> Worth:
    """What the bootstrap rules are worth on the same clips."""
    rows = data.part == part
    return evaluate(data.labels[rows], np.eye(len(SCENARIOS), dtype=np.float32)[data.by_rules[rows]])
