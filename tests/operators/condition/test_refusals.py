"""Hostile and mistaken text: each is refused with a sentence and a place, none crashes anything."""

import pytest
from tests.operators.condition.texts import SCOPE, SIGNALS

from winnow_operators.condition import ConditionError, ConditionLimits, Scope, check

HOSTILE = [
    "",
    "   \n\t ",
    "__import__('os').system('true')",
    "value.__class__ > 3",
    "(value).real > 3",
    "value.real",
    "().__class__",
    "[x for x in (1, 2)]",
    "[[0] * 10**9] == value",
    "{value: 1}",
    "{*value}",
    "lambda: value",
    "(lambda x: x)(value) > 3",
    "(x := 3) > value",
    "value if flag else 3",
    "await value",
    "yield value",
    "f'{value}' == status",
    "b'x' == status",
    "rb'x' == status",
    "status == 'a\\x62'",
    "status == 'open",
    "status == 'a' 'b'",
    "10**100 > value",
    "10**value > 3",
    "9**9**9**9 > value",
    "value << 3 > 1",
    "value >> 3 > 1",
    "value & 3",
    "value | flag",
    "~value > 1",
    "value // 2 > 1",
    "value @ value",
    "value[0] > 3",
    "value[::2]",
    "value > 3; flag",
    "value > 3, flag",
    "value = 3",
    "value == 3 = flag",
    "*value",
    "f(*value)",
    "f(**value)",
    "median(*value)",
    "import os",
    "print(value)",
    "eval('1') > value",
    "exec('x')",
    "open('/etc/passwd')",
    "median",
    "median(median, 3 s) > 2",
    "value > 1e999",
    "value > 0x1F",
    "value > 1_000",
    "value > 1j",
    "value > 3 quux",
    "value > " + "9" * 60,
    "value > None",
    "value is 3",
    "value is not None",
    "value \u0430nd flag",
    "v\u0430lue > 3",
    "value \uff1e 3",
    "value > \u0663",
    "value > 3\u00a0",
    "\u202evalue > 3",
    "value > 3 # comment",
    "value > 3 \\\n and flag",
    "\x00",
    "value\x00 > 3",
    "value > 3\x07",
    "\ud800",
    "value > 3" + "\U0001f600",
    "(" * 100 + "value" + ")" * 100 + " > 3",
    "not " * 100 + "flag",
    "-" * 100 + "value > 3",
    "value > " + "+".join(["1"] * 200),
    " and ".join(["flag"] * 130),
    "(" * 10_000,
    "value" * 200_000,
    "a" * 1_000_000,
    "not " * 250_000,
    "\x00" * 1_000_000,
    "x" * 300,
    "status == '" + "y" * 200 + "'",
    "value in ()",
    "value in (flag,)",
    "value in (" + ",".join("1" * 1 for _ in range(80)) + ")",
    "flag in (true, false)",
    "status in (1, 2)",
    "value in value",
    "()",
    "(1, 2)",
    "True",
    "1 > 0",
    "threshold > 3",
    "speed",
    "status",
    "speed > distance",
    "speed > 3 m",
    "speed + distance > 3",
    "speed > flag",
    "flag > flag",
    "flag + 1 > 2",
    "status > 'a'",
    "status == 3",
    "flag == 1",
    "not speed",
    "speed and flag",
    "-flag",
    "sped > 3",
    "spead > 3 m/s",
    "median(value) > 1",
    "median(value, 3 m) > 1",
    "median(value, flag) > 1",
    "median(value, value) > 1",
    "median(value, 0 s) > 1",
    "median(value, -3 s) > 1",
    "median(value, 40 d) > 1",
    "median(flag, 3 s) > 1",
    "median(3, 3 s) > 1",
    "median(value, 3 s, 5, 6) > 1",
    "median(value, 3 s, window=4 s) > 1",
    "median(value, 3 s, min_samples=0) > 1",
    "median(value, 3 s, min_samples=2.5) > 1",
    "median(value, 3 s, min_samples=100000000) > 1",
    "median(value, 3 s, quality=2) > 1",
    "percentile(value, 101, 3 s) > 1",
    "percentile(value, 3 s, 90) > 1",
    "std(value, 3 s, min_samples=1) > 1",
    "min(value) > 1",
    "max() > 1",
    "abs(value, value) > 1",
    "hypot(speed, distance) > 1",
    "clamp(value, 1) > 1",
    "rising(value)",
    "for_at_least(flag)",
    "for_at_least(True, 3 s)",
    "for_at_least(value, 3 s)",
    "stale(value + 1)",
    "stale(3)",
    "previous(3) == value",
    "every(1 ns)",
    "every(3 m)",
    "every(value)",
    "every(30 min, from_start=3)",
    "schedule('25:00')",
    "schedule('aa')",
    "schedule()",
    "schedule('08:00', days='someday')",
    "time_of_day('22:00')",
    "time_of_day('22:00', 5)",
    "distance_m(since=yesterday) > 3 m",
    "in_zone()",
    "in_zone(apron, kind=apron)",
    "in_zone(3)",
    "new_cell(0 m)",
    "new_cell(3 s)",
    "new_cell(1e9 m)",
    "has_word(value, 'x')",
    "has_word(status, 'two words')",
    "1 / 0 > value",
    "value > 1e300 * 1e300",
    "hour > 3 s * 2 m",
    "\uff56\uff41\uff4c\uff55\uff45 > 3",
    "\U0001d42f\U0001d41a\U0001d425\U0001d42e\U0001d41e > 3",
    "val\u200bue > 3",
    "value\u2066 > 3",
    "value > \u2460",
    "value > 3\u2028and flag",
    "va\u0301lue > 3",
    "value > \xbd",
    "value > 3 \u200f",
    "\ufeffvalue > 3",
    "value\xad > 3",
    "value > 3 \u212a",
    "(value for value in status)",
    "{value for value in (1, 2)} == value",
    "{value: value for value in (1, 2)} == value",
    "[[[[x for x in y] for y in z] for z in value] for value in status]",
    "2**2**2**2**2**2**2 > value",
    "value ** 5 > 1",
    "value ** -1 > 1",
    "value ** 1.5 > 1",
    "globals()['x']",
    "value.__init__.__globals__",
    "status.format(value)",
    "status % value == status",
    "getattr(value, 'x')",
    "__builtins__",
    "...",
    "value > ...",
    "NaN > value",
    "nan == nan",
    "value > inf",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_refused_with_a_sentence_and_a_place(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        check(text, SCOPE, file="settings.yml")
    error = caught.value
    assert len(error.sentence.split()) > 3, error.sentence
    assert error.sentence.rstrip()[-1] in ".?", error.sentence
    assert str(error).startswith(f"settings.yml:{error.line}:{error.column}: ")
    assert "^" in str(error).splitlines()[-1]
    assert len(str(error)) < 1200
    assert "Traceback" not in str(error)
    assert str(error).isprintable() or "\n" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "column", "marked", "part"),
    [
        ("sped > 3", 1, 1, "sped", "did you mean 'speed'?"),
        ("flag and sped > 3", 1, 10, "sped", "did you mean 'speed'?"),
        ("flag and\n  sped > 3", 2, 3, "sped", "did you mean 'speed'?"),
        ("speed > 3 m", 1, 1, "speed > 3 m", "in m/s cannot be compared with one in m"),
        ("value > 250 ms and sped", 1, 20, "sped", "did you mean 'speed'?"),
        ("value > 3 secs", 1, 11, "secs", "is not a unit"),
        ("medain(value, 3 s) > 2", 1, 1, "medain", "did you mean 'median'?"),
        ("median(value, 3 s, min_sample=2) > 2", 1, 20, "min_sample=2", "did you mean 'min_samples'?"),
        ("median(value, 3 m) > 2", 1, 15, "3 m", "must be in s, like 10 s"),
        ("value = 3", 1, 7, "=", "write '=='"),
        ("flag && flag", 1, 6, "&&", "write 'and'"),
        ("value > 0.3 g", 1, 13, "g", "m/s2"),
        ("flag flag", 1, 6, "flag", "without an operator"),
        ("value > ", 1, 7, ">", "ends too early"),
        ("(flag", 1, 1, "(", "never closed"),
        ("value \uff1e 3", 1, 7, "\uff1e", "did you mean '>'?"),
        ("value \u2265 3", 1, 7, "\u2265", "did you mean '>='?"),
        ("value > \u22123", 1, 9, "\u2212", "did you mean '-'?"),
        ("value > 5 \u03bcs", 1, 11, "\u03bc", "did you mean '\u00b5'?"),
        ("every(30 min) and distance_m(since=fire) > 1", 1, 36, "fire", "did you mean 'fired'?"),
    ],
)
def test_the_place_is_that_of_the_users_text(text, line, column, marked, part) -> None:
    with pytest.raises(ConditionError) as caught:
        check(text, SCOPE)
    error = caught.value
    assert part in error.sentence
    assert (error.line, error.column) == (line, column)
    start, end = error.span
    assert (
        marked.startswith(text[start:end])
        or text[start:end].startswith(marked)
        or marked.endswith(text[start:end])
    )
    shown, carets = error.picture().splitlines()
    assert shown[carets.index("^") :].startswith(text[start])


