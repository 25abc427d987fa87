"""The rows of a table as sources of clips."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.expansion.table_columns import TableColumns
from batchvid.manifest.reading.csv_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row, label
from batchvid.manifest.types import RowPlace

_MAX_READ_FOR_HINT = 200  # rows, for a hint in a message


def row_sources(entry: ClipEntryContext, rows: str) -> Iterator[Source]:
    """All rows of the table. What cannot be read is added to the problems."""
    row = None
    try:
        file = entry.shared.templates.render(rows, entry.shared.settings.vars)
        path = entry.folder_of("rows") / file
        read = read_rows(path)
        for row in read:
            table = _table(entry, file, row, read)
            if table is None:
                return
            place = RowPlace(file, row.number, row.line, row.sheet)
            yield Source(
                variables=table.variables(row.values, row.number),
                shown=row.values,
                fields={},
                suffix="",
                row=label(file, row),
                columns=row.values,
                row_folder=path.parent,
                row_place=place,
                name=table.name(row.values),
                field_columns=table.fields,
            )
    except BadTable as exc:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{exc}" if exc.in_table else f"{file} {exc}")
    except ValueError as exc:
        entry.add_problem("rows", str(exc))
    else:
        if row is None:
            entry.add_problem("rows", f"{file} has a header and no rows")


def _table(entry: ClipEntryContext, file: str, row: Row, following: Iterator[Row]) -> TableColumns | None:
    """What the columns of the row mean; None when the entry cannot use them."""
    columns = tuple(row.values)
    table: TableColumns | None = entry.tables.get(columns)
    if table is None:
        table = entry.tables[columns] = TableColumns(entry, file, columns)
        first = (one.values for one in chain([row], islice(following, _MAX_READ_FOR_HINT)))
        if not table.is_usable(first):
            return None
    return table
