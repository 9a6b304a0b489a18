"""The HTML report: one file that holds everything it shows and asks for nothing from the network."""

from dedup.report.page import check_report, write_report

__all__ = ["check_report", "write_report"]
