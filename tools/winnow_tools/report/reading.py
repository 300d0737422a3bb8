"""Reads report data from JSON; the field names are those of ``ReportData``."""

import msgspec

from winnow_schemas.errors import BadInputError
from winnow_tools.report.model import ReportData

MAX_REPORT_BYTES = 64 * 1024 * 1024
"""A run of a day with 10,000 clips and 300 topics takes 5 MB."""
_MIN_NS, _MAX_NS = -(2**63), 2**63 - 1


def report_from_json(content: str | bytes) -> ReportData:
    """Read the JSON form of a report.

    Raises:
        BadInputError: it is too large, not JSON, or a field is missing, unknown or of another type.

    """
    size = len(content)
    if size > MAX_REPORT_BYTES:
        raise BadInputError(f"The report has {size} bytes, the limit is {MAX_REPORT_BYTES}; it was not read.")
    try:
        data = msgspec.json.decode(content, type=ReportData)
    except msgspec.ValidationError as error:
        raise BadInputError(f"This is no report: {error}; nothing was shown.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"This is not JSON ({error}); nothing was shown.") from None
    check_report(data)
    return data


def check_report(data: ReportData) -> None:
    """Refuse what cannot be drawn.

    Raises:
        BadInputError: with the value and what is allowed.

    """
    if not _MIN_NS <= data.start_ns <= data.end_ns <= _MAX_NS:
        raise BadInputError(
            f"The report goes from {data.start_ns} to {data.end_ns}; times are int64 nanoseconds and the end "
            "comes after the start; nothing was shown."
        )
    priorities = [one.priority for one in data.triggers] + [one.priority for one in data.clips]
    priorities += [one.priority for one in data.incidents] + [one.priority for one in data.budgets]
    for priority in priorities:
        if not 0 <= priority <= 5:
            raise BadInputError(
                f"The report has the priority {priority}, allowed are 0 to 5; nothing was shown."
            )
    for clip in data.clips:
        if clip.end_ns < clip.start_ns:
            raise BadInputError(
                f"The clip {clip.name[:60]!r} ends ({clip.end_ns}) before it starts ({clip.start_ns}); nothing was shown."
            )
