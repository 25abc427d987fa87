"""Reads a CSV file as spreadsheets save it, row by row: BOM, `;` or tab, quoted newlines. Knows no clips."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from batchvid.manifest.reading.tables import BadTable, NoTable, Row

_DELIMITERS = ",;\t"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV, streamed. Values are stripped; rows without any value are skipped. Raises BadTable."""
    try:
        with path.open("rb") as file:
            yield from _rows(file)
    except OSError as exc:
        raise NoTable(f"cannot be read: {exc.strerror or exc}; it was looked for at {path.absolute()}") from None


def _rows(file: BinaryIO) -> Iterator[Row]:
    lines = _Lines(file)
    first = next(lines, "")
    if not first.strip():
        raise BadTable("line 1: is empty; the first line must name the columns")
    reader = csv.reader(lines.with_first(first), delimiter=_delimiter(first), strict=True)
    header: list[str] = []
    number, line = 0, 1
    try:
        for cells in reader:
            values = [cell.strip() for cell in cells]
            begins, line = line, reader.line_num + 1
            if not header:
                header = _header(values)
            elif any(values):
                number += 1
                yield _row(header, values, number, begins)
    except csv.Error as exc:
        raise BadTable(f"row {number + 1} (line {reader.line_num}): is not valid CSV: {exc}") from None


def _row(header: list[str], values: list[str], number: int, line: int) -> Row:
    if len(values) > len(header) and not any(values[len(header) :]):
        values = values[: len(header)]  # spreadsheets write empty cells after the last column
    if len(values) != len(header):
        raise BadTable(
            f"row {number} (line {line}): has {len(values)} cells where the header has {len(header)} columns; "
            "a cell with the delimiter or a line break in it must be in double quotes"
        )
    return Row(dict(zip(header, values, strict=True)), number, line)


def _header(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names = names[:-1]
    if "" in names:
        raise BadTable(f"line 1: column {names.index('') + 1} has no name")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadTable(f"line 1: column {twice[0]} exists twice")
    return names


def _delimiter(header: str) -> str:
    """The delimiter that the header line uses most, outside of quotes."""
    bare = re.sub(r'"[^"]*"?', "", header)
    return max(_DELIMITERS, key=bare.count)


class _Lines:
    """The file's lines, decoded one by one: a wrong byte is reported with its line, and memory stays small."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline()
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            if line.startswith(_UTF16):
                raise BadTable('line 1: is UTF-16; save it as "CSV UTF-8"')
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            text = line.decode()
        except UnicodeDecodeError as exc:
            byte = line[exc.start]
            raise BadTable(
                f"line {self.number}: byte 0x{byte:02x} at column {exc.start + 1} is not UTF-8 "
                f'({bytes([byte]).decode("cp1252", "replace")!r} in Windows-1252); save it as "CSV UTF-8"'
            ) from None
        if "\0" in text:
            raise BadTable(f"line {self.number}: contains a zero byte; this is not a text file")
        return text

    def with_first(self, first: str) -> Iterator[str]:
        """All lines, the first one included."""
        yield first
        yield from self
