"""What people and scripts read: the CSV, the bars and lines of a run, the log."""

from batchvid.report.progress import Progress, progress_for
from batchvid.report.runlog import RunLog
from batchvid.report.table import COLUMNS, report_text, write_report
from batchvid.report.waiting import WAITING, waiting_text

__all__ = [
    "COLUMNS",
    "WAITING",
    "Progress",
    "RunLog",
    "progress_for",
    "report_text",
    "waiting_text",
    "write_report",
]
