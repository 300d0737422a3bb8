"""A new campaign, with every part explained where it stands."""

from datetime import UTC, datetime, timedelta

_TEMPLATE = """\
# A campaign: an update of triggers for a fleet. docs/campaigns.md explains every part.
# `winnow campaign check` reads it, `winnow campaign sign` signs it, `winnow campaign apply` runs it.
version: {version}        # must grow with every campaign
name: {name}
description: ""
issued: {issued}
expires: {expires}

# For whom; without these, for all.
# vehicles: [v-001, v-002]
# airports: [EGLL]
# canary: {{share: 0.1}}             # for a tenth of the fleet first

# Thresholds and cooldowns, by trigger (`winnow triggers list`).
updates: {{}}
#  ood_spike: {{threshold: 6.0, cooldown_sec: 15}}

# More of something while a condition holds.
coverage_requests: []
#  - condition: night AND fog
#    trigger: weather_transition
#    boost_priority: -1               # one level more urgent, never beyond P1
#    reduce_cooldown: 0.5             # half the cooldown
#  - condition: aircraft_type == widebody
#    trigger: time_sample
#    interval_override_sec: 600       # every ten minutes

# Less of a scenario that there is enough of.
saturation_signals: []
#  - {{scenario: normal_routine, coverage_frames: 15000, target_frames: 10000, action: reduce_sampling_50pct}}

# What it may cost on one vehicle; `winnow campaign check --recording` measures it.
# forecast: {{events_per_day: 40, gb_per_day: 30}}
"""


def new_campaign(now_ns: int, *, version: str, name: str, days: float) -> str:
    """The text of a new campaign; without a version, today's first."""
    now = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    issued = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    expires = (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _TEMPLATE.format(
        version=f'"{version or now.strftime("%Y.%m.%d.001")}"', name=name, issued=issued, expires=expires
    )
