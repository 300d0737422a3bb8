"""Whether signals find their fields in the recording that a graph names."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from winnow_operators.fields import FieldDecoder, FieldError, list_fields
from winnow_operators.graphs.model import Graph, Place
from winnow_operators.graphs.rules import Finding, Severity
from winnow_runtime.recordings import RecordingError, open_recording
from winnow_schemas.channel import Channel
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.yaml_source import YamlDocument

_MOST_NAMED = 12
"""Fields and topics that a sentence lists."""
_CLOSE = 3


def recording_of(path: Path, graph: Graph) -> Path | None:
    """The one recording that the nodes name; None when there is none, or several."""
    names = {value for node in graph.nodes for key, value in node.env if key == "WINNOW_RECORDING" and value}
    return path.resolve().parent / names.pop() if len(names) == 1 else None


def signals(
    settings: DeviceSettings, document: YamlDocument | None, recording: Path | None
) -> Iterator[Finding]:
    """Fields that no message of their topic has, and topics that are not there; no message is read.

    What the recording says elsewhere (`winnow run` names one that cannot be read) is not said here.
    """
    named = {name: signal for name, signal in settings.signals.items() if signal.topic}
    if document is None or recording is None or not named:
        return
    channels = _channels(recording)
    if channels is None:
        return
    for name, signal in named.items():
        if ("signals", name) not in document.marks:
            continue  # from the suite, which a recording may have in part
        channel = channels.get(signal.topic)
        if channel is None:
            message = f"signals.{name}: {recording.name} has no topic {signal.topic}; {_topics_like(signal.topic, channels)}"
            yield _finding(document, Severity.WARNING, (name, "topic"), message)
        elif (why := _wrong(channel, signal.field)) is not None:
            yield _finding(
                document, Severity.ERROR, (name, "field"), f"signals.{name}: {signal.topic}: {why}"
            )


def _channels(recording: Path) -> dict[str, Channel] | None:
    """The first channel of each topic; None where the recording cannot be read."""
    try:
        with open_recording(recording) as opened:
            channels: dict[str, Channel] = {}
            for channel in opened.channels:
                channels.setdefault(channel.topic, channel)
            return channels
    except (RecordingError, OSError):
        return None


def _wrong(channel: Channel, path: str) -> str | None:
    """Why the path cannot be used with the schema, and what can; None when it can, or nobody knows."""
    try:
        available = [field for field, _ in list_fields(channel)]
    except FieldError:
        return None  # no schema that is understood: the trigger node says so when the first message comes
    if not available:
        return None
    try:
        FieldDecoder(channel, [path])
    except FieldError as error:
        more = f" and {len(available) - _MOST_NAMED} more" if len(available) > _MOST_NAMED else ""
        first = difflib.get_close_matches(path, available, _CLOSE, 0.3)
        listed = list(dict.fromkeys([*first, *available]))[:_MOST_NAMED]
        return f"{str(error).removesuffix('.')} (fields: {', '.join(listed)}{more})"
    return None


def _topics_like(topic: str, channels: Mapping[str, Channel]) -> str:
    close = difflib.get_close_matches(topic, channels, _CLOSE)
    if close:
        return f"did you mean {' or '.join(close)}?"
    more = f" and {len(channels) - _MOST_NAMED} more" if len(channels) > _MOST_NAMED else ""
    return f"it has {', '.join(sorted(channels)[:_MOST_NAMED]) or 'none'}{more}"


def _finding(document: YamlDocument, severity: Severity, where: tuple[str, ...], message: str) -> Finding:
    problem = document.problem(("signals", *where), message)
    return Finding(severity, Place(problem.file, problem.line, problem.column), problem.message)
