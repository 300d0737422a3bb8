"""The text of ``settings.yml``: rings, signals, and triggers to start from."""

import math

from winnow_operators.fields import Value
from winnow_tools.scaffold.plan import Plan, PortPlan, SignalPlan
from winnow_tools.scaffold.sizing import LEAST_RING_BYTES, MOST_HOT_S
from winnow_tools.scaffold.writing import comment, number, scalar, size

_HEAD = """\
# Made by `winnow scaffold` from {recording}.
# `winnow check` tells whether it fits this machine; every setting that is not here has its default.

vehicle:
  id: unknown              # goes into every clip's sidecar and object key
  airport: unknown

out: out                   # the run's folder, unless WINNOW_OUT names another

ring:
  memory_mib: {memory}         # all rings together with their indexes

recorder:
  limit_gb: 20             # room for the warm tier; the oldest segment goes first
  min_retention_s: 900

upload:
  enabled: false           # set endpoint_url, bucket and credentials first
"""
_TRIGGERS = """\
triggers:
  library: none            # `standard`: the triggers that ship with Winnow, those whose signals are mapped
  set:
    time_sample:
      description: A sample of 6 s every 10 s, whatever happens.
      when: every(10 s, from_start=True)
      priority: P5
      pre_roll_s: 3
      post_roll_s: 3
"""
_EXAMPLES = """\

    # Examples from the values in the recording: take the # away and set what you want.
    # Each takes the outermost hundredth of the values, so expect it to fire now and then.
"""


def settings_yaml(plan: Plan) -> str:
    """Write the settings."""
    parts = [
        _HEAD.format(recording=comment(plan.recording.name), memory=f"{plan.memory_mib:g}"),
        plan.live,
        _topics(plan),
        _signals(plan),
        _position(plan),
        _TRIGGERS + _examples(plan),
    ]
    return "\n".join(part for part in parts if part)


def _topics(plan: Plan) -> str:
    lines = ["topics:"]
    for port in plan.ports:
        lines += [f"  # {_seen(port)}", f"  {scalar(port.topic)}:"]
        lines.append(f"    kind: {port.kind}")
        lines.append(_noted(f"ring_mib: {_mib(port.ring.ring_bytes)}", _hot(port)))
        if (rate := _expected_mb_s(port)) is not None:
            lines.append(f"    expected_mb_s: {rate}")
        lines.append(f"    compression: {port.compression}")
        if port.latched:
            lines.append("    latched: true")
        if port.drop_order:
            lines.append(
                _noted(f"drop_order: {port.drop_order}", "left out of clips that are over their size cap")
            )
    lines += [f"  # {comment(sentence)}" for sentence in plan.left_out]
    return "\n".join(lines if plan.ports else ["topics: {}", *lines[1:]]) + "\n"


def _seen(port: PortPlan) -> str:
    statistics = port.survey.statistics
    kind = comment(statistics.schema_name or statistics.encoding or "no schema", 80)
    if not statistics.count:
        return f"{kind}: no messages"
    rate = f"{number(statistics.rate_hz)} Hz, " if statistics.rate_hz else ""
    messages = "1 message" if statistics.count == 1 else f"{statistics.count:,} messages"
    return (
        f"{kind}: {messages}, {rate}{size(statistics.mean_bytes)} each, {size(statistics.max_bytes)} at most"
    )


def _hot(port: PortPlan) -> str:
    if math.isinf(port.ring.hot_s):
        return "too few messages for a rate"
    return f"the last {number(port.ring.hot_s)} s"


def _expected_mb_s(port: PortPlan) -> str | None:
    """As measured, to three figures; None where the least ring holds more than any clip wants."""
    rate = port.survey.statistics.mean_bytes * port.survey.statistics.rate_hz
    if not math.isfinite(rate) or rate * MOST_HOT_S <= LEAST_RING_BYTES:
        return None
    places = max(0, 2 - math.floor(math.log10(rate / 1e6)))
    return f"{float(f'{rate / 1e6:.3g}'):.{places}f}"


def _mib(size_bytes: int) -> str:
    """Exact: rings are multiples of 64 KiB, which is a sixteenth of a MiB."""
    return f"{size_bytes / 1024 / 1024:.4f}".rstrip("0").rstrip(".")


def _noted(setting: str, note: str) -> str:
    return f"    {setting:<22} # {note}"


def _signals(plan: Plan) -> str:
    if not plan.signals:
        return ""
    lines = ["# Fields that vary in the recording, with the range of their values.", "signals:"]
    for signal in plan.signals:
        lines += [
            f"  # {signal.name}: {_range(signal)}",
            f"  {signal.name}:",
            f"    topic: {scalar(signal.topic)}",
            f"    field: {scalar(signal.values.path)}",
        ]
        if signal.values.value in (Value.BOOL, Value.TEXT):
            lines.append(f"    type: {signal.values.value}")
        if signal.unit:
            lines.append(f"    unit: {signal.unit}")
    return "\n".join(lines) + "\n"


def _range(signal: SignalPlan) -> str:
    seen = signal.values
    if seen.value is Value.TEXT:
        return comment(" | ".join(sorted(seen.texts)))
    if seen.value is Value.BOOL:
        return "false .. true"
    span = seen.high - seen.low
    unit = f" {signal.unit}" if signal.unit else ""
    return f"{number(seen.low, span)} .. {number(seen.high, span)}{unit}"


def _position(plan: Plan) -> str:
    if plan.position is None:
        return ""
    latitude, longitude = plan.position
    return f"position:\n  latitude_deg: {latitude}\n  longitude_deg: {longitude}\n"


def _examples(plan: Plan) -> str:
    signals = [
        signal for signal in plan.signals if signal.values.varies and signal.name not in (plan.position or ())
    ]
    if not signals:
        return ""
    lines: list[str] = []
    for signal in signals:
        suffix, condition = _example(signal)
        lines += [
            f"    # {signal.name}: {_range(signal)}",
            f"    # {signal.name}_{suffix}:",
            f"    #   when: {condition}",
            "    #   priority: P3",
            "    #   pre_roll_s: 5",
            "    #   post_roll_s: 5",
            "    #",
        ]
    return _EXAMPLES + "\n".join(lines[:-1]) + "\n"


def _example(signal: SignalPlan) -> tuple[str, str]:
    """Name and condition of a trigger that would have fired now and then."""
    seen = signal.values
    if seen.value is Value.TEXT:
        return "is", f"{signal.name} == {scalar_text(min(seen.texts))}"
    if seen.value is Value.BOOL:
        return "set", f"rising({signal.name})"
    unit = f" {signal.unit}" if signal.unit else ""
    span = seen.high - seen.low
    if abs(seen.low) > abs(seen.high) or seen.path.startswith("min("):
        low = seen.percentile(0.01)
        return "low", f"{signal.name} {'<' if low > seen.low else '<='} {number(low, span)}{unit}"
    if _is_speed(signal) and seen.low < 0.1 < seen.high:
        return "standing", f"for_at_least({signal.name} < 0.1 m/s, 20 s)"
    high = seen.percentile(0.99)
    return "high", f"{signal.name} {'>' if high < seen.high else '>='} {number(high, span)}{unit}"


def _is_speed(signal: SignalPlan) -> bool:
    return signal.unit == "m/s" and (signal.values.path.endswith("linear.x") or "speed" in signal.values.path)


def scalar_text(text: str) -> str:
    """A text in a condition."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
