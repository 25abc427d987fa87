"""What every reader of tables takes and returns: options, rows of texts with their places. Knows no file format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Row(NamedTuple):
    """One row. `number` counts rows that are not empty, from 1; `line` is the line of the file on which it begins.

    In a spreadsheet `line` is the number that the spreadsheet shows, and `sheet` is the name of the sheet. `line` is 0
    in a format without lines (JSON).
    """

    values: dict[str, str]
    number: int
    line: int
    sheet: str = ""


class Located(Protocol):
    """What has the place of a row."""

    @property
    def number(self) -> int:
        """Counts rows that are not empty, from 1."""

    @property
    def line(self) -> int:
        """Its line, or the number that the spreadsheet shows."""

    @property
    def sheet(self) -> str:
        """The name of the sheet; empty without sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """How a table is written, as far as its content does not show it. Empty values mean: find out.

    `file` is the name of the table in messages.
    `header_row` is the line that names the columns, from 1. `columns` gives columns other names: name by header text.
    `fill_down` are columns whose empty cells repeat the value above. `lines`: each line is one prompt.
    """

    file: str = "FILE"
    sheet: str = ""
    header_row: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    fill_down: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    lines: bool = False


Warn = Callable[[str, str], None]
"""Takes a warning's text and the name of the row that it is about; the name is empty for the whole table."""


def ignore(_text: str, _row: str) -> None:
    """Takes warnings that nobody reads."""


class BadTable(ValueError):
    """The table cannot be read, from a row on or at all.

    The message names the row (`row 7 (line 9): ...`) unless there is no table at all (`in_table` is false).
    """

    in_table = True


class NoTable(BadTable):
    """The file cannot be opened, or is no table."""

    in_table = False


def row_name(number: int, line: int, sheet: str = "") -> str:
    """The name of a row in messages: `row 7 (line 9)`, in a spreadsheet `Clips!row 9`."""
    if sheet:
        return f"{sheet}!row {line}"
    return f"row {number} (line {line})" if line else f"row {number}"


def line_name(line: int, sheet: str = "") -> str:
    """The name of a line that is not one of the rows, such as the header."""
    return f"{sheet}!row {line}" if sheet else f"line {line}"


def label(file: str, row: Located) -> str:
    """The name of a row with its file."""
    return f"{file}:{row_name(row.number, row.line, row.sheet)}"
