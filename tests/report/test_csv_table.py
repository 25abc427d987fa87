"""CSV tables: whole files, for spreadsheets and scripts, without formulas."""

from __future__ import annotations

import csv
from pathlib import Path

from batchvid.report.csv_table import Columns, format_table, write_table

COLUMNS: Columns[tuple[str, int]] = {"=name": lambda row: row[0], "count": lambda row: row[1]}


def test_text_is_never_a_formula() -> None:
    """A text or a header that looks like a formula gets a quote; a number stays a number."""
    assert format_table(COLUMNS, [("=1+1", -3), ("a\rb", 0)]) == "'=name,count\n'=1+1,-3\n\"a\nb\",0\n"


def test_a_table_without_rows_has_a_header() -> None:
    """So that a script can read it."""
    assert format_table(COLUMNS, []) == "'=name,count\n"


def test_a_file_starts_with_a_mark(tmp_path: Path) -> None:
    """Excel needs it for UTF-8. The older file is replaced, and nothing else is left."""
    path = tmp_path / "new" / "table.csv"
    write_table(path, COLUMNS, [("café", 1)])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf'=name,count\n")
    write_table(path, COLUMNS, [("café", 2)])
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["'=name", "count"], ["café", "2"]]
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]
