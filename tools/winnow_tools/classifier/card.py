"""A model's card: what it was trained on and what it is worth, in figures to three decimals and in words."""

from typing import Any

from winnow_operators.classify.evaluation import Worth


def card_facts(facts: dict[str, Any], model: Worth, rules: Worth, sha256: str = "") -> dict[str, Any]:
    """What the card says, as JSON; training again gives the same to three decimals (the file's hash may differ)."""
    return {
        "trained_on": facts["trained_on"],
        "data_sha256": facts["data_sha256"],
        "parts": facts["parts"],
        "recipe": facts["recipe"],
        "model_sha256": sha256,
        "accuracy": round(model.accuracy, 3),
        "accuracy_interval": [round(model.accuracy_low, 3), round(model.accuracy_high, 3)],
        "macro_f1": round(model.macro_f1, 3),
        "calibration_error": round(model.calibration_error, 3),
        "rules_accuracy": round(rules.accuracy, 3),
        "rules_macro_f1": round(rules.macro_f1, 3),
        "recall": {each.scenario: round(each.recall, 3) for each in model.classes},
        "precision": {each.scenario: round(each.precision, 3) for each in model.classes},
        "support": {each.scenario: each.support for each in model.classes},
    }


def card_text(facts: dict[str, Any]) -> str:
    """The card as Markdown."""
    low, high = facts["accuracy_interval"]
    rows = [
        f"| {name} | {facts['support'][name]} | {facts['recall'][name]:.3f} | {facts['precision'][name]:.3f} |"
        for name in facts["recall"]
    ]
    return "\n".join(
        [
            "# Scenario classifier",
            "",
            f"Trained on: {facts['trained_on']}.",
            "It has never seen a real vehicle: what it is worth on yours has to be measured on yours.",
            (
                f"The data was split by vehicle and day into {facts['parts'][0]} clips for training, {facts['parts'][1]} for "
                f"calibration and {facts['parts'][2]} for the figures below."
            ),
            "",
            (
                f"Accuracy {facts['accuracy']:.3f} ({low:.3f} to {high:.3f} at 95 %), the bootstrap rules on the same clips "
                f"{facts['rules_accuracy']:.3f}."
            ),
            (
                f"Macro F1 {facts['macro_f1']:.3f} (rules {facts['rules_macro_f1']:.3f}); expected calibration error "
                f"{facts['calibration_error']:.3f}."
            ),
            "",
            "| scenario | clips | recall | precision |",
            "|---|---|---|---|",
            *rows,
            "",
            "Reproduce it with:",
            "",
            "```",
            "winnow classifier dataset --fleet 12000 --seed 1 -o fleet.parquet",
            "winnow classifier train fleet.parquet -o model.npz",
            "winnow classifier evaluate model.npz fleet.parquet --card card.json",
            "winnow classifier export model.npz -o scenarios.onnx",
            "```",
            "",
            f"Data SHA-256 (to four decimals): `{facts['data_sha256']}`.",
            "",
        ]
    )
