"""What every reader of tables returns: rows of texts, each with its place in the file. Knows no file format."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One row. `number` counts rows that are not empty, from 1; `line` is the line of the file on which it begins.

    In a spreadsheet `line` is the number that the spreadsheet shows, and `sheet` is the name of the sheet.
    """

    values: dict[str, str]
    number: int
    line: int
    sheet: str = ""


class BadTable(ValueError):
    """The table cannot be read, from a row on or at all.

    The message names the row (`row 7 (line 9): ...`) unless there is no table at all (`in_table` is false).
    """

    in_table = True


class NoTable(BadTable):
    """The file cannot be opened."""

    in_table = False


def label(file: str, row: Row) -> str:
    """The name of a row in messages."""
    return f"{file}:row {row.number} (line {row.line})"
