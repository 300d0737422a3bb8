"""The functions of the language: names, arguments, and a sentence each. Documentation is made from this table."""

from typing import NamedTuple


class Function(NamedTuple):
    """How a function is called and what it gives."""

    signature: str
    """As documentation shows it."""
    required: tuple[str, ...]
    optional: tuple[str, ...]
    summary: str


def _function(signature: str, required: str, optional: str, summary: str) -> Function:
    return Function(signature, tuple(required.split()), tuple(optional.split()), summary)


WINDOWS: dict[str, Function] = {
    "median": _function("median(x, 10 s)", "value window", "min_samples", "median of the samples"),
    "mean": _function("mean(x, 10 s)", "value window", "min_samples", "mean of the samples"),
    "std": _function("std(x, 2 s)", "value window", "min_samples", "population standard deviation"),
    "min": _function("min(x, 10 s)", "value window", "min_samples", "smallest sample"),
    "max": _function("max(x, 10 s)", "value window", "min_samples", "largest sample"),
    "percentile": _function(
        "percentile(x, 90, 100 s)",
        "value percent window",
        "min_samples",
        "percentile of the samples, linear between neighbours",
    ),
    "slope": _function(
        "slope(x, 5 s)", "value window", "min_samples", "least-squares change per second over the samples"
    ),
    "sum": _function("sum(x, 10 s)", "value window", "min_samples", "sum of the samples"),
    "delta": _function(
        "delta(x, 2 s)",
        "value",
        "window min_samples",
        "newest minus oldest sample; without a window, minus the one before",
    ),
    "count": _function(
        "count(x, 10 s)", "value window", "", "how many samples; of a yes/no value, how many were true"
    ),
    "rate": _function(
        "rate(x, 5 s)",
        "value window",
        "",
        "samples per second; unknown until the window has been covered once",
    ),
}
"""Functions over the samples in the last so many seconds of message time."""

MEMORIES: dict[str, Function] = {
    "previous": _function("previous(x)", "value", "", "the sample before the newest"),
    "rising": _function("rising(c)", "value", "", "true at the message with which `c` becomes true"),
    "falling": _function("falling(c)", "value", "", "true at the message with which `c` becomes false"),
    "edge": _function(
        "edge(c)", "value", "", "true at the message with which `c`, true or false or a text, changes"
    ),
    "for_at_least": _function(
        "for_at_least(c, 10 s)",
        "value duration",
        "",
        "true once `c` has been true without a break for so long",
    ),
    "stale": _function(
        "stale(x)",
        "value",
        "limit",
        "no message of `x` for its stale_s, or for the given time; never unknown",
    ),
}

TIMES: dict[str, Function] = {
    "every": _function(
        "every(30 min)",
        "period",
        "from_start",
        "true at each full period since the first message; `from_start=True`: at the first message too",
    ),
    "schedule": _function(
        'schedule("08:00", "16:30")',
        "time",
        "days",
        'true at these times of the day; `days="mon,tue"` limits the days',
    ),
    "time_of_day": _function(
        'time_of_day("22:00", "05:00")',
        "begin end",
        "",
        "between the two times, the first included, over midnight if need be",
    ),
    "hour": _function("hour", "", "", "hour of the day, 0 to 23"),
}

PLACES: dict[str, Function] = {
    "distance_m": _function(
        "distance_m(since=fired)",
        "",
        "since",
        "metres travelled since the trigger last fired, or since=start",
    ),
    "in_zone": _function(
        'in_zone("apron_3")', "", "name kind", 'inside a zone of the map, by name or by kind="apron"'
    ),
    "new_cell": _function(
        "new_cell(50 m)", "size", "", "true on entering a square of that size not visited before"
    ),
}

TEXTS: dict[str, Function] = {
    "has_word": _function(
        'has_word(x, "flag")', "value word", "", "whether a text contains the word, whatever its case"
    ),
}

MATHS: dict[str, Function] = {
    "abs": _function("abs(x)", "value", "", "magnitude"),
    "sqrt": _function("sqrt(x)", "value", "", "square root; unknown below zero"),
    "hypot": _function("hypot(x, y)", "x y", "z", "length of a vector"),
    "clamp": _function("clamp(x, low, high)", "value low high", "", "x, kept within the bounds"),
}
"""``min`` and ``max`` of two or more values, written ``max(x, y)``, are MATHS too."""

ALL: dict[str, Function] = {**WINDOWS, **MEMORIES, **TIMES, **PLACES, **TEXTS, **MATHS}
