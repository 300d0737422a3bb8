"""A campaign against a device's settings and, where there is one, a recording: everything that `check` says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winnow_operators.campaign import Change, Merged, Tally, Vehicle, admit, differences, forecast, merge
from winnow_operators.campaign.difference import begins_anew
from winnow_runtime.campaign.signing import verify
from winnow_runtime.recordings import open_recording
from winnow_schemas.campaign import CampaignDocument, CampaignRefusedError, Refusal
from winnow_schemas.campaign.reading import UNTOUCHED
from winnow_tools.triggers.device import Device
from winnow_tools.triggers.playing import play

_FOR_OTHERS = (Refusal.OTHER_VEHICLE, Refusal.NOT_IN_CANARY)


@dataclass(slots=True)
class Judgement:
    """What a campaign would do to a device."""

    changes: list[Change]
    anew: list[str]
    """Triggers some of whose windows begin anew."""
    notes: list[str]
    before: Tally | None = None
    """What the device does on the recording without it."""
    after: Tally | None = None
    bytes_per_s: float = 0.0
    """Payload bytes of the recording per second."""
    problems: list[str] = field(default_factory=list)
    """What of the recording could not be read."""

    def to_json(self) -> dict[str, Any]:
        return {
            "changes": [str(change) for change in self.changes],
            "begin_anew": self.anew,
            "notes": self.notes,
            "forecast": {
                "before": self._tally(self.before),
                "after": self._tally(self.after),
            }
            if self.after
            else None,
            "problems": self.problems,
        }

    def _tally(self, tally: Tally | None) -> dict[str, Any] | None:
        if tally is None:
            return None
        return {
            "span_s": tally.span_ns / 1e9,
            "events": tally.events,
            "events_per_day": round(tally.events_per_day, 1),
            "gb_per_day": round(tally.gb_per_day(self.bytes_per_s), 3),
        }


def judge(
    document: CampaignDocument,
    device: Device,
    now_ns: int,
    *,
    base: Merged | None = None,
    recording: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Judgement:
    """Judge a campaign as a vehicle would, now. That it is for other vehicles is a note.

    Raises:
        BadInputError: it would be refused, or the recording cannot be read.

    """
    own = device.settings.vehicle
    signed = verify(document, device.settings.campaign.keys)
    notes = [f"Signature: {signed}."]
    try:
        admit(document.campaign, Vehicle(own.id, own.airport), now_ns)
    except CampaignRefusedError as error:
        if error.refusal not in _FOR_OTHERS:
            raise
        notes.append(f"{str(error).removesuffix(UNTOUCHED).strip()} It was looked at all the same.")
    if document.campaign.expires is None:
        notes.append("It has no end; 'expires' would give it one.")
    before = base or Merged(device.bare.active)
    after = merge(document.campaign, device.bare)
    judgement = Judgement(
        differences(before, after), begins_anew(before, after, device.bare), [*notes, *after.notes]
    )
    if recording is not None:
        _measure(judgement, device, before, after, recording, progress)
        _compare(judgement, document)
    return judgement


def _measure(
    judgement: Judgement,
    device: Device,
    before: Merged,
    after: Merged,
    path: Path,
    progress: Callable[[float], None] | None,
) -> None:
    with open_recording(path) as recording:
        played, judgement.problems = play(
            recording, device.settings, device.bare, [before, after], progress=progress
        )
        total = sum(each.bytes for each in recording.topics().values())
        span_s = max(1e-9, (recording.end_ns - recording.start_ns) / 1e9)
    judgement.bytes_per_s = total / span_s
    tallies = [forecast(each.events, each.start_ns, each.end_ns) for each in played]
    judgement.before, judgement.after = tallies


def _compare(judgement: Judgement, document: CampaignDocument) -> None:
    said, measured = document.campaign.forecast, judgement.after
    if said is None or measured is None:
        return
    gb = measured.gb_per_day(judgement.bytes_per_s)
    if measured.events_per_day > said.events_per_day or gb > said.gb_per_day:
        judgement.notes.append(
            f"Its forecast is {said.events_per_day:g} events and {said.gb_per_day:g} GB a day; on this recording it is "
            f"{measured.events_per_day:.3g} events and {gb:.3g} GB a day."
        )
