"""Why settings have no clip of a moment: refused, held back by what limit, switched off, or set otherwise."""

from winnow_operators.triggers.outcomes import Verdict
from winnow_schemas.messages import Decision
from winnow_schemas.settings.triggers import TriggerSettings
from winnow_tools.whatif.variant import ClipOutcome, Decided

_QUIET_NS = 60_000_000_000
"""Repetitions of a kind are only counted for so long; the row that was said before them speaks for them."""
_LASTING = frozenset({Verdict.MUTED, Verdict.STORM, Verdict.OVER_LIMIT, Verdict.THINNED, Verdict.NOT_CLEAR})
"""Verdicts whose sentence still holds a little later; that of a cooldown counts its own seconds."""
_MOST_NAMED = 4
"""Settings of a trigger that are named as different."""


def why_none(clip: ClipOutcome, present_in: Decided, missing_in: Decided) -> str:
    """What the settings without the clip say of the moment; what differs in them where they say nothing."""
    lead = clip.plan.lead
    refused = [one for one in missing_in.clips if not one.judged.cut and _meet(one, clip)]
    of_lead = [
        one
        for one in refused
        if any((each.type, each.t_ns) == (lead.type, lead.t_ns) for each in one.plan.events)
    ]
    if of_lead:
        return f"{of_lead[0].judged.outcome}: {of_lead[0].judged.reason}"
    if lead.type in missing_in.inactive:
        return f"{lead.type} does not run: {missing_in.inactive[lead.type]}"
    if all(one.name != lead.type for one in missing_in.triggers):
        return f"there is no trigger {lead.type}"
    differs = _different(present_in.active.get(lead.type), missing_in.active.get(lead.type))
    with_what = f" ({differs})" if differs else ""
    cooling = _cooling_down(clip, missing_in)
    if cooling:
        return cooling + with_what
    row = _row_about(clip, missing_in)
    if row is not None:
        return row.reason.removesuffix(".") + with_what
    return f"{lead.type} does not fire{with_what}"


def _cooling_down(clip: ClipOutcome, decided: Decided) -> str:
    """Whether the trigger had fired so shortly before that its cooldown held it."""
    lead = clip.plan.lead
    settings = decided.active.get(lead.type)
    times = [each.t_ns for each in decided.events if each.type == lead.type and each.t_ns < lead.t_ns]
    if settings is None or not times:
        return ""
    since_s = (lead.t_ns - max(times)) / 1e9
    if since_s >= settings.cooldown_s:
        return ""
    return f"{lead.type} did not fire: it fired {since_s:.3g} s before, its cooldown is {settings.cooldown_s:g} s"


def _row_about(clip: ClipOutcome, decided: Decided) -> Decision | None:
    """The decision that is nearest to the event that is missing, or the one whose repetition it is."""
    lead = clip.plan.lead
    rows = [
        row
        for row in decided.decisions
        if (row.kind, row.subject) == ("trigger", lead.type) and row.outcome not in ("fired", "inactive")
    ]
    near = [row for row in rows if clip.plan.start_ns <= row.t_ns < clip.plan.end_ns]
    if near:
        return min(near, key=lambda row: abs(row.t_ns - lead.t_ns))
    before = [
        row for row in rows if row.outcome in _LASTING and lead.t_ns - _QUIET_NS < row.t_ns <= lead.t_ns
    ]
    return max(before, key=lambda row: row.t_ns, default=None)


def _different(here: TriggerSettings | None, there: TriggerSettings | None) -> str:
    """``threshold 7 instead of 5, cooldown_s 60 instead of 10``: the settings without the clip come first."""
    if here is None or there is None:
        return ""
    ours, theirs = _flat(here), _flat(there)
    said = [
        f"{name} {_text(theirs.get(name))} instead of {_text(ours.get(name))}"
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]
    more = f" and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    return ", ".join(said[:_MOST_NAMED]) + more


def _flat(settings: TriggerSettings) -> dict[str, object]:
    """What decides when it fires: neither the window nor what is for people."""
    values = settings.model_dump(
        exclude={"description", "topics", "pre_roll_s", "post_roll_s", "priority", "enabled"}
    )
    params = values.pop("params")
    return {**values, **params}


def _text(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _meet(one: ClipOutcome, two: ClipOutcome) -> bool:
    causes = {(event.type, event.t_ns) for event in one.plan.events}
    return any((event.type, event.t_ns) in causes for event in two.plan.events)
