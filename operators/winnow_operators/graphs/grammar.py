"""The small languages inside a dataflow: ids, and what an input listens to.

After dora 1.1's ``dora_message::id`` and ``dora_message::config::InputMapping``.
"""

import math
import re

from winnow_operators.graphs.model import Logs, OutputRef, Source, Timer

MAX_ID = 200
"""Characters of an id; it becomes part of file names."""
LOG_LEVELS = ("stdout", "error", "warn", "info", "debug", "trace")
_UNIT_NS = {"secs": 10**9, "millis": 10**6, "micros": 10**3, "nanos": 1}
_MAX_INTERVAL_NS = 2**63
"""About 292 years; larger numbers are mistakes."""


class GrammarError(ValueError):
    """Text does not follow the grammar; the message ends the sentence that names the place."""


def node_id_flaw(text: str) -> str:
    """Why dora refuses this node id, or empty."""
    if text == "dora":
        return "'dora' is reserved for dora's own timers and logs"
    if text.startswith("."):
        return "an id may not begin with a dot"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", text):
        return "dora takes only letters, digits, '_', '-' and '.' in a node id"
    return ""


def port_id_flaw(text: str) -> str:
    """Why dora refuses this input or output id, or empty."""
    if not re.fullmatch(r"[A-Za-z0-9_./-]+", text):
        return "dora takes only letters, digits, '_', '-', '.' and '/' in a port id"
    if text.startswith("/") or text.endswith("/") or "//" in text:
        return "a port id may not have an empty part between slashes"
    return ""


def parse_source(text: str) -> Source:
    """Read what an input listens to.

    Raises:
        GrammarError: it is none of dora's forms.

    """
    head, slash, rest = text.partition("/")
    if not (slash and head and rest):
        raise GrammarError("write NODE/OUTPUT, dora/timer/millis/100 or dora/logs")
    if len(text) > 2 * MAX_ID:
        raise GrammarError(f"it has {len(text)} characters, the limit is {2 * MAX_ID}")
    if head != "dora":
        return OutputRef(head, rest)
    kind, _, rest = rest.partition("/")
    if kind == "timer":
        return Timer(_interval_ns(rest))
    if kind == "logs":
        return _logs(rest)
    raise GrammarError("of dora itself there are dora/timer/... and dora/logs")


def _interval_ns(text: str) -> int:
    unit, _, value = text.partition("/")
    if unit == "hz":
        try:
            hertz = float(value)
        except ValueError:
            hertz = math.nan
        if not (math.isfinite(hertz) and hertz > 0):
            raise GrammarError("a frequency in Hz must be a number above 0")
        interval_ns = min(1e9 / hertz, float(_MAX_INTERVAL_NS))
    elif unit in _UNIT_NS:
        if not re.fullmatch(r"\+?[0-9]{1,20}", value):
            raise GrammarError(f"a timer in {unit} needs a whole number")
        interval_ns = int(value) * _UNIT_NS[unit]
    else:
        raise GrammarError("the timer's unit must be secs, millis, micros, nanos or hz")
    if not 1 <= interval_ns < _MAX_INTERVAL_NS:
        raise GrammarError("the timer's interval must be between 1 ns and 292 years")
    return int(interval_ns)


def _logs(text: str) -> Logs:
    level, _, node = text.partition("/")
    if level and level.lower() not in LOG_LEVELS:
        raise GrammarError(f"the log level must be one of {', '.join(LOG_LEVELS)}")
    return Logs(level.lower(), node)
