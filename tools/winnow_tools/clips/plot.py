"""Signals of a clip over time with the marks of its triggers, as a page that works offline."""

from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import McapReader, make_reader

from winnow_operators.fields import FieldDecoder, FieldError, Value, list_fields
from winnow_runtime.mcapfile.records import channel_of, channels_of
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.validation import validate
from winnow_schemas.yaml_source import load_text
from winnow_tools.clips.collection import Clip
from winnow_tools.pages.assets import read_asset
from winnow_tools.pages.document import html_document
from winnow_tools.pages.markup import text
from winnow_tools.report.formats import date_text, duration_text, number_text, time_text
from winnow_tools.triggers.chart import Span, axis_svg, marks_svg, numbers_svg, steps_svg
from winnow_tools.triggers.trace import COLUMNS, Line, Steps

CHARTS_MAX = 24
"""Charts of one page when nobody chose: more is scrolled past."""
FIELDS_MAX = 200
"""Charts of one page at all."""
SETTINGS_MAX_BYTES = 4 * 1024 * 1024
_NUMBERS = frozenset(
    [
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
        "number",
        "integer",
    ]
)


@dataclass(slots=True)
class Curve:
    """A field of a topic over the clip."""

    topic: str
    path: str
    name: str
    """Of the signal, where the settings name it so; else the path."""
    unit: str = ""
    line: Line = field(default_factory=Line)
    steps: Steps = field(default_factory=Steps)
    is_steps: bool = False


def curves_of(clip: Clip, chosen: list[str]) -> list[Curve]:
    """The curves of a clip: the fields chosen (``TOPIC:PATH``), else the signals of its settings, else numbers.

    Raises:
        BadInputError: a field that was chosen is not there, or nothing can be drawn.

    """
    try:
        with clip.path.open("rb") as file:
            reader = make_reader(file)
            channels = channels_of(reader)
            curves = _chosen(channels, chosen) if chosen else _by_itself(reader, channels, clip)
            if not curves:
                raise BadInputError(
                    f"{clip.sidecar.name} has no field that can be drawn as a number; nothing was written."
                )
            _fill(reader, clip, curves)
    except (McapError, ValueError, EOFError, OSError) as error:
        raise BadInputError(
            f"{clip.path} cannot be read ({str(error)[:120] or type(error).__name__}); nothing was drawn."
        ) from None
    return curves


def _chosen(channels: list[Channel], chosen: list[str]) -> list[Curve]:
    if len(chosen) > FIELDS_MAX:
        raise BadInputError(f"{len(chosen)} fields were named, the limit is {FIELDS_MAX}; nothing was drawn.")
    curves = []
    for given in chosen:
        topic, colon, path = given.partition(":")
        ours = [channel for channel in channels if channel.topic == topic]
        if not colon or not ours:
            raise BadInputError(
                f"The field {given!r} is not TOPIC:PATH of a topic of the clip; nothing was drawn. "
                f"It has: {', '.join(sorted({channel.topic for channel in channels}))}."
            )
        try:
            FieldDecoder(ours[0], [path])
        except FieldError as error:
            raise BadInputError(f"{given}: {error} Nothing was drawn.") from None
        curves.append(Curve(topic, path, path))
    return curves


def _by_itself(reader: McapReader, channels: list[Channel], clip: Clip) -> list[Curve]:
    found = _signals(reader, channels, clip)
    if found:
        return found[:CHARTS_MAX]
    by_topic = [[Curve(channel.topic, path, path) for path in _numeric(channel)] for channel in channels]
    in_turn = chain.from_iterable(zip_longest(*by_topic))  # something of every topic first
    return sorted(islice(filter(None, in_turn), CHARTS_MAX), key=lambda curve: curve.topic)


def _signals(reader: McapReader, channels: list[Channel], clip: Clip) -> list[Curve]:
    """The signals of the settings that are in the clip, those that its triggers looked at first."""
    settings = _settings(reader)
    by_topic = {channel.topic: channel for channel in channels}
    looked_at = {name for trigger in clip.sidecar.triggers for name in trigger.values}
    found = []
    for name, signal in settings.signals.items() if settings else ():
        channel = by_topic.get(signal.topic)
        if channel is None:
            continue
        try:
            FieldDecoder(channel, [signal.field])
        except FieldError:
            continue
        found.append(Curve(signal.topic, signal.field, name, signal.unit))
    return sorted(found, key=lambda curve: (curve.name not in looked_at, curve.name))


def _settings(reader: McapReader) -> DeviceSettings | None:
    summary = reader.get_summary()
    if summary is None or any(
        index.name == "settings.yml" and index.data_size > SETTINGS_MAX_BYTES
        for index in summary.attachment_indexes
    ):
        return None
    for attachment in reader.iter_attachments():
        if attachment.name == "settings.yml":
            try:
                return validate(
                    DeviceSettings, load_text(attachment.data.decode("utf-8", "replace"), "settings.yml")
                )
            except BadInputError:
                return None  # of another version: the clip has its numbers all the same
    return None


def _numeric(channel: Channel) -> list[str]:
    try:
        return [
            path
            for path, kind in list_fields(channel)
            if "[" not in path and kind in _NUMBERS and ".stamp" not in path and ".seq" not in path
        ]
    except FieldError:
        return []


