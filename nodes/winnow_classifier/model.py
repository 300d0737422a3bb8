"""A trained network as a file: checked before it is believed, and run."""

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.layout import SIZE, VERSION
from winnow_operators.classify.network import CLASSES, SCENARIOS, WIDTHS, annotation_priorities, probabilities
from winnow_operators.classify.onnx_file import INPUT, OUTPUT
from winnow_runtime.inference.onnx import Device, open_session, read_model
from winnow_schemas.errors import BadInputError

Array = NDArray[np.float32]
MAX_BYTES = 64 * 1024 * 1024
"""The network of 4.5 has 0.3 MB."""
MAX_SQUARES = 1e8
"""Sum of the squares of a clip's logits; beyond, or no number at all, is a broken model, not a sure one."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the file says of itself."""

    name: str
    sha256: str
    data_sha256: str
    trained_on: str
    ordinary: Array
    """Mean of every feature in the training data."""


class ScenarioModel:
    """Features in, logits out."""

    def __init__(self, data: bytes, sha256: str, name: str, provider: Device = "cpu") -> None:
        """Load and try a model.

        Raises:
            BadInputError: it is damaged, of another feature version, other labels or shapes, or gives no numbers.
            UnavailableError: ONNX Runtime or the provider is not there.

        """
        self._session = open_session(data, name, provider)
        self._name = name
        self._check_shapes()
        self.card = self._read_card(sha256)
        trial = np.stack([self.card.ordinary, np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32)])
        self.logits(trial)

    @classmethod
    def load(cls, path: Path | None, provider: Device = "cpu") -> "ScenarioModel":
        """Load a file, or the model that ships with Winnow."""
        if path is None:
            with resources.as_file(
                resources.files("winnow_classifier") / "models" / "scenarios.onnx"
            ) as shipped:
                data, digest = read_model(shipped, MAX_BYTES)
            return cls(data, digest, "scenarios.onnx", provider)
        data, digest = read_model(path, MAX_BYTES)
        return cls(data, digest, path.name, provider)

    @property
    def label(self) -> str:
        """A name for verdicts: another model has another one."""
        return f"mlp-{self.card.sha256[:12]}"

    def logits(self, features: Array) -> Array:
        """Shape ``(n, 11)`` for ``(n, 128)``.

        Raises:
            BadInputError: the model gives values that are no numbers, or beyond belief.

        """
        try:
            (values,) = self._session.run([OUTPUT], {INPUT: features})
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base class
            raise BadInputError(
                f"The model {self._name} failed ({str(error)[:120]}); it was not used."
            ) from None
        if values.shape != (len(features), WIDTHS[-1]) or not np.vdot(values, values) < MAX_SQUARES * len(
            values
        ):
            raise BadInputError(f"The model {self._name} gives values that are no scores; it was not used.")
        result: Array = values
        return result

    def probabilities(self, features: Array) -> Array:
        """Of the ten scenarios, shape ``(n, 10)``."""
        return probabilities(self.logits(features))

    def judge(self, features: Array) -> tuple[Array, float]:
        """Probabilities ``(10,)`` and annotation priority of one clip."""
        logits = self.logits(features[None])
        return probabilities(logits)[0], float(annotation_priorities(logits)[0])

    def _check_shapes(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        found = [(each.name, each.shape[-1:], each.type) for each in (*inputs, *outputs)]
        wanted = [(INPUT, [SIZE], "tensor(float)"), (OUTPUT, [WIDTHS[-1]], "tensor(float)")]
        if found != wanted:
            raise BadInputError(
                f"The model {self._name} takes and gives {found}; {wanted} is needed. It was not used."
            )

    def _read_card(self, sha256: str) -> ModelCard:
        said: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        version, labels = said.get("feature_version", "none"), said.get("labels", "")
        if version != VERSION:
            raise BadInputError(
                f"The model {self._name} was trained for the features {version[:60]!r}, this is {VERSION!r}; it was not used. "
                "Train it again."
            )
        if labels != ",".join(each.value for each in SCENARIOS):
            raise BadInputError(
                f"The model {self._name} has other labels ({labels[:120]!r}); it was not used."
            )
        return ModelCard(
            self._name,
            sha256,
            said.get("data_sha256", ""),
            said.get("trained_on", ""),
            _means(said.get("feature_means", ""), self._name),
        )


def _means(text: str, name: str) -> Array:
    try:
        values: Any = np.array(json.loads(text), np.float32)
    except (ValueError, TypeError, RecursionError):
        values = np.empty(0, np.float32)
    if values.shape != (SIZE,) or not np.isfinite(values).all():
        raise BadInputError(
            f"The model {name} does not say what is ordinary (feature_means); it was not used."
        )
    means: Array = values
    return means


def class_of(probabilities_: Array) -> int:
    """The most probable scenario's number, the first among equals."""
    assert probabilities_.shape == (CLASSES,)
    return int(probabilities_.argmax())
