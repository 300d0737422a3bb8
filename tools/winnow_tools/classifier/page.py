"""The evaluation as one page: reliability, confusion, and every scenario with its interval."""

from html import escape

from winnow_operators.classify.evaluation import Worth
from winnow_operators.classify.network import SCENARIOS

_SIDE = 320


def evaluation_page(title: str, worth: Worth, rules: Worth) -> str:
    """A self-contained HTML page."""
    rows = "".join(
        f"<tr><td>{each.scenario}</td><td>{each.support}</td><td>{each.recall:.3f} ({each.recall_low:.2f} to {each.recall_high:.2f})"
        f"</td><td>{each.precision:.3f}</td><td>{each.f1:.3f}</td></tr>"
        for each in worth.classes
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>" + escape(title) + "</title>"
        "<style>body{font:15px system-ui;margin:2em;max-width:70em}td,th{padding:.2em .6em;border:1px solid #ccc;text-align:right}"
        "td:first-child{text-align:left}table{border-collapse:collapse;margin:1em 0}</style>"
        f"<h1>{escape(title)}</h1><p>{worth.count} clips. Accuracy {worth.accuracy:.3f} "
        f"({worth.accuracy_low:.3f} to {worth.accuracy_high:.3f} at 95 %); the bootstrap rules {rules.accuracy:.3f}. "
        f"Macro F1 {worth.macro_f1:.3f}. Expected calibration error {worth.calibration_error:.3f}.</p>"
        "<table><tr><th>scenario<th>clips<th>recall (95 %)<th>precision<th>F1</tr>" + rows + "</table>"
        "<h2>Reliability</h2><p>How often the classifier is right when it is so sure; on the line, it can be believed.</p>"
        + _reliability(worth)
        + "<h2>Confusion</h2><p>Rows: what people said. Columns: what the classifier said.</p>"
        + _confusion(worth)
    )


def _reliability(worth: Worth) -> str:
    largest = max((count for _, _, count in worth.reliability), default=1)
    dots = "".join(
        f"<circle cx='{30 + mean * _SIDE:.1f}' cy='{10 + (1 - part) * _SIDE:.1f}' r='{3 + 9 * (count / largest) ** 0.5:.1f}' "
        f"fill='#1565c0' fill-opacity='.7'><title>{mean:.2f} sure, {part:.2f} right, {count} clips</title></circle>"
        for mean, part, count in worth.reliability
    )
    return (
        f"<svg width='{_SIDE + 60}' height='{_SIDE + 50}' role='img' aria-label='Reliability plot'>"
        f"<rect x='30' y='10' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#999'/>"
        f"<line x1='30' y1='{10 + _SIDE}' x2='{30 + _SIDE}' y2='10' stroke='#999' stroke-dasharray='4'/>{dots}"
        f"<text x='{30 + _SIDE / 2 - 30}' y='{_SIDE + 40}'>how sure</text><text x='4' y='24'>1</text>"
        f"<text x='4' y='{_SIDE + 10}'>0</text></svg>"
    )


def _confusion(worth: Worth) -> str:
    head = "".join(f"<th>{each.value.replace('_', ' ')}</th>" for each in SCENARIOS)
    rows = []
    for scenario, row in zip(SCENARIOS, worth.confusion, strict=True):
        total = max(1, sum(row))
        cells = "".join(
            f"<td style='background:rgba(21,101,192,{count / total:.2f})'>{count}</td>" for count in row
        )
        rows.append(f"<tr><td>{scenario.value}</td>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"
