"""What the columns of a table mean to a clip entry: variables, fields of the clip, and the row's identity.

A column named like a field sets it in a row whose entry does not. An empty cell is a value that is not given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.key_columns import suggest_id
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.schema.key_types import RESERVED
from batchvid.manifest.schema.models import CHECKS
from batchvid.manifest.schema.variable_names import AmbiguousName, RowValues, find_name, normalized

COLUMN_FIELDS = (*CHECKS, "reference_images", "tags", "takes")
"""The fields that a column may set."""

_COMMON_WORDS = frozenset({"action", "audio", "background", "convert", "fit", "mode", "parent", "sound", "video"})
"""Fields that only a column of exactly that name sets: a shop's `Fit` and `Parent` mean something else."""

_NOT_IDENTITY = frozenset({"tags", "takes"})
_ID_COLUMN = "id"
_ROW_NAMES = frozenset({"row", "row_number", "hash"})
_DIGITS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")  # a spreadsheet takes 12e45678 for a number
_HASH_CHARS = 12
_SAMPLE_ROWS = 5


class TableColumns:
    """The columns of one header, for one entry.

    `fields` are the columns that may set fields, `set_fields` those fields that a cell has set. `missing` are names
    that templates read from `row` and that the table lacks. `sample` are the first rows.
    """

    def __init__(self, entry: ClipEntryContext, file: str, columns: tuple[str, ...]) -> None:
        self.entry = entry
        self.file = file
        self.columns = columns
        self.missing: set[str] = set()
        self.set_fields: set[str] = set()
        self.sample: list[Mapping[str, str]] = []
        self._is_usable = True
        self.fields = self._find_fields()
        self.used = self._find_used()
        self.key = self._find_key()
        self._variables = {
            column: name for name in entry.shared.settings.vars if (column := self._column_of_variable(name))
        }
        self._identity = self._find_identity()
        self._has_hash = any("hash" in text for text in all_texts(entry))

    @property
    def is_numbered(self) -> bool:
        """Whether the id has the row's number in it."""
        known = {*self.columns, *self.entry.shared.settings.vars}
        return "row_number" in self.entry.id_names - known

    def is_usable(self, rows: Iterable[Mapping[str, str]]) -> bool:
        """Whether the columns can be variables, and the id has one of them; adds problems.

        `rows` are the first rows, read only to suggest an id.
        """
        for column in self.columns:
            if column in RESERVED or column in self.entry.clip.matrix:
                is_axis = column in self.entry.clip.matrix
                why = "an axis of the matrix has that name" if is_axis else "batchvid sets that variable"
                self._add_problem("rows", f"{self.file}:line 1: column {column}: give it another name, {why}")
        if self.entry.clip.id is not None and not self._is_in_every_id():
            prompt = self.entry.fields.get("prompt")
            read = self.read_by(prompt) if isinstance(prompt, str) else frozenset()
            hint = suggest_id(self.columns, rows, read, self.entry.clip.id)
            known = {*self.columns, *self.entry.shared.settings.vars, *self.entry.clip.matrix, *RESERVED, "row", "hash"}
            missing = [name for name in self.entry.id_names - known if find_name(name, self.columns) is None]
            there_is = ", ".join(filter(None, self.columns[:20]))
            reason = f" (there is no column {missing[0]}; there is: {there_is})" if missing else ""
            self._add_problem("id", f"is the same for every row of {self.file}{reason}; {hint}")
        return self._is_usable

    def variables(self, cells: dict[str, str], number: int) -> dict[str, Any]:
        """The variables of a row: cells under the names of their columns; an empty one leaves the manifest's variable.

        `row_number` and `hash` are set unless a column or a variable has that name.
        """
        if len(self.sample) < _SAMPLE_ROWS:
            self.sample.append(cells)
        variables: dict[str, Any] = {"row_number": number}
        if self._has_hash:
            variables["hash"] = self.hash(cells)
        variables |= self.entry.shared.settings.vars
        variables |= cells
        for column, name in self._variables.items():
            variables[name] = cells[column] or self.entry.shared.settings.vars[name]
        variables["row"] = RowValues(cells, self.missing)
        return variables

    def name(self, cells: Mapping[str, str]) -> str:
        """The name of the row's clip if the entry has no id: the key, a column called id, or the hash."""
        if self.entry.clip.id is not None:
            return ""
        if self.key:
            return "_".join(filter(None, (cells[column] for column in self.key if column is not None)))
        return cells[_ID_COLUMN] if _ID_COLUMN in cells else self.hash(cells)

    def hash(self, cells: Mapping[str, str]) -> str:
        """A hash of the row's key; without one, of all cells that the clip is made from and that are not empty."""
        given = [(name, cells[column]) for name, column in self._identity if cells[column]]
        digest = hashlib.sha256(json.dumps(given, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:_HASH_CHARS].translate(_DIGITS)

    def _find_identity(self) -> list[tuple[str, str]]:
        """(normalized name, column) of the columns that the hash is of, in an order that no sheet changes."""
        columns = [column for column in self.key if column is not None] or self.used or self.columns
        return sorted((normalized(column).casefold() or column, column) for column in columns)

    def _find_fields(self) -> dict[str, str]:
        found = {}
        for field in COLUMN_FIELDS:
            if field in self.entry.closed or (field in _COMMON_WORDS and field not in self.columns):
                continue
            try:
                column = find_name(field, self.columns)
            except AmbiguousName as exc:
                self._add_problem("rows", f"{self.file}:line 1: {exc}")
                continue
            if column is not None:
                found[field] = column
        return found

    def _find_used(self) -> list[str]:
        """The columns that the id and what is paid for are made from."""
        used = {column for field, column in self.fields.items() if field not in _NOT_IDENTITY}
        for text in (self.entry.clip.id or "", *_field_texts(self.entry, without=_NOT_IDENTITY)):
            used |= self.read_by(text)
        return sorted(used)

    def _find_key(self) -> tuple[str | None, ...]:
        """The columns of the entry's key; None for one that the table does not have."""
        found = []
        for name in self.entry.clip.key:
            try:
                column = find_name(name, self.columns)
            except AmbiguousName as exc:
                column = None
                self._add_problem("key", str(exc))
            else:
                if column is None:
                    known = ", ".join(self.columns)
                    self._add_problem("key", f"{self.file} has no column {name}; its columns are: {known}")
            found.append(column)
        return tuple(found)

    def _column_of_variable(self, name: str) -> str | None:
        """The column with the name of a variable, as far as a template can write it."""
        if name in self.columns:
            return name
        fits = [column for column in self.columns if not column.isidentifier() and normalized(column) == name]
        return fits[0] if len(fits) == 1 else None

    def _is_in_every_id(self) -> bool:
        return bool(self.entry.id_names & _ROW_NAMES or self.read_by(self.entry.clip.id or ""))

    def read_by(self, text: str) -> frozenset[str]:
        """The columns that a text reads; none if it is not a template: that is reported where it is rendered."""
        try:
            return self.entry.shared.templates.columns(text, self.columns)
        except ValueError:
            return frozenset()

    def _add_problem(self, field: str, text: str) -> None:
        self.entry.add_problem(field, text)
        self._is_usable = False


def name_columns(entry: ClipEntryContext, source: Source) -> list[str]:
    """The columns that name a row of an entry without an id, for a message."""
    table: TableColumns | None = entry.tables.get(tuple(source.columns))
    return [column for column in (table.key if table else ()) if column] or [_ID_COLUMN]


def all_texts(entry: ClipEntryContext) -> Iterator[str]:
    """All texts that may be templates of the entry's jobs."""
    yield entry.clip.id or ""
    yield entry.shared.settings.output.clips
    yield from texts_in(entry.clip.takes)
    yield from _field_texts(entry)


def _field_texts(entry: ClipEntryContext, without: Collection[str] = ()) -> Iterator[str]:
    """All texts of the entry, its matrix and the defaults that may set a field."""
    for field, candidates in entry.candidates.items():
        if field not in without:
            for candidate in (*candidates.own, *candidates.default):
                yield from texts_in(candidate.value)
    yield from texts_in(entry.clip.matrix)


def texts_in(value: Any) -> Iterator[str]:
    """All texts inside a value of the manifest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
