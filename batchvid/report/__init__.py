"""What people and scripts read: the CSV, the bars and lines of a run, the log."""

from batchvid.report.ledger import LEDGER_COLUMNS, ledger_line, write_ledger
from batchvid.report.progress import Progress, progress_for
from batchvid.report.runlog import RunLog, last_attempt
from batchvid.report.table import COLUMNS, report_text, write_report

__all__ = [
    "COLUMNS",
    "LEDGER_COLUMNS",
    "Progress",
    "RunLog",
    "last_attempt",
    "ledger_line",
    "progress_for",
    "report_text",
    "write_ledger",
    "write_report",
]
