"""The rows of a table as sources of clips; checks that its columns can be used as variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.expansion.table_files import table_files
from batchvid.manifest.reading.json_tables import rows_from_objects
from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions, Warn, label
from batchvid.manifest.reading.yaml_reader import Seq
from batchvid.manifest.schema.key_types import RESERVED
from batchvid.manifest.schema.rows import InlineRows, RowsField
from batchvid.manifest.types import RowPlace


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
    variables = entry.shared.settings.vars
    row = None
    try:
        for row in rows:
            if row.number == 1 and not _columns_fit(entry, file, list(row.values)):
                return
            values = row.values
            row_variables = {**variables, **values, "row": values}
            place = RowPlace(file, row.number, row.line, row.sheet)
            yield Source(row_variables, values, {}, "", label(file, row), values, folder, place)
    except BadTable as exc:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{exc}" if exc.in_table else f"{file} {exc}")
    else:
        if row is None:
            entry.add_problem("rows", f"{file} has a header and no rows")


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


def _columns_fit(entry: ClipEntryContext, file: str, columns: list[str]) -> bool:
    fits = True
    for column in columns:
        if column in RESERVED or column in entry.clip.matrix:
            why = (
                "an axis of the matrix has that name" if column in entry.clip.matrix else "batchvid sets that variable"
            )
            entry.add_problem("rows", f"{file}:line 1: column {column}: give it another name, {why}")
            fits = False
    if not entry.id_names & {*columns, "row"}:
        usable = next((name for name in columns if name.isidentifier()), columns[0])
        entry.add_problem(
            "id",
            f'is the same for every row of {file}; use a column that names it, such as id: "{{{{ {usable} }}}}"',
        )
        fits = False
    return fits
