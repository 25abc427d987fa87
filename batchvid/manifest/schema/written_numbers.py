"""Warns of numbers and switches that are used in texts and would be written in another way: `19.90` as `19.9`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from batchvid.manifest.reading.marked_data import Map, Mark, Seq
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema.models import CHECKS

TEXTS = ("prompt", "negative_prompt")


class _Changed(NamedTuple):
    mark: Mark
    written: str
    value: Any


def warn_of_changed_numbers(document: Map, problems: Problems) -> None:
    """Add a warning for each variable, free axis and prompt of that kind."""
    if isinstance(variables := document.get("vars"), Map):
        _warn(problems, "vars", _changed(variables))
    clips = document.get("clips")
    entries = [document.get("defaults"), *(clips if isinstance(clips, Seq) else ())]
    for entry in entries:
        if not isinstance(entry, Map):
            continue
        _warn(problems, str(entry.get("id", "defaults")), (one for key, one in _of_map(entry) if key in TEXTS))
        if isinstance(matrix := entry.get("matrix"), Map):
            axes = [values for axis, values in matrix.items() if axis in TEXTS or axis not in CHECKS]
            _warn(problems, str(entry.get("id", "matrix")), (one for values in axes for one in _changed(values)))


def _warn(problems: Problems, entry: str, found: Iterator[_Changed]) -> None:
    for mark, written, value in found:
        text = f'{written} is used in texts as {text_of(value)}; to keep it as it is, write "{written}"'
        problems.warn(Place(mark.file, mark.line, entry), text)


def _of_map(node: Map) -> Iterator[tuple[str, _Changed]]:
    for key, written in node.written.items():
        if key in node:
            yield key, _Changed(node.marks[key], written, node[key])


def _changed(node: Any) -> Iterator[_Changed]:
    if isinstance(node, Map):
        for _, one in _of_map(node):
            yield one
        for value in node.values():
            yield from _changed(value)
    elif isinstance(node, Seq):
        for index, written in node.written.items():
            yield _Changed(node.marks[index], written, node[index])
        for value in node:
            yield from _changed(value)
