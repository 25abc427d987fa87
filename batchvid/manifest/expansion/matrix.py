"""One clip entry into drafts: its rows or images, times the cells of its matrix, times its takes.

Nothing is filled in here and no field is looked at but to check an axis; job_builder.py makes the jobs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.sources import Source, sources
from batchvid.manifest.reading.safe_names import text_of, value_name
from batchvid.manifest.schema.models import CHECKS, FIELDS, ClipEntry
from batchvid.manifest.schema.templates import is_template

MAX_JOBS = 1_000_000  # one manifest; a slip of the pen in a matrix must not fill the memory
_NO_AXIS = (set(FIELDS) | set(ClipEntry.model_fields)) - set(CHECKS)


class JobDraft(NamedTuple):
    """One job before its templates are filled in: its variables (and what the report shows of them) and fields."""

    variables: dict[str, Any]
    fields: Mapping[str, Any]
    suffix: str
    shown: Mapping[str, str]
    take: int
    source: Source


class _Cell(NamedTuple):
    values: Mapping[str, Any]
    shown: Mapping[str, str]
    fields: Mapping[str, Any]
    suffix: str


def expand_entry(entry: ClipEntryContext) -> Iterator[JobDraft]:
    """All jobs of an entry. What cannot be expanded is told to the entry's problems and left out."""
    cells = _cells(entry)
    takes = range(1, entry.said.takes + 1)
    numbered = len(takes) > 1 and "take" not in entry.id_names
    for source in sources(entry) if cells else ():
        for cell in cells:
            variables = {**source.variables, **cell.values}
            fields = {**entry.fields, **source.fields, **cell.fields}
            shown = {**cell.shown, **source.shown}
            for take in takes:
                yield JobDraft(
                    variables={**variables, "take": take},
                    fields=fields,
                    suffix=f"{cell.suffix}{source.suffix}{f'_t{take}' if numbered else ''}",
                    shown=shown,
                    take=take,
                    source=source,
                )


def _cells(entry: ClipEntryContext) -> list[_Cell]:
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
            # not in the file's order: a formatter that sorts keys must not rename, and so buy again, every clip
            unused = [values[axis] for axis in sorted(axes, key=_rank) if axis not in entry.id_names]
            cells.append(_Cell(values, shown, fields, "".join(f"_{value_name(value)}" for value in unused)))
    if not cells:
        entry.complain("exclude", "leaves nothing of the matrix")
    return cells


def _rank(axis: str) -> tuple[bool, str]:
    """Where an axis stands in an id: variables of the manifest's own before fields, each by name."""
    return axis in CHECKS, axis


def _axis_fits(entry: ClipEntryContext, axis: str) -> bool:
    if axis in _NO_AXIS:
        entry.complain("matrix", f"{axis} cannot be an axis; use an axis of your own and {{{{ name }}}} in the field")
        return False
    if axis in CHECKS and axis in entry.node:
        entry.complain(axis, "is both a field of the entry and an axis of its matrix; keep one of them")
        return False
    for value in entry.said.matrix[axis]:
        try:
            _checked(axis, value)
        except ValueError as exc:
            entry.complain(axis, f"matrix value {text_of(value)!r} {exc}")
            return False
    return True


def _checked(axis: str, value: Any) -> Any:
    if isinstance(value, str) and is_template(value):
        if axis not in CHECKS:
            raise ValueError("must be a plain value: only axes named like a field may hold templates")
        return value
    return CHECKS[axis](value) if axis in CHECKS else value


def _excluded(entry: ClipEntryContext) -> list[dict[str, str]]:
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
        partials.append(partial)
    return partials
