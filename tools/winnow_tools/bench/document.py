"""``docs/benchmarks.md``: each benchmark's newest figures between two marks; what people wrote stays."""

import re
from collections.abc import Iterable
from typing import Any


def render(result: dict[str, Any]) -> str:
    """One benchmark's section."""
    facts = dict(result["machine"])
    load, repetitions = facts.pop("load", ""), facts.pop("repetitions", 1)
    described = ", ".join(f"{key} {value}" for key, value in facts.items())
    lines = [
        f"### `winnow bench {result['bench']}`",
        "",
        f"Load: {load}",
        f"Repetitions: {repetitions}.",
        f"Machine: {described}.",
        "",
        "| measure | value | wanted | met | beside |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        value = "-" if row["value"] is None else f"{row['value']:g} {row['unit']}"
        met = {True: "yes", False: "**no**", None: ""}[row["met"]]
        beside = "; ".join(f"{key}: {item}" for key, item in row["beside"].items())
        said = ". ".join(part for part in (beside, row.get("note", "")) if part)
        lines.append(
            " | ".join(
                ["| " + row["measure"], value, row["wanted"] or "", met, said.replace("|", "/") + " |"]
            )
        )
    return "\n".join(lines) + "\n"


def with_results(text: str, results: Iterable[dict[str, Any]]) -> str:
    """The document with these sections replaced, or added at its end."""
    for result in results:
        name = result["bench"]
        begin, end = f"<!-- bench {name} -->", f"<!-- /bench {name} -->"
        section = f"{begin}\n{render(result)}{end}"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        found = pattern.search(text)
        if found:
            text = text[: found.start()] + section + text[found.end() :]
        else:
            text = text.rstrip("\n") + f"\n\n{section}\n"
    return text
