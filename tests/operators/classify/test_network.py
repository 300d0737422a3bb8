"""The network: gradients that are right, training that learns, and calibration and figures that are what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.classify.evaluation import evaluate, paired_difference, wilson
from winnow_operators.classify.explanation import reasons
from winnow_operators.classify.layout import FEATURES, SIZE
from winnow_operators.classify.network import (
    CLASSES,
    PRIORITIES,
    Network,
    Recipe,
    _gradients,
    annotation_priorities,
    cross_entropy,
    fresh,
    probabilities,
    temperature_of,
    train,
)
from winnow_operators.classify.selection import select, worth

PRIORS = np.full(CLASSES, 0.1)


def blobs(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten classes that differ in ten features."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=count)
    features = generator.random((count, SIZE)).astype(np.float32) * 0.5
    features[np.arange(count), labels * 3] += 0.7
    return features, labels


def _loss(network: Network, features: np.ndarray, labels: np.ndarray, recipe: Recipe) -> float:
    logits = network.logits(features)
    wanted, said = PRIORITIES[labels], annotation_priorities(logits)
    binary = -(wanted * np.log(said) + (1 - wanted) * np.log(1 - said)).mean()
    return cross_entropy(logits, labels) + recipe.priority_weight * float(binary)


def test_gradients_are_those_of_the_loss() -> None:
    features, labels = blobs(1, 16)
    recipe = Recipe(dropout=0.0)
    generator = np.random.default_rng(1)
    network = fresh(generator)
    wide = Network(
        *(tuple(each.astype(np.float64) for each in layer) for layer in (network.weights, network.biases))
    )  # type: ignore[arg-type]
    found = _gradients(wide, features, labels, np.ones(CLASSES, np.float32), recipe, generator)
    for layer in range(4):
        for row, column in ((0, 0), (5, 3), (60, 10)):
            step = 1e-3
            losses = []
            for sign in (1, -1):
                weights = [each.copy() for each in wide.weights]
                weights[layer][row, column] += sign * step
                losses.append(_loss(_plain(weights, wide.biases), features, labels, recipe))
            numeric = (losses[0] - losses[1]) / (2 * step)
            assert found[layer][0][row, column] == pytest.approx(numeric, abs=2e-4)


def _plain(weights: list[np.ndarray], biases: tuple[np.ndarray, ...]) -> Network:
    return Network(tuple(weights), biases)


def test_training_learns_and_repeats_itself() -> None:
    data, valid = blobs(2, 1200), blobs(3, 300)
    recipe = Recipe(epochs=9)
    network, losses = train(*data, valid, recipe)
    right = (network.logits(valid[0])[:, :CLASSES].argmax(axis=1) == valid[1]).mean()
    assert right > 0.9
    assert losses[-1] < losses[0]
    again, _ = train(*data, valid, recipe)
    assert all((a == b).all() for a, b in zip(network.weights, again.weights, strict=True))
    priority = annotation_priorities(network.logits(valid[0]))
    assert np.abs(priority - PRIORITIES[valid[1]]).mean() < 0.15


def test_cooling_makes_an_overconfident_network_honest_and_changes_no_answer() -> None:
    data, valid = blobs(4, 400), blobs(5, 400)
    network, _ = train(*data, valid, Recipe(epochs=3))
    hot = network.cooled(0.2)
    temperature = temperature_of(hot.logits(valid[0]), valid[1])
    cool = hot.cooled(temperature)
    before, after = (
        evaluate(valid[1], probabilities(hot.logits(valid[0]))),
        evaluate(valid[1], probabilities(cool.logits(valid[0]))),
    )
    assert after.accuracy == before.accuracy
    assert cross_entropy(cool.logits(valid[0]), valid[1]) <= cross_entropy(hot.logits(valid[0]), valid[1])


def test_figures_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    said = np.zeros((4, CLASSES), np.float32)
    said[[0, 1, 2, 3], [0, 1, 1, 1]] = 0.9
    said[:, 9] = 0.1
    worth_ = evaluate(labels, said)
    assert worth_.accuracy == 0.75
    assert (worth_.classes[0].recall, worth_.classes[0].precision) == (0.5, 1.0)
    assert worth_.classes[1].precision == pytest.approx(2 / 3)
    assert worth_.calibration_error == pytest.approx(0.15, abs=1e-6)
    assert worth_.confusion[0][:2] == (1, 1)
    assert wilson(5, 10) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    change, low, high = paired_difference(np.zeros(50, bool), np.ones(50, bool))
    assert (change, low, high) == (1.0, 1.0, 1.0)


def test_the_feature_that_decided_is_the_reason() -> None:
    place = next(number for number, each in enumerate(FEATURES) if each.name == "innovation_max")
    ordinary = np.full(SIZE, 0.2, np.float32)
    features = ordinary.copy()
    features[place] = 0.9

    def score(rows: np.ndarray) -> np.ndarray:
        out = np.full((len(rows), CLASSES), 0.05, np.float32)
        out[:, 4] = rows[:, place]
        return out

    ((words, part),) = reasons(features, ordinary, score, 4)
    assert part == pytest.approx(0.7)
    assert words == "innovation max 4.5 (ordinarily 1): localization was surprised"
    assert reasons(ordinary, ordinary, score, 4) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.integers(0, 20_000), st.integers(0, 5))
def test_a_selection_fits_and_leaves_nothing_better_out(sizes: list[int], budget: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    odds = generator.random((len(sizes), CLASSES)).astype(np.float32)
    odds /= odds.sum(axis=1, keepdims=True)
    chosen = select(odds, sizes, budget, PRIORS)
    assert len(set(chosen)) == len(chosen)
    spent = sum(sizes[place] for place in chosen)
    assert spent <= budget
    value = worth(odds, PRIORS) / np.array(sizes)
    assert list(value[chosen]) == sorted(value[chosen], reverse=True)
    assert all(sizes[place] > budget - spent for place in range(len(sizes)) if place not in chosen)
