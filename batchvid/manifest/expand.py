"""One clip entry into drafts: its rows or images, times the cells of its matrix, times its takes.

Nothing is filled in here and no field is looked at but to check an axis; build.py makes the jobs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from batchvid.manifest.document import Map, plain
from batchvid.manifest.fields import CHECKS
from batchvid.manifest.images import Pictures, matching
from batchvid.manifest.names import safe_name, text_of, value_name
from batchvid.manifest.places import Place, Problems
from batchvid.manifest.rows import BadTable, label, read_rows
from batchvid.manifest.schema import FIELDS, RESERVED, ClipEntry, ClipFields, ManifestModel
from batchvid.manifest.template import Templates, is_template

MAX_JOBS = 1_000_000  # one manifest; a slip of the pen in a matrix must not fill the memory
_NO_AXIS = (set(FIELDS) | set(ClipEntry.model_fields)) - set(CHECKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all entries of one manifest have in common. `folder` is the manifest's own."""

    document: Map
    settings: ManifestModel
    folder: Path
    templates: Templates
    pictures: Pictures
    problems: Problems
    provider_of: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A clip entry with what is needed to tell where each of its fields was said."""

    said: ClipEntry
    node: Map
    place: Place
    fields: Mapping[str, Any]
    id_names: frozenset[str]
    shared: Shared

    def place_of(self, field: str) -> Place:
        """Where the field stands: in the matrix, the entry, the defaults; the entry itself when nowhere."""
        matrix = self.node.get("matrix")
        defaults = self.shared.document.get("defaults")
        for holder in (matrix, self.node, defaults):
            if isinstance(holder, Map) and field in holder.marks:
                return Place(*holder.marks[field], self.place.entry)
        return self.place

    def folder_of(self, field: str) -> Path:
        """The folder of the file that says the field: what a path in it is relative to."""
        place = self.place_of(field)
        return Path(place.file).parent if place.line else self.shared.folder

    def complain(self, field: str, text: str, row: str = "") -> None:
        """Note a problem with one field."""
        self.shared.problems.add(self.place_of(field), f"{field}: {text}", row)


class Draft(NamedTuple):
    """One job before its templates are filled in. `row` names its row for messages, `columns` are the row's."""

    variables: dict[str, Any]
    fields: Mapping[str, Any]
    suffix: str
    shown: Mapping[str, str]
    take: int
    row: str
    columns: Mapping[str, str]
    row_folder: Path | None


class _Source(NamedTuple):
    variables: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str
    row: str = ""
    columns: Mapping[str, str] = {}
    row_folder: Path | None = None


class _Cell(NamedTuple):
    values: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str


def entry_of(said: ClipEntry, node: Map, place: Place, shared: Shared) -> Entry | None:
    """The entry, ready to be expanded; None when its id cannot be used."""
    fields = {**_said(shared.settings.defaults), **_said(said)}
    if shared.settings.defaults.options and said.options:
        fields["options"] = {**shared.settings.defaults.options, **said.options}
    fields["options"] = plain(fields.get("options"))
    entry = Entry(said=said, node=node, place=place, fields=fields, id_names=frozenset(), shared=shared)
    try:
        names = shared.templates.names(said.id)
    except ValueError as error:
        entry.complain("id", str(error))
        return None
    return Entry(said=said, node=node, place=place, fields=fields, id_names=names, shared=shared)


def drafts(entry: Entry) -> Iterator[Draft]:
    """All jobs of an entry. What cannot be expanded is told to the entry's problems and left out."""
    cells = _cells(entry)
    takes = range(1, entry.said.takes + 1)
    numbered = len(takes) > 1 and "take" not in entry.id_names
    for source in _sources(entry) if cells else ():
        for cell in cells:
            variables = {**source.variables, **cell.values}
            fields = {**entry.fields, **source.fields, **cell.fields}
            shown = {**cell.shown, **source.shown}
            for take in takes:
                yield Draft(
                    variables={**variables, "take": take},
                    fields=fields,
                    suffix=f"{cell.suffix}{source.suffix}{f'_t{take}' if numbered else ''}",
                    shown=shown,
                    take=take,
                    row=source.row,
                    columns=source.columns,
                    row_folder=source.row_folder,
                )


def _said(fields: ClipFields) -> dict[str, Any]:
    """The clip fields that are written down; an explicit null takes a default back."""
    return {name: getattr(fields, name) for name in FIELDS if name in fields.model_fields_set}


