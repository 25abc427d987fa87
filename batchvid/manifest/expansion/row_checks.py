"""Reports rows that are no data: a repeated header, a line of dashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batchvid.manifest.expansion.cell_checks import shorten
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.leftovers import normal_name
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.schema.variable_names import written_name

_MIN_EQUAL_CELLS = 3  # two equal cells may be a name and its prompt


def check_rows(entry: ClipEntryContext, sources: Iterator[Source]) -> Iterator[Source]:
    """The same sources; a row that is no data is added to the problems or the warnings."""
    for source in sources:
        cells = source.columns
        if cells:
            first = next(iter(cells))
            if cells[first].casefold() == first.casefold() or not cells[first]:
                _check_header(entry, source, cells)
            _check_equal(entry, source, cells)
        yield source


def _check_header(entry: ClipEntryContext, source: Source, cells: Mapping[str, str]) -> None:
    filled = {column: value for column, value in cells.items() if value}
    if len(filled) < min(2, len(cells)):
        return
    if all(normal_name(value) == normal_name(column) for column, value in filled.items()):
        column = next(iter(filled))
        written = written_name(column, tuple(cells))
        text = (
            "rows: the row repeats the names of the columns; delete it from the table, or leave it out with "
            f"where: {written}|lower != '{column.lower()}'"
        )
        entry.shared.problems.add(entry.place_of("rows"), text, source.row)


def _check_equal(entry: ClipEntryContext, source: Source, cells: Mapping[str, str]) -> None:
    values = iter(cells.values())
    first, second = next(values), next(values, None)
    if first != second or len(cells) < _MIN_EQUAL_CELLS or any(value != first for value in values):
        return
    text = f'rows: every cell of the row is "{shorten(first)}"; is it a line between two tables?'
    entry.shared.problems.warn(entry.place_of("rows"), text, source.row)