def _fill(reader: McapReader, clip: Clip, curves: list[Curve]) -> None:
    span_ns = max(1, clip.sidecar.end_ns - clip.sidecar.start_ns)
    by_topic: dict[str, list[Curve]] = {}
    for curve in curves:
        by_topic.setdefault(curve.topic, []).append(curve)
    decoders: dict[int, FieldDecoder | None] = {}
    for schema, record, message in reader.iter_messages(topics=sorted(by_topic)):
        if record.id not in decoders:
            decoders[record.id] = _decoder(channel_of(schema, record), by_topic[record.topic])
        decoder = decoders[record.id]
        if decoder is None or not 0 <= message.log_time - clip.sidecar.start_ns < span_ns:
            continue
        try:
            values = decoder.decode(message.data)
        except FieldError:
            continue
        column = (message.log_time - clip.sidecar.start_ns) * COLUMNS // span_ns
        for curve, value in zip(by_topic[record.topic], values, strict=True):
            _add(curve, column, message.log_time, value)


def _decoder(channel: Channel, curves: list[Curve]) -> FieldDecoder | None:
    try:
        decoder = FieldDecoder(channel, [curve.path for curve in curves])
    except FieldError:
        return None  # another publisher of the topic, with another type
    for curve, value in zip(curves, decoder.values, strict=True):
        curve.is_steps = value in (Value.BOOL, Value.TEXT)
    return decoder


def _add(curve: Curve, column: int, t_ns: int, value: Any) -> None:
    if curve.is_steps:
        curve.steps.add(t_ns, "" if value is None else str(value))
    elif value is None or isinstance(value, int | float):
        number = None if value is None or value != value else float(value)  # noqa: PLR0124 - NaN
        curve.line.add(column, number)


# --- the page ---------------------------------------------------------------------------------------------


def render_plot(clip: Clip, curves: list[Curve]) -> str:
    """The page."""
    sidecar = clip.sidecar
    span = Span(sidecar.start_ns, sidecar.end_ns)
    events = _events(clip)
    panels = [
        axis_svg(span),
        _panel("Triggers", "and the windows that they asked for", marks_svg(span, events, [], "Triggers")),
    ]
    panels += [_curve_panel(span, curve, events, sidecar.end_ns) for curve in curves]
    when = f"{date_text(sidecar.start_ns)} {time_text(sidecar.start_ns)} – {time_text(sidecar.end_ns)} UTC"  # noqa: RUF001
    told = f"{sidecar.vehicle_id} · {when} · {duration_text(sidecar.end_ns - sidecar.start_ns)}"
    header = (
        f'<header class="bar"><div class="bar-title">{read_asset("mark.svg")}<h1>{text(sidecar.name)} '
        f'<span class="prio p{sidecar.priority}">P{sidecar.priority}</span></h1>'
        f'<p class="muted">{text(told)}</p></div><div class="tools"><button type="button" id="theme" class="icon" '
        'aria-label="Switch between light and dark" title="Light or dark">'
        f"{read_asset('theme.svg')}</button></div></header>"
    )
    body = (
        f"{header}<main>"
        f'<section class="part" aria-labelledby="t"><h2 id="t">Triggers</h2>{_table(clip)}</section>'
        '<section class="part" aria-labelledby="s"><h2 id="s">Signals</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Charts">{"".join(panels)}</div></section></main>'
        '<footer class="muted">Winnow · times are message time, UTC · values as recorded</footer>'
        '<div id="tip" class="tip" role="status" hidden></div>'
    )
    return html_document(
        f"{sidecar.name} · Winnow",
        body,
        styles=("tokens.css", "base.css", "report.css", "trigger.css"),
        scripts=("theme.js", "report.js"),
    )


def _events(clip: Clip) -> list[TriggerEvent]:
    return [
        TriggerEvent(
            event_id=trigger.event_id,
            type=trigger.type,
            priority=trigger.priority,
            t_ns=trigger.t_ns,
            pre_roll_ns=round(trigger.pre_roll_s * 1e9),
            post_roll_ns=round(trigger.post_roll_s * 1e9),
            value=None,  # a mark on every curve, not a point on one
            threshold=None,
            condition=trigger.condition,
            values="{}",
            topics=[],
            latitude_deg=None,
            longitude_deg=None,
        )
        for trigger in clip.sidecar.triggers
    ]


def _curve_panel(span: Span, curve: Curve, events: list[TriggerEvent], end_ns: int) -> str:
    source = f"{curve.topic} {curve.path}" if curve.name != curve.path else curve.topic
    more = f"{source}, in {curve.unit}" if curve.unit else source
    if curve.is_steps:
        drawn = steps_svg(span, curve.steps, end_ns, curve.name) if curve.steps.changes else ""
    else:
        line = curve.line
        drawn = (
            ""
            if line.is_empty
            else numbers_svg(span, [("value", line)], curve.name, events=events, height=120.0)
        )
    return _panel(curve.name, more if drawn else f"{more}: no message brought a value", drawn)


def _panel(title: str, more: str, chart: str) -> str:
    return f'<div class="panel"><h3>{text(title)} <span class="muted">{text(more)}</span></h3>{chart}</div>'


def _table(clip: Clip) -> str:
    rows = "".join(
        f'<tr><td class="num">{text(time_text(trigger.t_ns, fine=True))}</td><td>{text(trigger.type)}</td>'
        f'<td><span class="prio p{trigger.priority}">P{trigger.priority}</span></td>'
        f'<td class="num">{text(number_text(trigger.value))}</td><td class="num">{text(number_text(trigger.threshold))}</td>'
        f'<td class="reason">{text(trigger.condition)}</td></tr>'
        for trigger in clip.sidecar.triggers
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Triggers"><table><thead><tr>'
        '<th class="num">Time</th><th>Trigger</th><th>Priority</th><th class="num">Value</th>'
        f'<th class="num">Threshold</th><th>Condition</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
