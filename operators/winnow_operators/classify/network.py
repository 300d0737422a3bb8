"""The scenario network 128-256-128-64-11 (vehicle document 4.5) in numpy: forward, and training by Adam.

Ten logits, one per scenario, and one for the annotation priority. Everything is a function of its arguments: the
same data and seed give the same weights on the same machine, and figures to three decimals on others.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow_operators.classify.layout import SIZE
from winnow_operators.classify.scenario import ANNOTATION_PRIORITY, Scenario

Array = NDArray[np.float32]
WIDTHS = (SIZE, 256, 128, 64, 11)
SCENARIOS = tuple(Scenario)
CLASSES = len(SCENARIOS)
PRIORITIES: Array = np.array([ANNOTATION_PRIORITY[each] for each in SCENARIOS], np.float32)


@dataclass(frozen=True, slots=True)
class Network:
    """Weights of shape ``(in, out)`` and biases ``(out,)``, layer by layer."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    def logits(self, features: Array) -> Array:
        """Shape ``(n, 11)`` for features of shape ``(n, 128)``."""
        *_, last = self.activations(features)
        return last

    def activations(self, features: Array) -> list[Array]:
        """The input and what every layer gives, the last one without a ramp."""
        values = [np.asarray(features, np.float32)]
        last = len(self.weights) - 1
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            each = values[-1] @ weight + bias
            values.append(each if number == last else np.maximum(each, 0))
        return values

    def cooled(self, temperature: float) -> "Network":
        """The same with the scenarios' logits divided by a temperature: calibrated, and the same order."""
        scale = np.ones(WIDTHS[-1], np.float32)
        scale[:CLASSES] = 1.0 / temperature
        return Network(
            (*self.weights[:-1], self.weights[-1] * scale), (*self.biases[:-1], self.biases[-1] * scale)
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained."""

    seed: int = 1
    epochs: int = 40
    batch: int = 128
    rate: float = 1e-3
    decay: float = 2e-4
    """Of the weights, per step, relative to the rate (AdamW)."""
    dropout: float = 0.25
    balance: float = 0.35
    """Exponent of inverse class frequency in the loss: 0 = as they come, 1 = all classes alike."""
    priority_weight: float = 0.5
    """Of the annotation priority's loss beside the scenario's."""


def probabilities(logits: Array) -> Array:
    """Softmax over the scenarios, shape ``(n, 10)``."""
    shifted = logits[:, :CLASSES] - logits[:, :CLASSES].max(axis=1, keepdims=True)
    raised = np.exp(shifted)
    result: Array = raised / raised.sum(axis=1, keepdims=True)
    return result


def annotation_priorities(logits: Array) -> Array:
    """Sigmoid of the eleventh, shape ``(n,)``."""
    result: Array = (1.0 / (1.0 + np.exp(-np.clip(logits[:, CLASSES], -30, 30)))).astype(np.float32)
    return result


def fresh(generator: np.random.Generator) -> Network:
    """Weights before training (He's initialisation)."""
    pairs = list(itertools.pairwise(WIDTHS))
    weights = tuple(
        (generator.standard_normal(pair) * np.sqrt(2.0 / pair[0])).astype(np.float32) for pair in pairs
    )
    return Network(weights, tuple(np.zeros(out, np.float32) for _, out in pairs))


def train(
    features: Array, labels: NDArray[np.int64], valid: tuple[Array, NDArray[np.int64]], recipe: Recipe
) -> tuple[Network, list[float]]:
    """Train on ``(n, 128)`` features and class numbers; the best epoch by the loss on ``valid``, and those losses."""
    generator = np.random.default_rng(recipe.seed)
    network = fresh(generator)
    counts = np.bincount(labels, minlength=CLASSES)
    importance = (len(labels) / CLASSES / np.maximum(counts, 1)) ** recipe.balance
    importance = (importance / importance[labels].mean()).astype(np.float32)
    adam = _Adam(network, recipe)
    best = network
    losses: list[float] = []
    for _ in range(recipe.epochs):
        order = generator.permutation(len(labels))
        for begin in range(0, len(order), recipe.batch):
            rows = order[begin : begin + recipe.batch]
            gradients = _gradients(network, features[rows], labels[rows], importance, recipe, generator)
            network = adam.step(network, gradients)
        loss = cross_entropy(network.logits(valid[0]), valid[1])
        if not losses or loss < min(losses):
            best = network
        losses.append(loss)
    return best, losses


def cross_entropy(logits: Array, labels: NDArray[np.int64]) -> float:
    """Mean over the rows, nats."""
    picked = probabilities(logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(picked, 1e-9)).mean())


def temperature_of(logits: Array, labels: NDArray[np.int64]) -> float:
    """The temperature with the smallest cross-entropy (Guo et al. 2017), by golden section on its logarithm."""
    low, high = np.log(0.3), np.log(5.0)
    golden = (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cross_entropy(logits / np.exp(left), labels) < cross_entropy(logits / np.exp(right), labels):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _gradients(
    network: Network,
    features: Array,
    labels: NDArray[np.int64],
    importance: Array,
    recipe: Recipe,
    generator: np.random.Generator,
) -> list[tuple[Array, Array]]:
    """Of the mean loss, per layer; hidden layers have dropout."""
    values, masks = [features], []
    last = len(network.weights) - 1
    for number, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        each = values[-1] @ weight + bias
        if number < last:
            kept = (generator.random(each.shape, np.float32) >= recipe.dropout) / np.float32(
                1 - recipe.dropout
            )
            mask = (each > 0) * kept.astype(np.float32)
            masks.append(mask)
            each = each * mask
        values.append(each)
    delta = _output_gradient(values[-1], labels, importance, recipe)
    found: list[tuple[Array, Array]] = []
    for number in range(last, -1, -1):
        found.append((values[number].T @ delta, delta.sum(axis=0)))
        if number:
            delta = (delta @ network.weights[number].T) * masks[number - 1]
    return found[::-1]


def _output_gradient(logits: Array, labels: NDArray[np.int64], importance: Array, recipe: Recipe) -> Array:
    rows = np.arange(len(labels))
    weight = importance[labels][:, None] / len(labels)
    delta = np.zeros_like(logits)
    delta[:, :CLASSES] = probabilities(logits)
    delta[rows, labels] -= 1.0
    delta[:, :CLASSES] *= weight
    wanted = PRIORITIES[labels]
    delta[:, CLASSES] = recipe.priority_weight * (annotation_priorities(logits) - wanted) / len(labels)
    return delta


class _Adam:
    """AdamW with the usual constants (Kingma and Ba 2015; Loshchilov and Hutter 2019)."""

    def __init__(self, network: Network, recipe: Recipe) -> None:
        self._recipe = recipe
        self._moments = [[np.zeros_like(each) for each in layer] for layer in self._layers(network)]
        self._squares = [[np.zeros_like(each) for each in layer] for layer in self._layers(network)]
        self._steps = 0

    @staticmethod
    def _layers(network: Network) -> Iterator[tuple[Array, Array]]:
        yield from zip(network.weights, network.biases, strict=True)

    def step(self, network: Network, gradients: list[tuple[Array, Array]]) -> Network:
        self._steps += 1
        rate = self._recipe.rate * (1 - 0.999**self._steps) ** 0.5 / (1 - 0.9**self._steps)
        weights, biases = [], []
        for number, (layer, gradient) in enumerate(zip(self._layers(network), gradients, strict=True)):
            changed = []
            for part, (value, slope) in enumerate(zip(layer, gradient, strict=True)):
                moment, square = self._moments[number], self._squares[number]
                moment[part] = 0.9 * moment[part] + np.float32(0.1) * slope
                square[part] = 0.999 * square[part] + np.float32(0.001) * slope**2
                moved = value - np.float32(rate) * moment[part] / (np.sqrt(square[part]) + np.float32(1e-7))
                if part == 0:
                    moved = moved - np.float32(self._recipe.rate * self._recipe.decay) * value
                changed.append(moved.astype(np.float32))
            weights.append(changed[0])
            biases.append(changed[1])
        return Network(tuple(weights), tuple(biases))
