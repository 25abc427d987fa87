"""What people and scripts read after a run: the CSV files and the log."""

from batchvid.report.attempt_report import LEDGER_COLUMNS, ledger_line, write_ledger
from batchvid.report.job_report import COLUMNS, report_text, write_report
from batchvid.report.run_log import RunLog

__all__ = [
    "COLUMNS",
    "LEDGER_COLUMNS",
    "RunLog",
    "ledger_line",
    "report_text",
    "write_ledger",
    "write_report",
]