def _cells(entry: Entry) -> list[_Cell]:
    """The matrix's combinations without the excluded ones; one empty cell when there is no matrix."""
    axes = entry.said.matrix
    fitting = [axis for axis in axes if _axis_fits(entry, axis)]
    if len(fitting) < len(axes):
        return []
    count = math.prod(len(values) for values in axes.values()) * entry.said.takes
    if count > MAX_JOBS:
        entry.complain("matrix", f"makes {count:,} clips; at most {MAX_JOBS:,} are possible")
        return []
    excluded = _excluded(entry)
    cells = []
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        shown = {axis: text_of(value) for axis, value in values.items()}
        if not any(partial.items() <= shown.items() for partial in excluded):
            fields = {axis: _checked(axis, value) for axis, value in values.items() if axis in CHECKS}
            unused = [value for axis, value in values.items() if axis not in entry.id_names]
            cells.append(_Cell(values, shown, fields, "".join(f"_{value_name(value)}" for value in unused)))
    if not cells:
        entry.complain("exclude", "leaves nothing of the matrix")
    return cells


def _axis_fits(entry: Entry, axis: str) -> bool:
    if axis in _NO_AXIS:
        entry.complain("matrix", f"{axis} cannot be an axis; use an axis of your own and {{{{ name }}}} in the field")
        return False
    if axis in CHECKS and axis in entry.node:
        entry.complain(axis, "is both a field of the entry and an axis of its matrix; keep one of them")
        return False
    for value in entry.said.matrix[axis]:
        try:
            _checked(axis, value)
        except ValueError as error:
            entry.complain(axis, f"matrix value {text_of(value)!r} {error}")
            return False
    return True


def _checked(axis: str, value: Any) -> Any:
    if isinstance(value, str) and is_template(value):
        if axis not in CHECKS:
            raise ValueError("must be a plain value: only axes named like a field may hold templates")
        return value
    return CHECKS[axis](value) if axis in CHECKS else value


def _excluded(entry: Entry) -> list[dict[str, str]]:
    """The partial assignments to leave out; one that can never meet a cell is a mistake."""
    partials = []
    for said in entry.said.exclude:
        partial = {axis: text_of(value) for axis, value in said.items()}
        for axis, text in partial.items():
            allowed = [text_of(value) for value in entry.said.matrix.get(axis, [])]
            if not allowed:
                axes = ", ".join(entry.said.matrix) or "none"
                entry.complain("exclude", f"{axis} is no axis of the matrix; its axes are: {axes}")
            elif text not in allowed:
                entry.complain("exclude", f"{axis} is never {text!r}; its values are: {', '.join(allowed)}")
        if partial:
            partials.append(partial)
    return partials


def _sources(entry: Entry) -> Iterator[_Source]:
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
        yield _Source(entry.shared.settings.vars, {}, {}, "")


def _met(entry: Entry, field: str, sources: Iterator[_Source]) -> Iterator[_Source]:
    """The sources that meet the entry's condition."""
    where = entry.said.where
    found = kept = 0
    for source in sources:
        found += 1
        try:
            wanted = where is None or entry.shared.templates.holds(where, source.variables)
        except ValueError as error:
            entry.complain("where", f"{error} (a column is text: write price|float > 5)", source.row)
            return
        if wanted:
            kept += 1
            yield source
    if found and not kept:
        entry.complain("where", f"leaves none of the {found} {field}")


def _row_sources(entry: Entry, rows: str) -> Iterator[_Source]:
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
            yield _Source(made, values, {}, "", label(file, row), values, path.parent)
    except BadTable as error:
        entry.shared.problems.add(entry.place_of("rows"), f"{file}:{error}")
    except ValueError as error:
        entry.complain("rows", str(error))
    else:
        if row is None:
            entry.complain("rows", f"{file} has a header and no rows")


def _columns_fit(entry: Entry, file: str, columns: list[str]) -> bool:
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


def _image_sources(entry: Entry, images: str) -> Iterator[_Source]:
    variables = entry.shared.settings.vars
    if "image" in entry.node or "image" in entry.said.matrix:
        entry.complain("image", "stands beside images, which sets it; keep one of them")
        return
    try:
        pattern = entry.shared.templates.render(images, variables)
    except ValueError as error:
        entry.complain("images", str(error))
        return
    folder = entry.folder_of("images")
    names = matching(pattern, folder)
    if not names:
        entry.complain("images", f"no file matches {pattern}; it was looked for below {folder.absolute()}")
    for name in names:
        path = PurePosixPath(name)
        made = {**variables, "image_name": path.name, "image_stem": path.stem}
        suffix = "" if entry.id_names & {"image_name", "image_stem"} else f"_{safe_name(path.stem)}"
        yield _Source(made, {"image_name": path.name}, {"image": name}, suffix, name)
