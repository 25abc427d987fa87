"""What an entry makes clips from: the rows of a table, the images of a pattern, or just itself."""

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
from batchvid.manifest.schema.key_types import RESERVED


class Source(NamedTuple):
    """One row, image or entry to make clips from: `variables` for the templates, those `shown` in the report.

    `fields` are the fields that it sets, `suffix` is its part of the id. Only for a row of a table: `row` is its name
    in messages, `columns` are its cells, `row_folder` is the table's folder.
    """

    variables: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str
    row: str = ""
    columns: Mapping[str, str] = {}
    row_folder: Path | None = None


def sources(entry: ClipEntryContext) -> Iterator[Source]:
    """All sources of an entry that meet its condition. What cannot be read is added to the problems."""
    clip = entry.clip
    if clip.rows and clip.images:
        entry.add_problem("images", "is given with rows; keep one of them (a column can name the image)")
    elif clip.rows:
        yield from _filter(entry, "rows", _row_sources(entry, clip.rows))
    elif clip.images:
        yield from _filter(entry, "images", _image_sources(entry, clip.images))
    elif clip.where:
        entry.add_problem("where", "selects rows or images, and the entry has neither")
    else:
        yield Source(entry.shared.settings.vars, {}, {}, "")


def _filter(entry: ClipEntryContext, field: str, sources: Iterator[Source]) -> Iterator[Source]:
    """The sources that meet the entry's condition."""
    where = entry.clip.where
    found = selected = 0
    for source in sources:
        found += 1
        try:
            is_selected = where is None or entry.shared.templates.evaluate(where, source.variables)
        except ValueError as exc:
            entry.add_problem("where", f"{exc} (a column is text: write price|float > 5)", source.row)
            return
        if is_selected:
            selected += 1
            yield source
    if found and not selected:
        entry.add_problem("where", f"leaves none of the {found} {field}")


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
            row_variables = {**variables, **values, "row": values}
            yield Source(row_variables, values, {}, "", label(file, row), values, path.parent)
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


def _image_sources(entry: ClipEntryContext, images: str) -> Iterator[Source]:
    variables = entry.shared.settings.vars
    if "image" in entry.node or "image" in entry.clip.matrix:
        entry.add_problem("image", "is given with images, which sets it; keep one of them")
        return
    try:
        pattern = entry.shared.templates.render(images, variables)
    except ValueError as exc:
        entry.add_problem("images", str(exc))
        return
    folder = entry.folder_of("images")
    names = matching(pattern, folder)
    if not names:
        entry.add_problem("images", f"no file matches {pattern}; it was looked for below {folder.absolute()}")
    for name in names:
        try:
            path = PurePosixPath(unicodedata.normalize("NFC", word(name)))  # macOS decomposes file names
        except ValueError as exc:
            entry.add_problem("images", f"the name of the file {name!r} {exc}")
            continue
        image_variables = {**variables, "image_name": path.name, "image_stem": path.stem}
        suffix = "" if entry.id_names & {"image_name", "image_stem"} else f"_{safe_name(path.stem)}"
        yield Source(image_variables, {"image_name": path.name}, {"image": name}, suffix, name)
