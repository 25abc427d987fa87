"""What people and scripts read: the CSV, the bars and lines of a run, the log."""

from batchvid.report.progress import Progress, progress_for
from batchvid.report.runlog import RunLog, last_attempt
from batchvid.report.table import COLUMNS, report_text, write_report

__all__ = ["COLUMNS", "Progress", "RunLog", "last_attempt", "progress_for", "report_text", "write_report"]
