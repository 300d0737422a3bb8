"""What classifying a clip costs beyond reading it, and what a selection by the classifier finds at equal bytes."""

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from winnow_classifier.model import ScenarioModel
from winnow_operators.classify.explanation import reasons
from winnow_operators.classify.features import extract
from winnow_operators.classify.network import SCENARIOS
from winnow_operators.classify.onnx_file import INPUT
from winnow_operators.classify.selection import select
from winnow_operators.fleet.clips import FleetClip, fleet_clips
from winnow_operators.fleet.habits import PRIORS, RARE_BELOW
from winnow_runtime.clock import SystemClock
from winnow_tools.bench.clip_reading import measure_reading
from winnow_tools.bench.load import Load
from winnow_tools.bench.rows import Measured, Row

SEEDS = tuple(range(201, 211))
"""Neither trained on (1) nor looked at while the selector was chosen (101 to 104)."""
CLIPS = 2000
BUDGET = 0.2
"""Of all bytes."""
_TIMED = 200


def measure(load: Load) -> Measured:
    """Run the benchmark."""
    model = ScenarioModel.load(None)
    load.say(f"Timing {_TIMED} clips")
    rows = _times(model)
    rows.insert(1, measure_reading(load))
    load.say(f"Selecting from {len(SEEDS)} fleets of {CLIPS} clips")
    rows += _selections(model)
    text = f"{_TIMED} clips of the simulated fleet for the times, {len(SEEDS)} fleets of {CLIPS} clips for the selection, {BUDGET:.0%} of their bytes."
    return Measured(rows, text, len(SEEDS))


def _times(model: ScenarioModel) -> list[Row]:
    clips = list(fleet_clips(200, _TIMED))
    vectors = [extract(clip.facts, clip.samples).vector for clip in clips]
    features = _each_ms(clips, lambda clip: extract(clip.facts, clip.samples))
    judging = _each_ms(vectors, model.judge)
    explaining = _each_ms(vectors, lambda each: reasons(each, model.card.ordinary, model.probabilities, 0))
    session, row = model._session, vectors[0][None]
    bare = _each_ms(vectors, lambda _: session.run(None, {INPUT: row}))
    ours = _each_ms(vectors, lambda each: model.logits(each[None]))
    return [
        Row(
            "features and classification per clip, beyond reading",
            features + judging,
            "ms",
            "<= 5",
            {"features": features},
        ),
        Row(
            "session.run beside a bare ONNX Runtime call",
            ours / bare,
            "ratio",
            "<= 1.2",
            {"ours, ms": ours, "bare, ms": bare},
        ),
        Row("classification after features", judging, "ms", "<= 0.2"),
        Row("why: 129 variants in one batch", explaining, "ms"),
    ]


def _each_ms(items: Sequence[object], do: Callable[..., object]) -> float:
    """Median over the items, the best of three rounds: what it costs when nobody else runs."""
    clock = SystemClock()
    rounds = []
    for _ in range(3):
        times = []
        for item in items:
            begun = clock.monotonic_ns()
            do(item)
            times.append((clock.monotonic_ns() - begun) / 1e6)
        rounds.append(median(times))
    return min(rounds)


def _selections(model: ScenarioModel) -> list[Row]:
    priors = np.array([PRIORS[each] for each in SCENARIOS])
    names = ("ours", "priority only", "FIFO", "random")
    found = np.array([_one_fleet(model, seed, priors) for seed in SEEDS])
    means = dict(zip(names, found[:, :, 0].mean(axis=0).tolist(), strict=True))
    beside = {
        **{f"rare recall, {name}": value for name, value in means.items()},
        **{
            f"scenarios covered, {name}": float(value)
            for name, value in zip(names, found[:, :, 1].mean(axis=0), strict=True)
        },
    }
    rows = []
    for place, (other, wanted) in ((2, ("FIFO", ">= 1.5")), (1, ("priority only", ">= 1.2"))):
        ratios = found[:, 0, 0] / np.maximum(found[:, place, 0], 1e-9)
        low, high = _interval(ratios)
        more = {
            "interval at 95 % over the seeds": [round(low, 3), round(high, 3)],
            "ratio of the means": means["ours"] / means[other],
        }
        rows.append(
            Row(
                f"rare-class recall at equal bytes over {other}",
                float(ratios.mean()),
                "ratio",
                wanted,
                {**beside, **more},
            )
        )
    return rows


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    half = 2.262 * float(values.std(ddof=1)) / len(values) ** 0.5  # Student's t, nine degrees of freedom
    return float(values.mean()) - half, float(values.mean()) + half


def _one_fleet(model: ScenarioModel, seed: int, priors: NDArray[np.float64]) -> list[tuple[float, int]]:
    """Recall of rare scenarios, and scenarios covered, by each way of choosing."""
    clips = list(fleet_clips(seed, CLIPS))
    sizes = [clip.size_bytes for clip in clips]
    budget = int(sum(sizes) * BUDGET)
    odds = model.probabilities(np.stack([extract(clip.facts, clip.samples).vector for clip in clips]))
    shuffled = np.random.default_rng(seed).permutation(len(clips)).tolist()
    by_priority = sorted(range(len(clips)), key=lambda place: (clips[place].facts.priority, place))
    ways = (
        select(odds, sizes, budget, priors),
        _fitting(by_priority, sizes, budget),
        _fitting(range(len(clips)), sizes, budget),
        _fitting(shuffled, sizes, budget),
    )
    return [_worth(clips, chosen) for chosen in ways]


def _fitting(order: Sequence[int], sizes: Sequence[int], budget: int) -> list[int]:
    """In this order, until the next one does not fit."""
    chosen = []
    for place in order:
        budget -= sizes[place]
        if budget < 0:
            break
        chosen.append(place)
    return chosen


def _worth(clips: Sequence[FleetClip], chosen: Sequence[int]) -> tuple[float, int]:
    rare = {scenario for scenario, prior in PRIORS.items() if prior <= RARE_BELOW}
    all_rare = sum(clip.scenario in rare for clip in clips)
    taken = sum(clips[place].scenario in rare for place in chosen)
    return taken / max(1, all_rare), len({clips[place].scenario for place in chosen})
