"""Cells of the CSV files: numbers, times, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

from datetime import datetime

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n")


def escape_formula(cell: str) -> str:
    """A spreadsheet takes a cell that begins like a formula for one; a quote before it makes it text.

    A lone carriage return becomes a line feed: csv before Python 3.12 would leave it bare, which ends the row.
    """
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def number(value: float | None) -> str:
    """A cell of a number, empty for none."""
    return "" if value is None else f"{value:g}"


def time(at: datetime | None) -> str:
    """A cell of a time: ISO 8601, UTC, to the millisecond; empty for none."""
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
