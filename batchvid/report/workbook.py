"""`report.xlsx`, written on request: the rows of report.csv and ledger.csv as two sheets. Texts stay texts.

It needs openpyxl, which is no dependency: `pip install 'batchvid[xlsx]'`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.atomic_file import write_atomic
from batchvid.domain.attempts import Attempt
from batchvid.domain.jobs import Job
from batchvid.errors import UsageError
from batchvid.report.attempt_report import LEDGER_COLUMNS
from batchvid.report.csv_table import Columns, Row, cells_of
from batchvid.report.job_report import columns_of, uncertain_first

MAX_ROWS = 2**20 - 1
"""Of a sheet, below its header."""


def write_workbook(path: Path, jobs: Sequence[Job], attempts: Sequence[Attempt]) -> None:
    """Write `report.xlsx`, whole or not at all. Raises UsageError without openpyxl or with too many rows, OSError."""
    try:
        import openpyxl
    except ImportError:
        raise UsageError("a workbook needs openpyxl: install it with pip install 'batchvid[xlsx]'") from None
    if max(len(jobs), len(attempts)) > MAX_ROWS:
        raise UsageError(f"a sheet of {path.name} has at most {MAX_ROWS:,} rows; use the CSV files")
    book = openpyxl.Workbook(write_only=True)
    _add_sheet(book, "report", columns_of(jobs), uncertain_first(jobs))
    _add_sheet(book, "ledger", LEDGER_COLUMNS, attempts)
    content = io.BytesIO()
    book.save(content)
    write_atomic(path, content.getvalue())


def _add_sheet(book: Any, title: str, columns: Columns[Row], rows: Iterable[Row]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    sheet.append([_cell(sheet, name) for name in columns])
    for cells in cells_of(columns, rows):
        sheet.append([_cell(sheet, cell) for cell in cells])


def _cell(sheet: Any, value: object) -> Any:
    """A number as a number, anything else as text: never a formula, an error or a date."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if value is None or value == "" or isinstance(value, int | float | Decimal):
        return value if value != "" else None
    text = str(value).encode("utf-8", "replace").decode()
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
    cell.data_type = "s"
    return cell
