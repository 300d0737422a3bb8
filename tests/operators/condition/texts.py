"""Texts of conditions for fuzzing: words in any order, valid conditions with damage, and valid ones grown from a grammar."""

from hypothesis import strategies as st

from winnow_operators.condition import Scope, SignalSpec
from winnow_operators.condition.units import parse_unit
from winnow_schemas.library import library_triggers
from winnow_schemas.settings.signals import SignalType

SIGNALS = {
    "speed": SignalSpec("speed", SignalType.NUMBER, parse_unit("m/s")),
    "distance": SignalSpec("distance", SignalType.NUMBER, parse_unit("m")),
    "value": SignalSpec("value"),
    "flag": SignalSpec("flag", SignalType.BOOL),
    "status": SignalSpec("status", SignalType.TEXT),
}
SCOPE = Scope(SIGNALS, {"threshold": 5.0})

PIECES = st.sampled_from(
    [
        "speed", "value", "flag", "status", "threshold", "hour", "median(", "mean(", "for_at_least(", "rising(",
        "every(", "max(", "in_zone(", "schedule(", "'08:00'", "(", ")", ",", ">", "<", "==", "!=", "=", "+", "-",
        "*", "/", "%", "**", "and", "or", "not", "in", "3", "3 m", "250 ms", "1e3", ".5", "km/h", "'x'", '"', "\\",
        "\x00", "é", "msg.data", "since=fired", "min_samples=3", "true", "None", ":", "[", "]", "{", "lambda", "\n",
    ]
)  # fmt: skip
WORDS = (
    st.lists(PIECES, max_size=40).map(" ".join)
    | st.lists(PIECES, max_size=40).map("".join)
    | st.text(max_size=80)
)

_VALID = [
    *(entry.when for entry in library_triggers().values()),
    "speed > 30 km/h and distance < 3 m",
    "for_at_least(speed < 0.1 m/s and not flag, 10 s)",
    "value > 2 * median(value, 5 s, min_samples=10) or status in ('a', 'b')",
    "schedule('08:00', '16:30', days='mon,tue') and time_of_day('22:00', '05:00')",
]
_TRICKS = (
    "\u202e", "\u2066", "\u200b", "\ufeff", "\u0301", "\u3000", "\u2028", "\xa0", "\x00", "\ud800", "\uff1e", "\u0430",
    "\U0001d42f", "\u212a", "**9" * 9, "(" * 40, ".__class__", "()", "[0]", "#", ";", "\\", "'", "\n", "1e999", "9" * 40,
    " for x in y", " if 1 else 2", ":=", "lambda:", "@", "`", "!", "$", "?", "\t", "_" * 70, " 3 m", " s", "not ",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A valid condition with some of it cut out, doubled, or replaced by something that looks alike or is evil."""
    text = draw(st.sampled_from(_VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            text = text[:start] + text[end:]
        elif kind == 1:
            text = text[:end] + text[start:]
        elif kind == 2:
            text = text[:start] + draw(st.sampled_from(_TRICKS)) + text[end:]
        else:
            text = text[:start] + "".join(_lookalike(sign) for sign in text[start:end]) + text[end:]
    return text


def _lookalike(sign: str) -> str:
    """The fullwidth form of an ASCII character, which Python's own parser would take for the same in a name."""
    return chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign


NUMBERS = st.deferred(
    lambda: (
        st.sampled_from(["value", "threshold", "3", "-2.5", "1e300", "0", "previous(value)", "delta(value)"])
        | st.builds("({} {} {})".format, NUMBERS, st.sampled_from("+-*/%"), NUMBERS)
        | st.builds("({} ** {})".format, NUMBERS, st.integers(0, 4))
        | st.builds("{}({})".format, st.sampled_from(["abs", "sqrt"]), NUMBERS)
        | st.builds("{}({}, {})".format, st.sampled_from(["hypot", "max", "min"]), NUMBERS, NUMBERS)
        | st.builds(
            "{}(value, {} s)".format,
            st.sampled_from(
                ["median", "mean", "std", "min", "max", "slope", "sum", "delta", "count", "rate"]
            ),
            st.sampled_from(["0.5", "2", "10"]),
        )
        | st.builds("percentile(value, {}, 3 s)".format, st.integers(0, 100))
    )
)
CONDITIONS = st.deferred(
    lambda: (
        st.sampled_from(["flag", "stale(value)", "status == 'a'", "every(1 s)", "edge(status)"])
        | st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS)
        | st.builds("not ({})".format, CONDITIONS)
        | st.builds("({}) {} ({})".format, CONDITIONS, st.sampled_from(["and", "or"]), CONDITIONS)
        | st.builds("for_at_least({}, {} s)".format, CONDITIONS, st.sampled_from(["0.5", "2"]))
        | st.builds("{}({})".format, st.sampled_from(["rising", "falling", "edge"]), CONDITIONS)
    )
)
"""Conditions that are valid apart from limits and constants out of range."""
