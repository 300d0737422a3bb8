"""The document of section 8.4, its comments removed, and what is made from it."""

EXAMPLE = """{
  "version": "2026.04.11.001",
  "updates": {
    "ood_spike": {"threshold": 6.0, "cooldown_sec": 15},
    "novel_object": {"cooldown_sec": 60}
  },
  "coverage_requests": [
    {"condition": "night AND fog", "trigger": "weather_transition", "boost_priority": -1, "reduce_cooldown": 0.5},
    {"condition": "aircraft_type == widebody", "trigger": "time_sample", "interval_override_sec": 600}
  ],
  "saturation_signals": [
    {"scenario": "normal_routine", "coverage_frames": 15000, "target_frames": 10000,
     "action": "reduce_sampling_50pct"}
  ]
}
"""
