"""What an entry makes clips out of: the rows of a table, the images of a pattern, or nothing but itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_files import matching
from batchvid.manifest.reading.csv_reader import BadTable, label, read_rows
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.schema.field_types import word
from batchvid.manifest.schema.models import RESERVED


class Source(NamedTuple):
    """One thing to make clips out of: variables for the templates, and what of them the report shows.

    `fields` are the fields that it sets, `suffix` is its part of the id. The rest is empty but for a row: `row` names
    it for messages, `columns` are its cells, `row_folder` is the table's folder.
    """

    variables: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str
    row: str = ""
    columns: Mapping[str, str] = {}
    row_folder: Path | None = None


def sources(entry: ClipEntryContext) -> Iterator[Source]:
    """All sources of an entry that meet its condition. What cannot be read is told to the entry's problems."""
    said = entry.said
    if said.rows and said.images:
        entry.complain("images", "stands beside rows; an entry has one of them (name the image in a column instead)")
    elif said.rows:
        yield from _met(entry, "rows", _row_sources(entry, said.rows))
    elif said.images:
        yield from _met(entry, "images", _image_sources(entry, said.images))
    elif said.where:
        entry.complain("where", "picks rows or images, and the entry has neither")
    else:
        yield Source(entry.shared.settings.vars, {}, {}, "")


def _met(entry: ClipEntryContext, field: str, sources: Iterator[Source]) -> Iterator[Source]:
    """The sources that meet the entry's condition."""
    where = entry.said.where
    found = kept = 0
    for source in sources:
        found += 1
        try:
            wanted = where is None or entry.shared.templates.holds(where, source.variables)
        except ValueError as exc:
            entry.complain("where", f"{exc} (a column is text: write price|float > 5)", source.row)
            return
        if wanted:
            kept += 1
            yield source
    if found and not kept:
        entry.complain("where", f"leaves none of the {found} {field}")


def _row_sources(entry: ClipEntryContext, rows: str) -> Iterator[Source]:
    variables = entry.shared.settings.vars
    row = None
    try:
        file = entry.shared.templates.render(rows, variables)
        path = entry.folder_of("rows") / file
        for row in read_rows(path):
            if row.number == 1 and not _columns_fit(entry, file, list(row.values)):
                return
            values = row.values
            made = {**variables, **values, "row": values}
            yield Source(made, values, {}, "", label(file, row), values, path.parent)
    except BadTable as exc:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{exc}" if exc.in_table else f"{file} {exc}")
    except ValueError as exc:
        entry.complain("rows", str(exc))
    else:
        if row is None:
            entry.complain("rows", f"{file} has a header and no rows")


def _columns_fit(entry: ClipEntryContext, file: str, columns: list[str]) -> bool:
    fits = True
    for column in columns:
        if column in RESERVED or column in entry.said.matrix:
            why = (
                "an axis of the matrix has that name"
                if column in entry.said.matrix
                else "batchvid sets that variable itself"
            )
            entry.complain("rows", f"{file}:line 1: column {column}: give it another name, {why}")
            fits = False
    if not entry.id_names & {*columns, "row"}:
        usable = next((name for name in columns if name.isidentifier()), columns[0])
        entry.complain(
            "id",
            f'is the same for every row of {file}; use a column that names it, such as id: "{{{{ {usable} }}}}"',
        )
        fits = False
    return fits


def _image_sources(entry: ClipEntryContext, images: str) -> Iterator[Source]:
    variables = entry.shared.settings.vars
    if "image" in entry.node or "image" in entry.said.matrix:
        entry.complain("image", "stands beside images, which sets it; keep one of them")
        return
    try:
        pattern = entry.shared.templates.render(images, variables)
    except ValueError as exc:
        entry.complain("images", str(exc))
        return
    folder = entry.folder_of("images")
    names = matching(pattern, folder)
    if not names:
        entry.complain("images", f"no file matches {pattern}; it was looked for below {folder.absolute()}")
    for name in names:
        try:
            path = PurePosixPath(unicodedata.normalize("NFC", word(name)))  # a Mac's file names come decomposed
        except ValueError as exc:
            entry.complain("images", f"the name of the file {name!r} {exc}")
            continue
        made = {**variables, "image_name": path.name, "image_stem": path.stem}
        suffix = "" if entry.id_names & {"image_name", "image_stem"} else f"_{safe_name(path.stem)}"
        yield Source(made, {"image_name": path.name}, {"image": name}, suffix, name)
