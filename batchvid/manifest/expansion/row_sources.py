"""The rows of a table as sources of clips."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from batchvid.domain.job_spec import RowPlace
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.expansion.table_columns import TableColumns
from batchvid.manifest.expansion.table_files import table_files
from batchvid.manifest.reading.json_tables import rows_from_objects
from batchvid.manifest.reading.marked_data import Seq
from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions, Warn, label
from batchvid.manifest.schema.rows import InlineRows, RowsField

_MAX_READ_FOR_HINT = 200  # rows, for a hint in a message


def row_sources(entry: ClipEntryContext, rows: RowsField) -> Iterator[Source]:
    """All rows of the tables. What cannot be read is added to the problems."""
    if isinstance(rows, InlineRows):
        name = entry.place_of("rows").file
        yield from _sources(entry, name, Path(name).parent, _inline_rows(entry, rows, _warn_in(entry, name)))
        return
    try:
        files = table_files(entry, rows)
    except ValueError as exc:
        entry.add_problem("rows", str(exc))
        return
    for name, path in files.items():
        yield from _sources(entry, name, path.parent, read_rows(path, rows.options(name), _warn_in(entry, name)))


def _sources(entry: ClipEntryContext, file: str, folder: Path, rows: Iterator[Row]) -> Iterator[Source]:
    row = None
    try:
        for row in rows:
            table = _table(entry, file, row, rows)
            if table is None:
                return
            yield Source(
                variables=table.variables(row.values, row.number),
                shown=row.values,
                fields={},
                suffix="",
                row=label(file, row),
                columns=row.values,
                row_folder=folder,
                row_place=RowPlace(file, row.number, row.line, row.sheet),
                name=table.name(row.values),
                field_columns=table.fields,
            )
    except BadTable as exc:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{exc}" if exc.in_table else f"{file} {exc}")
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


def _warn_in(entry: ClipEntryContext, file: str) -> Warn:
    """Takes a warning about the table of that name."""
    place = entry.place_of("rows")

    def warn(text: str, row: str) -> None:
        entry.shared.problems.warn(
            place, f"{file}: {text}" if row else f"{file} {text}", f"{file}:{row}" if row else ""
        )

    return warn


def _inline_rows(entry: ClipEntryContext, rows: InlineRows, warn: Warn) -> Iterator[Row]:
    """Rows that are written in the manifest, with its lines."""
    written = entry.node.get("rows")
    marks = written.marks if isinstance(written, Seq) else []
    lines = [mark.line for mark in marks] or [0] * len(rows.rows)
    objects = [(item, number, line) for number, (item, line) in enumerate(zip(rows.rows, lines, strict=True), 1)]
    yield from rows_from_objects(objects, TableOptions(), warn)
