"""CSV tables: one writer for all, numbers, times, and text that a spreadsheet does not read as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from batchvid.atomic_file import write_atomic
from batchvid.redaction import hide_secrets, may_hold_secrets

Row = TypeVar("Row")
Columns = Mapping[str, Callable[[Row], object]]
"""Each column's name, and how its cell is read from a row."""

BYTE_ORDER_MARK = "\ufeff"
"""Excel reads a CSV file as UTF-8 only if it starts with it. Python reads such a file with the encoding utf-8-sig."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n")


def format_table(columns: Columns[Row], rows: Iterable[Row]) -> str:
    """The rows as CSV text without secrets, below one line of column names."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(escape_formula, columns))
    for cells in cells_of(columns, rows):
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def cells_of(columns: Columns[Row], rows: Iterable[Row]) -> Iterator[list[object]]:
    """The cells of each row, without secrets."""
    readers = tuple(columns.values())
    for row in rows:
        cells = [read(row) for read in readers]
        texts = [cell for cell in cells if isinstance(cell, str)]
        if may_hold_secrets("\n".join(texts)):
            cells = [hide_secrets(cell) if isinstance(cell, str) else cell for cell in cells]
        yield cells


def write_table(path: Path, columns: Columns[Row], rows: Iterable[Row]) -> None:
    """Write the rows as a CSV file for spreadsheets, whole or not at all. Raises OSError."""
    write_atomic(path, BYTE_ORDER_MARK + format_table(columns, rows))


def escape_formula(cell: str) -> str:
    """The cell with a quote before it if a spreadsheet would read it as a formula.

    A lone carriage return becomes a line feed: csv before Python 3.12 does not quote it, and it would end the row.
    """
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def number(value: float | None) -> str:
    """The cell of a number; empty for None."""
    return "" if value is None else f"{value:g}"


def time(at: datetime | None) -> str:
    """The cell of a time: ISO 8601, UTC, in milliseconds; empty for None."""
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
