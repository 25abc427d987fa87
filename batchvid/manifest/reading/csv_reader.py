"""Reads a CSV as spreadsheets save it, row by row: any delimiter, quoted newlines, lines above the header."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence

from batchvid.manifest.reading.cell_texts import with_plain_line_ends
from batchvid.manifest.reading.csv_accidents import CsvAccidents
from batchvid.manifest.reading.csv_dialect import CsvDialect, find_dialect
from batchvid.manifest.reading.headers import SAMPLE_ROWS, RawRow, check_sample, header_of
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import BadTable, NoTable, Row, TableOptions, Warn, row_name
from batchvid.manifest.reading.text_files import TextLines

MAX_CELL_CHARS = 10_000_000
_SAMPLE_LINES = 200


class _Tape:
    """Passes lines to the CSV reader and keeps those of the current row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.held: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.held.append(line)
        return line

    def take(self) -> list[str]:
        """The lines since the last call."""
        held, self.held = self.held, []
        return held


def read_csv(lines: TextLines, options: TableOptions, warn: Warn) -> Iterator[Row]:
    """The rows, streamed. Values are stripped; rows without any value are skipped. Raises BadTable."""
    sample = list(itertools.islice(lines, _SAMPLE_LINES))
    if not any(line.strip() for line in sample) and len(sample) < _SAMPLE_LINES:
        raise NoTable("is empty; the first line must name the columns")
    dialect = find_dialect(sample, options.header_row, options.delimiter)
    if dialect.skipped >= len(sample):
        raise BadTable(f"line {len(sample)}: is the last one; there is no header in line {dialect.skipped + 1}")
    check_sample(_sample_rows(sample, dialect), options)
    tape = _Tape(itertools.chain(sample[dialect.skipped :], lines))
    builder: RowBuilder | None = None
    begins = dialect.skipped + 1
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))  # of the process, and only ever raised
    try:
        for written in csv.reader(tape, delimiter=dialect.delimiter, strict=True):
            held, line = tape.take(), begins
            begins += len(held)
            cells = [cell.strip() for cell in written]
            if len(held) > 1:
                cells = [with_plain_line_ends(cell) for cell in cells]
            if any(cells):
                if builder is None:
                    builder = RowBuilder(header_of(RawRow(cells, line), options, warn), options, warn)
                    accidents = CsvAccidents(builder, dialect.delimiter, written, warn)
                elif not _is_comment(held[0], cells, builder, line, warn):
                    row = builder.build(cells, line)
                    accidents.check(held, written, cells, line)
                    if len(cells) < len(builder.header.names) and not lines.last.endswith(("\n", "\r")):
                        _check_cut_off(lines, builder, held, line)
                    yield row
    except csv.Error as exc:
        number = builder.number + 1 if builder else 0
        raise BadTable(f"{row_name(number, begins) if builder else f'line {begins}'}: {_reason(exc)}") from None
    if builder is not None:
        accidents.finish()
        builder.finish()


def _sample_rows(sample: Sequence[str], dialect: CsvDialect) -> list[RawRow]:
    tape = _Tape(iter(sample[dialect.skipped :]))
    rows: list[RawRow] = []
    begins = dialect.skipped + 1
    try:
        for cells in csv.reader(tape, delimiter=dialect.delimiter):
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append(RawRow(stripped, begins))
            begins += len(tape.take())
            if len(rows) >= SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # reported with its row when the rows are read
    return rows


def _is_comment(written: str, cells: Sequence[str], builder: RowBuilder, line: int, warn: Warn) -> bool:
    if not written.lstrip().startswith("#") or len(builder.header.names) < 2 or any(cells[1:]):
        return False
    warn("begins with # and has one cell: it is left out as a comment", f"line {line}")
    return True


def _check_cut_off(lines: TextLines, builder: RowBuilder, held: Sequence[str], line: int) -> None:
    """The last row of a file that was cut off while it was written or copied."""
    if held[-1] == lines.last:
        raise BadTable(
            f"{builder.place(line)}: has fewer cells than the header, and the file ends in the middle of this line: it "
            "may be cut off; copy it again, or end the line with the missing delimiters"
        )


def _reason(exc: csv.Error) -> str:
    text = str(exc)
    if "unexpected end of data" in text:
        return (
            "has a double quote that is never closed; write a quote that belongs to the text twice, in a quoted cell: "
            '"12"" pan"'
        )
    if "field larger than field limit" in text:
        return f"has a cell of more than {MAX_CELL_CHARS:,} characters; a double quote before it may not be closed"
    if "expected after" in text:
        return (
            "has text after the double quote that closes a cell; write a quote that belongs to the text twice, and put "
            'the whole cell in double quotes: "12"" pan"'
        )
    return f"is not valid CSV: {text}"
