"""The report page of a finished run."""

from winnow_tools.report.model import ReportData
from winnow_tools.report.page import render_report
from winnow_tools.report.reading import report_from_json

__all__ = ["ReportData", "render_report", "report_from_json"]
