"""Expands a clip entry to job drafts: its rows or images, times the cells of its matrix, times its takes.

Templates are not rendered here and fields are not checked, except axes; job_builder.py makes the jobs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batchvid.manifest.expansion.column_report import report_columns
from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.field_values import field_values, find_takes
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.expansion.sources import sources
from batchvid.manifest.reading.safe_names import text_of, value_name
from batchvid.manifest.schema.models import CHECKS, FIELDS, ClipEntry
from batchvid.manifest.schema.templates import is_template
from batchvid.quoting import quoted

_NOT_AN_AXIS = (set(FIELDS) | set(ClipEntry.model_fields)) - set(CHECKS)


class JobDraft(NamedTuple):
    """One job before its templates are rendered: its variables, those shown in the report, and its fields.

    Each field has the values that it may have; the first one that is not empty is its value.
    """

    variables: dict[str, Any]
    fields: Mapping[str, Sequence[FieldValue]]
    suffix: str
    shown: Mapping[str, str]
    take: int
    source: Source


class _Cell(NamedTuple):
    values: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, FieldValue]
    suffix: str


def expand_entry(entry: ClipEntryContext) -> Iterator[JobDraft]:
    """All jobs of an entry. What cannot be expanded is left out and added to the problems."""
    cells = _cells(entry)
    for source in sources(entry) if cells else ():
        values = field_values(entry, source)
        for cell in cells:
            variables = {**source.variables, **cell.values}
            fields = _with_axes(values, cell.fields) if cell.fields else values
            shown = {**cell.shown, **source.shown}
            takes = find_takes(entry, source, variables)
            is_numbered = takes > 1 and "take" not in entry.id_names
            for take in range(1, takes + 1):
                yield JobDraft(
                    variables={**variables, "take": take},
                    fields=fields,
                    suffix=f"{cell.suffix}{source.suffix}{f'_t{take}' if is_numbered else ''}",
                    shown=shown,
                    take=take,
                    source=source,
                )
    report_columns(entry)


def _with_axes(
    values: Mapping[str, Sequence[FieldValue]], axes: Mapping[str, FieldValue]
) -> Mapping[str, Sequence[FieldValue]]:
    return {**values, **{axis: (value, *values.get(axis, ())) for axis, value in axes.items()}}


def _cells(entry: ClipEntryContext) -> list[_Cell]:
    """The combinations of the matrix without excluded ones; one empty cell without a matrix."""
    axes = entry.clip.matrix
    valid = [axis for axis in axes if _is_valid_axis(entry, axis)]
    if len(valid) < len(axes):
        return []
    excluded = _excluded(entry)
    cells = []
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        shown = {axis: text_of(value) for axis, value in values.items()}
        if not any(partial.items() <= shown.items() for partial in excluded):
            fields = {axis: _axis_value(entry, axis, value) for axis, value in values.items() if axis in CHECKS}
            # not in the file's order: a formatter that sorts keys must not rename, and so buy again, every clip
            unused = [values[axis] for axis in sorted(axes, key=_rank) if axis not in entry.id_names]
            cells.append(_Cell(values, shown, fields, "".join(f"_{value_name(value)}" for value in unused)))
    if not cells:
        entry.add_problem("exclude", "excludes the whole matrix")
    return cells


def _axis_value(entry: ClipEntryContext, axis: str, value: Any) -> FieldValue:
    """The value that an axis gives to its field; a plain one is final: an empty one means that there is none."""
    is_plain = not isinstance(value, str) or not is_template(value)
    return FieldValue(_checked(axis, value), entry.place_of(axis), is_final=is_plain)


def _rank(axis: str) -> tuple[bool, str]:
    """The order of axes in an id: the manifest's variables before fields, each by name."""
    return axis in CHECKS, axis


def _is_valid_axis(entry: ClipEntryContext, axis: str) -> bool:
    if axis in _NOT_AN_AXIS:
        entry.add_problem("matrix", f"{axis} cannot be an axis; use another name and {{{{ name }}}} in the field")
        return False
    if axis in CHECKS and axis in entry.node:
        entry.add_problem(axis, "is both a field of the entry and an axis of its matrix; keep one of them")
        return False
    for value in entry.clip.matrix[axis]:
        try:
            _checked(axis, value)
        except ValueError as exc:
            entry.add_problem(axis, f"matrix value {quoted(text_of(value))} {exc}")
            return False
    return True


def _checked(axis: str, value: Any) -> Any:
    if isinstance(value, str) and is_template(value):
        if axis not in CHECKS:
            raise ValueError("must be a plain value: only axes named like a field may contain templates")
        return value
    return CHECKS[axis](value) if axis in CHECKS else value


def _excluded(entry: ClipEntryContext) -> list[dict[str, str]]:
    """The combinations to leave out; one that fits no cell is a problem."""
    partials = []
    for combination in entry.clip.exclude:
        partial = {axis: text_of(value) for axis, value in combination.items()}
        for axis, text in partial.items():
            allowed = [text_of(value) for value in entry.clip.matrix.get(axis, [])]
            if not allowed:
                axes = ", ".join(entry.clip.matrix) or "none"
                entry.add_problem("exclude", f"{axis} is not an axis of the matrix; its axes are: {axes}")
            elif text not in allowed:
                entry.add_problem("exclude", f"{axis} is never {text!r}; its values are: {', '.join(allowed)}")
        partials.append(partial)
    return partials
