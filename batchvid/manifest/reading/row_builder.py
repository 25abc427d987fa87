"""Makes rows from cells and a header: one rule for all formats about short rows, unnamed columns, repeated values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from batchvid.manifest.reading.headers import Header, column_letter, find_column, no_column, unnamed_value
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions, Warn, row_name

_FOOTERS = frozenset(
    [
        "total",
        "totals",
        "sum",
        "subtotal",
        "gesamt",
        "summe",
        "zwischensumme",
        "gesamtsumme",
        "somme",
        "totale",
        "suma",
        "итого",
        "всего",
        "合计",
        "总计",
        "合計",
        "總計",
        "tổng",
    ]
)
_SHORT = (
    "has fewer cells than the header has columns; the missing ones are read as empty. A cell with a line break in it "
    "must be in double quotes"
)
_EMPTY_MORE = (
    "has more cells than the header, and the last ones are empty; if a delimiter belongs to a text, put that cell in "
    "double quotes"
)


class RowBuilder:
    """Counts the rows of one table. `number` is the latest row's."""

    def __init__(self, header: Header, options: TableOptions, warn: Warn) -> None:
        self.header = header
        self.number = 0
        self._warn = warn
        self._names = header.names
        self._size = len(header.names)
        self._unnamed = [index for index, name in enumerate(header.names) if not name]
        self._fill = [self._fill_index(name) for name in options.fill_down]
        self._above = dict.fromkeys(self._fill, "")
        self._short_before = 0
        self._last: tuple[Sequence[str], int] | None = None

    def _fill_index(self, written: str) -> int:
        index = find_column(self._names, written)
        if index is None:
            raise BadTable(f"{self.header.place}: {no_column(self._names, written)} (fill_down)")
        return index

    def place(self, line: int) -> str:
        """The name of the latest row."""
        return row_name(self.number, line, self.header.sheet)

    def build(self, cells: list[str], line: int) -> Row:
        """The next row, from stripped cells of which one has a value. Raises BadTable."""
        self.number += 1
        if len(cells) != self._size:
            cells = self._fitted(cells, line)
        else:
            self._short_before = 0
        self._last = cells, line
        if self._unnamed:
            self._check_unnamed(cells, line)
        for index in self._fill:
            if cells[index]:
                self._above[index] = cells[index]
            else:
                cells[index] = self._above[index]
        values = dict(zip(self._names, cells, strict=True))
        if self._unnamed:
            del values[""]
        return Row(values, self.number, line, self.header.sheet)

    def _fitted(self, cells: list[str], line: int) -> list[str]:
        size = self._size
        if len(cells) > size:
            if any(cells[size:]) and self.header.sheet:
                index = next(index for index, cell in enumerate(cells) if index >= size and cell)
                raise unnamed_value(self.header, index, self.number, line)
            if any(cells[size:]):
                raise BadTable(f"{self.place(line)}: {too_many(cells, size)}")
            self._short_before = 0
            if len(cells) > self.header.width and not self.header.sheet:
                self._warn(_EMPTY_MORE, self.place(line))
            return cells[:size]  # spreadsheets write empty cells after the last column, below the header and in it
        if self._short_before and self._short_before + len(cells) - 1 == size:
            raise BadTable(
                f"{self.place(line)}: together with the row before it has as many cells as the header has columns; "
                "a cell with a line break in it must be in double quotes"
            )
        self._short_before = len(cells)
        self._warn(_SHORT, self.place(line))
        return [*cells, *[""] * (size - len(cells))]

    def _check_unnamed(self, cells: Sequence[str], line: int) -> None:
        for index in self._unnamed:
            if cells[index]:
                raise unnamed_value(self.header, index, self.number, line)

    def finish(self) -> None:
        """Warnings that only the end of the table shows."""
        if self._unnamed:
            letters = ", ".join(column_letter(index) for index in self._unnamed)
            self._warn(f"column {letters} has neither a name nor a value, and is left out", self.header.place)
        if self._last is not None and self.number > 1:
            cells, line = self._last
            words = cells[0].casefold().strip(" :").split() if cells else []
            if words and words[0] in _FOOTERS and (len(words) == 1 or (len(words) == 2 and "" in cells)):
                text = f"the last row begins with {cells[0]!r} and is read like the others; delete it if it is a sum"
                self._warn(text, self.place(line))


def too_many(cells: Sequence[str], size: int) -> str:
    """The problem of a row with more cells than the header has columns, with what may be the reason."""
    text = f"has {len(cells)} cells where the header has {size} columns; "
    for left, right in itertools.pairwise(cells):
        if left.lstrip("-").isdigit() and right.isdigit() and len(right) <= 2:
            return f'{text}a number with a decimal comma must be in double quotes: "{left},{right}"'
    if any(cell[:1] in set("“„«‘") for cell in cells):
        return text + 'only straight double quotes (") hold a cell with a delimiter together, not typographic ones'
    return text + "a cell with the delimiter or a line break in it must be in double quotes"
