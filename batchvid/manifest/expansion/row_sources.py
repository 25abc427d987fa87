"""The rows of a table as sources of clips; checks that its columns can be used as variables."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.reading.csv_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, label
from batchvid.manifest.schema.key_types import RESERVED
from batchvid.manifest.types import RowPlace


def row_sources(entry: ClipEntryContext, rows: str) -> Iterator[Source]:
    """All rows of the table. What cannot be read is added to the problems."""
    variables = entry.shared.settings.vars
    row = None
    try:
        file = entry.shared.templates.render(rows, variables)
        path = entry.folder_of("rows") / file
        for row in read_rows(path):
            if row.number == 1 and not _columns_fit(entry, file, list(row.values)):
                return
            values = row.values
            row_variables = {**variables, **values, "row": values}
            place = RowPlace(file, row.number, row.line, row.sheet)
            yield Source(row_variables, values, {}, "", label(file, row), values, path.parent, place)
    except BadTable as exc:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{exc}" if exc.in_table else f"{file} {exc}")
    except ValueError as exc:
        entry.add_problem("rows", str(exc))
    else:
        if row is None:
            entry.add_problem("rows", f"{file} has a header and no rows")


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
