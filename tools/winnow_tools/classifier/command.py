"""``winnow classifier dataset|train|evaluate|export|quantize|compare``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from winnow_operators.classify.evaluation import Worth, paired_difference
from winnow_operators.classify.network import Recipe
from winnow_runtime import atomic
from winnow_runtime.inference.onnx import read_model
from winnow_schemas.errors import BadInputError
from winnow_schemas.library import standard_suite
from winnow_schemas.settings import DeviceSettings, load_settings
from winnow_tools.classifier.card import card_facts, card_text
from winnow_tools.classifier.dataset import (
    fleet_name,
    fleet_rows,
    read_dataset,
    read_labels,
    run_rows,
    write_rows,
)
from winnow_tools.classifier.page import evaluation_page
from winnow_tools.classifier.training import (
    TEST,
    Opened,
    export,
    fit,
    load,
    quantise,
    rules_worth,
    save,
    worth_of,
)
from winnow_tools.console import bytes_text, print_json, sentences

classifier_app = typer.Typer(
    name="classifier", help="Train, measure and export scenario classifiers.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The file to write.")]
Data = Annotated[Path, typer.Argument(metavar="DATASET", help="A data set that `dataset` wrote.")]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A trained network (.npz) or an ONNX file (.onnx).")
]
Network = Annotated[Path, typer.Argument(metavar="NETWORK", help="A trained network (.npz).")]


@classifier_app.command("dataset")
def dataset_command(
    out: Out,
    run: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A run's folder with clips.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="What people called the clips: CSV (clip_id,label) or JSON.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="The settings of the run; by default the standard suite's signals.")
    ] = None,
    fleet: Annotated[
        int,
        typer.Option(min=0, max=1_000_000, help="In place of a run: so many clips of the simulated fleet."),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated fleet.")] = 1,
) -> None:
    """Write features and labels of clips as a Parquet file."""
    problems: list[str] = []
    with sentences():
        if bool(fleet) == bool(run):
            raise BadInputError("Name a run's folder with --labels, or --fleet; nothing was written.")
        if run is None:
            count = write_rows(fleet_rows(seed, fleet), out, fleet_name(seed, fleet))
        else:
            if labels is None:
                raise BadInputError("A run needs --labels; nothing was written.")
            if settings:
                device, _ = load_settings(settings)
            else:
                device = DeviceSettings(signals=standard_suite().signals)
            rows = run_rows(run, read_labels(labels), device, problems)
            count = write_rows(rows, out, f"clips of {run.name}")
    for problem in problems:
        print(problem)
    print(f"{out}: {count} clips.")


@classifier_app.command("train")
def train_command(
    data: Data,
    out: Out,
    epochs: Annotated[
        int, typer.Option(min=1, max=10_000, help="Passes over the training part; the best one is kept.")
    ] = Recipe().epochs,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")] = Recipe().seed,
    rate: Annotated[float, typer.Option(min=1e-6, max=1.0, help="Learning rate.")] = Recipe().rate,
) -> None:
    """Train the network on the training part and calibrate it on the validation part."""
    with sentences():
        trained = fit(read_dataset(data), Recipe(seed=seed, epochs=epochs, rate=rate))
        save(trained, out)
    facts = trained.facts
    print(
        f"{out}: trained on {facts['parts'][0]} clips, best epoch {facts['epoch']} of {epochs}, temperature {facts['temperature']:g}."
    )


@classifier_app.command("evaluate")
def evaluate_command(
    model: Model,
    data: Data,
    card: Annotated[Path | None, typer.Option(help="Write the card: .json, and .md beside it.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the reliability plot and the confusion matrix.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure on the test part: whole days of vehicles that training has not seen."""
    with sentences():
        dataset, opened = read_dataset(data), Opened(model)
        worth, rules = worth_of(opened, dataset), rules_worth(dataset)
        if not worth.count:
            raise BadInputError(f"{data} has no clips in its test part; nothing was measured.")
        if card is not None:
            _write_card(model, card, worth, rules)
        if html is not None:
            atomic.write_bytes(
                html, evaluation_page(f"{model.name} on {dataset.name}", worth, rules).encode()
            )
    if as_json:
        print_json({**worth.to_json(), "rules": {"accuracy": rules.accuracy, "macro_f1": rules.macro_f1}})
        return
    print(
        f"{worth.count} clips: accuracy {worth.accuracy:.3f} ({worth.accuracy_low:.3f} to {worth.accuracy_high:.3f}),"
    )
    print(
        f"the rules {rules.accuracy:.3f}; macro F1 {worth.macro_f1:.3f}; calibration error {worth.calibration_error:.3f}."
    )
    for each in worth.classes:
        print(
            f"{each.scenario:22}{each.support:6}  recall {each.recall:.3f} ({each.recall_low:.2f} to {each.recall_high:.2f})"
            f"  precision {each.precision:.3f}"
        )


def _write_card(model: Path, card: Path, worth: Worth, rules: Worth) -> None:
    if model.suffix == ".onnx":
        raise BadInputError(
            "A card is written from a trained network (.npz), which knows its data; nothing was written."
        )
    facts: dict[str, Any] = card_facts(load(model).facts, worth, rules)
    atomic.write_json(card, facts)
    atomic.write_bytes(card.with_suffix(".md"), card_text(facts).encode())


@classifier_app.command("export")
def export_command(network: Network, out: Out) -> None:
    """Write an ONNX file with its feature version, labels and data hash, and check that it says the same."""
    with sentences():
        digest = export(load(network), out)
        Opened(out)
    print(f"{out}: {bytes_text(out.stat().st_size)}, SHA-256 {digest}.")


@classifier_app.command("quantize")
def quantize_command(network: Network, data: Data, out: Out, as_json: AsJson = False) -> None:
    """Write an INT8 (QDQ) ONNX file, and say what accuracy it costs."""
    with sentences():
        done = quantise(load(network), read_dataset(data), out)
    if as_json:
        print_json(
            {
                "accuracy_float": done.accuracy_float,
                "accuracy_int8": done.accuracy_int8,
                "loss": done.loss,
                "agreement": done.agreement,
                "size_float_bytes": done.size_float_bytes,
                "size_int8_bytes": done.size_int8_bytes,
            }
        )
        return
    print(
        f"{out}: {bytes_text(done.size_int8_bytes)} in place of {bytes_text(done.size_float_bytes)}; accuracy "
        f"{done.accuracy_int8:.3f} in place of {done.accuracy_float:.3f}; the same answer for {done.agreement:.1%} of the clips."
    )


@classifier_app.command("compare")
def compare_command(
    first: Model,
    second: Annotated[Path, typer.Argument(metavar="OTHER", help="The one that may replace it.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Compare two models on the same test clips; exit code 1 when the other is worse beyond chance."""
    with sentences():
        dataset = read_dataset(data)
        features, labels = dataset.of(TEST)
        for path in (first, second):
            read_model(path)
        right = [Opened(path).probabilities(features).argmax(axis=1) == labels for path in (first, second)]
        if not len(labels):
            raise BadInputError(f"{data} has no clips in its test part; nothing was compared.")
    change, low, high = paired_difference(right[0], right[1])
    facts = {
        "first": float(right[0].mean()),
        "second": float(right[1].mean()),
        "difference": change,
        "interval": [low, high],
    }
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        said = "better" if low > 0 else "worse" if high < 0 else "not told apart"
        print(
            f"{first.name} {facts['first']:.3f}, {second.name} {facts['second']:.3f}: {change:+.3f} ({low:+.3f} to {high:+.3f}), {said}."
        )
    if high < 0:
        raise typer.Exit(1)
