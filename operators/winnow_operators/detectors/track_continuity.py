"""Tracking failures (vehicle document 3.1): a large object's track is lost, or goes on under another id."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.detectors.columns import Columns, columns
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class TrackContinuityParams(Strict):
    """What counts as an object that a tracker must not lose."""

    large_m: float = Field(default=5.0, gt=0, le=200)
    """Objects at least this long are large: vehicles and aircraft, not people and cones."""
    range_m: float = Field(default=60.0, gt=0, le=1000)
    """Farther away a track may end because the object leaves the field of view."""
    min_age_s: float = Field(default=0.5, ge=0, le=60)
    """Younger tracks may have been false ones."""
    max_coast_s: float = Field(default=1.0, gt=0, le=60)
    """A track without an update for longer counts as lost although it is still reported."""
    grace_s: float = Field(default=1.0, ge=0, le=60)
    """A new track near where one ended, within this time, is the same object under another id."""
    gate_m: float = Field(default=3.0, gt=0, le=100)
    """How near that is, at once; for each second since, `speed_mps` more."""
    speed_mps: float = Field(default=8.0, ge=0, le=100)
    """How fast objects move against the vehicle."""


class _Seen(NamedTuple):
    x: float
    y: float
    length: float
    label: str
    first_ns: int
    newest_ns: int


class TracksState(Saved, frozen=True):
    """Tracks by id: those of the newest message, and those that have ended within the grace time."""

    tracks: list[tuple[int, _Seen]]
    ended: list[tuple[int, _Seen]]


class TrackContinuity(Detector):
    """Counts, per message, tracks of large objects that were lost, and tracks that changed their id."""

    name = "track_continuity"
    summary = "finds large objects whose track ends in the field of view, or goes on under another id"
    inputs: ClassVar[Inputs] = {
        "tracks": {
            "id": "tracks[].id",
            "label": "tracks[].label",
            "x": "tracks[].position.x",
            "y": "tracks[].position.y",
            "length": "tracks[].size.x",
            "age": "tracks[].age_s",
            "since": "tracks[].time_since_update_s",
        }
    }
    outputs: ClassVar[Outputs] = {
        "lost_tracks": Output(SignalType.NUMBER, "1", "large objects lost with this message"),
        "id_switches": Output(SignalType.NUMBER, "1", "large objects that go on under another id"),
    }
    params_model = TrackContinuityParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._tracks: dict[int, _Seen] = {}
        self._ended: dict[int, _Seen] = {}
        """Large objects whose track ended within the grace time."""

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        del input_name
        table = columns(fields, texts=("label",))
        now = self._alive(table, t_ns)
        for number, track in self._tracks.items():
            if number not in now and self._matters(track):
                self._ended[number] = track
        for number in now:
            self._ended.pop(number, None)
        switches = self._switches(now, t_ns)
        grace_ns = round(self.params.grace_s * 1e9)
        lost = [number for number, track in self._ended.items() if t_ns - track.newest_ns > grace_ns]
        for number in lost:
            del self._ended[number]
        self._tracks = now
        return [("lost_tracks", float(len(lost))), ("id_switches", float(switches))]

    def _alive(self, table: Columns, t_ns: int) -> dict[int, _Seen]:
        alive = {}
        for index in range(table.count):
            if not table["since"][index] <= self.params.max_coast_s:
                continue
            number = int(table["id"][index])
            before = self._tracks.get(number)
            begun_ns = t_ns - round(max(0.0, _finite(table["age"][index])) * 1e9)
            alive[number] = _Seen(
                float(table["x"][index]),
                float(table["y"][index]),
                _finite(table["length"][index]),
                table.texts["label"][index],
                min(before.first_ns, begun_ns) if before else begun_ns,
                t_ns,
            )
        return alive

    def _matters(self, track: _Seen) -> bool:
        params = self.params
        return bool(
            track.length >= params.large_m
            and math.hypot(track.x, track.y) <= params.range_m
            and track.newest_ns - track.first_ns >= params.min_age_s * 1e9
        )

    def _switches(self, now: dict[int, _Seen], t_ns: int) -> int:
        """Ended tracks that a new one continues; each new one continues at most one."""
        count = 0
        for number in sorted(set(now) - set(self._tracks)):
            fresh = now[number]
            near = [
                (math.hypot(fresh.x - ended.x, fresh.y - ended.y), old)
                for old, ended in self._ended.items()
                if abs(fresh.length - ended.length) <= 0.5 * max(fresh.length, ended.length)
                and math.hypot(fresh.x - ended.x, fresh.y - ended.y)
                <= self.params.gate_m + self.params.speed_mps * (t_ns - ended.newest_ns) / 1e9
            ]
            if near:
                del self._ended[min(near)[1]]
                count += 1
        return count

    def snapshot(self) -> Json:
        return TracksState(list(self._tracks.items()), list(self._ended.items())).to_json()

    def restore(self, state: object) -> None:
        saved = load(TracksState, state)
        self._tracks, self._ended = dict(saved.tracks), dict(saved.ended)


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0
