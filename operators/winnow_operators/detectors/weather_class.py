"""Weather transitions (vehicle document 3.1): classes with hysteresis, so that drizzle does not flicker."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from winnow_operators.condition.saved import Json, Saved, load
from winnow_operators.detectors.detector import Detector, Inputs, Output, Outputs, Signal
from winnow_schemas.settings.signals import SignalType
from winnow_schemas.validation import Strict


class WeatherClassParams(Strict):
    """Where classes begin and end."""

    rain_on_mm_h: float = Field(default=0.5, gt=0)
    """Rain begins; the WMO's light rain begins at 0.1 mm/h, drizzle ends at 0.5."""
    rain_off_mm_h: float = Field(default=0.2, ge=0)
    """Rain ends."""
    fog_on_m: float = Field(default=1000.0, gt=0)
    """Visibility below it is fog (WMO, ICAO)."""
    fog_off_m: float = Field(default=1500.0, gt=0)
    """Fog ends."""
    snow_below_c: float = 0.5
    """Colder, precipitation is snow."""
    night_on_lux: float = Field(default=50.0, ge=0)
    """Darker is night: aprons are lit with 20 lx and more (ICAO Annex 14, 5.3.24)."""
    night_off_lux: float = Field(default=100.0, ge=0)
    """Night ends."""
    settle_s: float = Field(default=3.0, ge=0, le=3600)
    """A class must last this long until it counts."""


class WeatherState(Saved, frozen=True):
    """What holds now, the class that counts, and the one that is settling."""

    rain: bool
    fog: bool
    night: bool
    settled: str
    candidate: str
    since_ns: int


class WeatherClass(Detector):
    """Turns measurements into ``clear``, ``rain``, ``snow`` or ``fog``, and says whether there is fog, rain, night."""

    name = "weather_class"
    summary = "classifies rain, snow, fog and night with hysteresis"
    inputs: ClassVar[Inputs] = {
        "weather": {
            "visibility": "visibility_m",
            "rain": "rain_mm_h",
            "light": "ambient_light_lux",
            "temperature": "ambient_temp_c",
        }
    }
    outputs: ClassVar[Outputs] = {
        "weather": Output(SignalType.TEXT, "", "clear, rain, snow or fog, once it has settled"),
        "rain": Output(SignalType.BOOL, "", "it rains or snows"),
        "fog": Output(SignalType.BOOL, "", "visibility is that of fog"),
        "night": Output(SignalType.BOOL, "", "it is dark"),
    }
    params_model = WeatherClassParams

    def __init__(self, params: Strict | None = None) -> None:
        super().__init__(params)
        self._rain = self._fog = self._night = False
        self._settled = ""
        self._candidate = ""
        self._since_ns = 0

    def see(self, input_name: str, t_ns: int, fields: Mapping[str, Any]) -> list[Signal]:
        values = {name: float(value) for name, value in fields.items()}
        if not all(math.isfinite(value) for value in values.values()):
            return self.without(input_name)
        params = self.params
        rain, seen = values["rain"], values["visibility"]
        self._rain = rain >= (params.rain_off_mm_h if self._rain else params.rain_on_mm_h)
        self._fog = seen < (params.fog_off_m if self._fog else params.fog_on_m)
        self._night = values["light"] < (params.night_off_lux if self._night else params.night_on_lux)
        wet = "snow" if values["temperature"] < params.snow_below_c else "rain"
        self._settle(wet if self._rain else "fog" if self._fog else "clear", t_ns)
        return [("weather", self._settled), ("rain", self._rain), ("fog", self._fog), ("night", self._night)]

    def _settle(self, now: str, t_ns: int) -> None:
        if now != self._candidate:
            self._candidate = now
            self._since_ns = t_ns
        if not self._settled or t_ns - self._since_ns >= self.params.settle_s * 1e9:
            self._settled = self._candidate

    def snapshot(self) -> Json:
        return WeatherState(
            self._rain, self._fog, self._night, self._settled, self._candidate, self._since_ns
        ).to_json()

    def restore(self, state: object) -> None:
        saved = load(WeatherState, state)
        self._rain, self._fog, self._night = saved.rain, saved.fog, saved.night
        self._settled, self._candidate, self._since_ns = saved.settled, saved.candidate, saved.since_ns