@pytest.mark.parametrize(
    ("text", "limit", "named"),
    [
        ("value > 1 or " * 30 + "flag", ConditionLimits(max_chars=100), "limit is 100"),
        ("flag and (flag or (flag and flag))", ConditionLimits(max_tokens=5), "more than 5 words"),
        ("((((flag))))", ConditionLimits(max_depth=3), "deeper than 3 levels"),
        ("value+value+value+value+value>1", ConditionLimits(max_depth=3), "3 levels"),
        ("value+value+value+value>1", ConditionLimits(max_nodes=5), "5 parts"),
        ("mean(value, 1 s) > mean(value, 2 s)", ConditionLimits(max_windows=1), "limit is 1"),
        ("mean(value, 1 h) > 2", ConditionLimits(max_window_s=60), "60 s"),
        ("mean(value, 1 h) > 2", ConditionLimits(max_window_bytes=2**20), "limit is 1 MiB"),
        ("every(1 s)", ConditionLimits(min_period_s=10), "10 s"),
    ],
)
def test_each_limit_is_named(text, limit, named) -> None:
    with pytest.raises(ConditionError, match=named):
        check(text, SCOPE, limits=limit)


def test_position_and_zones_must_be_there() -> None:
    nowhere = Scope(SIGNALS, has_position=False)
    with pytest.raises(ConditionError, match="name its signals under 'position'"):
        check("distance_m() > 3 km", nowhere)
    with pytest.raises(ConditionError, match="'x_m' and 'y_m'"):
        check("in_zone(apron)", Scope(SIGNALS, has_map_position=False))
    with pytest.raises(ConditionError, match="under 'zones'"):
        check("in_zone(apron)", Scope(SIGNALS, has_zones=False))


def test_a_name_cannot_be_signal_and_parameter() -> None:
    with pytest.raises(ConditionError, match="both a signal and a parameter"):
        check("value > 3", Scope(SIGNALS, {"value": 3.0}))
