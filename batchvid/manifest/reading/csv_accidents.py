"""Rows of a CSV that fit by accident: a quote that swallows rows, a comma of a text that splits it. Pure.

Every rule needs two independent signs, so that ordinary quoted cells give no warning.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from batchvid.manifest.reading.headers import column_letter
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import BadTable, Warn

_PAIRS = dict(zip("“„«»‹「『”‘'", ("”", "“”", "»", "«", "›", "」", "』", "”", "’", "'"), strict=True))
_STRAY_OPEN = re.compile(r'(^|[\s(])"\S[^"]*$')
_STRAY_CLOSE = re.compile(r'^[^"]*\S"([\s).!?]|$)')


class _Spaced(NamedTuple):
    """A cell that begins with a space after the delimiter, in a row whose other cells do not."""

    column: int
    place: str


class CsvAccidents:
    """Looks at each row of one table; `finish` reports what only all rows together show."""

    def __init__(self, builder: RowBuilder, delimiter: str, header_cells: Sequence[str], warn: Warn) -> None:
        self._builder = builder
        self._delimiter = delimiter
        self._names = builder.header.names
        self._warn = warn
        self._is_spaced_style = any(cell.startswith(" ") for cell in header_cells[1:])
        self._spaced: list[_Spaced] = []
        self._counts = [0] * len(self._names)
        self._spaced_counts = [0] * len(self._names)
        self._split_numbers: list[tuple[int, str, str]] = []
        self._no_numbers: set[int] = set()

    def check(self, lines: Sequence[str], written: Sequence[str], cells: Sequence[str], line: int) -> None:
        """Look at the row that was read from `lines`; `written` are its cells with the space around them."""
        if len(lines) > 1:
            self._check_swallowed(lines, written, line)
        elif '"' in lines[0]:
            self._check_stray_quotes(written, line)
        if not lines[0].isascii() or "'" in lines[0]:
            self._check_typographic(cells, line)
        if self._delimiter in ",;":
            self._note_spaces(lines[0], written, line)
        if self._delimiter == ",":
            self._note_numbers(cells, line)

    def _check_swallowed(self, lines: Sequence[str], written: Sequence[str], line: int) -> None:
        """A cell with line breaks whose later lines, split alone, are rows themselves."""
        later = [text for text in lines[1:] if text.strip()]
        rows = [self._alone(text) for text in later]
        size, first = len(self._names), self._alone(lines[0])
        if size < 2 or len(first) != size:
            return
        similar = [cells for cells in rows if len(cells) == size and _is_like(cells, first)]
        if not similar or len(similar) * 2 < len(rows):
            return
        if self._delimiter != "\t" and any(cell.startswith(" ") for cells in similar for cell in cells[1:]):
            return  # a comma of prose
        column = next(
            (name for name, cell in zip(self._names, written, strict=False) if "\n" in cell or "\r" in cell), ""
        )
        self._warn(
            f"column {column} has a quote that is closed {len(lines) - 1} lines below, and what is between looks like "
            f"rows of their own ({later[0].strip()[:60]!r}); write a quote that belongs to the text twice, in a "
            "quoted cell",
            self._builder.place(line),
        )

    def _alone(self, text: str) -> list[str]:
        return text.rstrip("\r\n").split(self._delimiter)

    def _check_stray_quotes(self, written: Sequence[str], line: int) -> None:
        """A quote that opens inside one cell and closes inside the next: the delimiter between them split a text."""
        for left, right in itertools.pairwise(written):
            if left.count('"') % 2 and right.count('"') % 2 and _STRAY_OPEN.search(left) and _STRAY_CLOSE.search(right):
                self._warn(
                    f"{left.strip()[-40:]!r} and {right.strip()[:40]!r} look like one text that the delimiter splits; "
                    "put the whole cell in double quotes, and write each quote inside it twice",
                    self._builder.place(line),
                )

    def _check_typographic(self, cells: Sequence[str], line: int) -> None:
        """A typographic quote that opens one cell and closes a later one: it does not quote in a CSV."""
        for index, cell in enumerate(cells):
            closing = _PAIRS.get(cell[:1])
            if closing is None or any(mark in cell[1:] for mark in closing):
                continue
            rest = cells[index + 1 :]
            if any(other.endswith(tuple(closing)) and not _PAIRS.get(other[:1]) for other in rest):
                text = (
                    f"column {self._name(index)} begins with {cell[0]} and a later cell ends with its pair; only "
                    'straight double quotes (") hold a cell with a delimiter together'
                )
                if cell[0] != "'":
                    raise BadTable(f"{self._builder.place(line)}: {text}")
                self._warn(text, self._builder.place(line))
                return

    def _note_spaces(self, text: str, written: Sequence[str], line: int) -> None:
        if self._is_spaced_style or self._delimiter + " " not in text:
            for index, cell in enumerate(written[: len(self._counts)]):
                self._counts[index] += bool(cell)
            return
        bare = re.sub(r'"[^"]*"', "", text)
        is_mixed = bare.count(f"{self._delimiter} ") < bare.count(self._delimiter)
        is_bare = f"{self._delimiter} " in bare
        for index, cell in enumerate(written[: len(self._counts)]):
            self._counts[index] += bool(cell)
            if index and is_bare and cell[:1] == " " and cell.strip():
                self._spaced_counts[index] += 1
                if is_mixed or len(written) == 2:
                    self._spaced.append(_Spaced(index, self._builder.place(line)))

    def _note_numbers(self, cells: Sequence[str], line: int) -> None:
        before = ""
        for index, cell in enumerate(cells[: len(self._names)]):
            if cell.isdigit():
                if before.lstrip("-").isdigit() and len(cell) <= 2 and index not in self._no_numbers:
                    self._split_numbers.append((index, f"{before},{cell}", self._builder.place(line)))
            elif cell:
                self._no_numbers.add(index)
            before = cell

    def _name(self, index: int) -> str:
        return self._names[index] if index < len(self._names) and self._names[index] else column_letter(index)

    def finish(self) -> None:
        """Report cells that only the comparison with the other rows shows to be odd."""
        for column, place in self._spaced:
            if self._spaced_counts[column] * 2 <= self._counts[column] or self._counts[column] < 3:
                before, name = self._name(column - 1), self._name(column)
                self._warn(
                    f"column {name} begins with a space, and other cells do not: if the {self._delimiter!r} before it "
                    f"belongs to the text of column {before}, put that text in double quotes",
                    place,
                )
        for column, number, place in self._split_numbers:
            if column in self._no_numbers:
                self._warn(
                    f"columns {self._name(column - 1)} and {self._name(column)} look like one number with a decimal "
                    f'comma, {number}; put it in double quotes: "{number}"',
                    place,
                )


def _is_like(cells: Sequence[str], first: Sequence[str]) -> bool:
    """Whether the first cells are of one kind: with a digit if the other has one, without spaces if it has none."""
    begin, model = cells[0].strip(), first[0].strip()
    if not begin or len(begin) >= 80 or (" " in begin and " " not in model):
        return False
    return any(map(str.isdigit, begin)) or not any(map(str.isdigit, model))
