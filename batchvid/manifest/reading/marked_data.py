"""The data of a document with the file and line of every key and item. Knows no file format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """The place of a key or an item. `line` counts from 1; 0 means that it is not from a file (`--set`)."""

    file: str
    line: int


class Map(dict[str, Any]):
    """A mapping; `marks` has the place of each key, `start` its own.

    `written` has the text of each number and switch that would be another text when it is used in one: `19.90`.
    """

    __slots__ = ("marks", "start", "written")

    def __init__(self, start: Mark) -> None:
        super().__init__()
        self.start = start
        self.marks: dict[str, Mark] = {}
        self.written: dict[str, str] = {}

    def put(self, key: str, value: Any, mark: Mark, written: str = "") -> None:
        """Set a key together with its place, and with the text in the file where that differs from the value's."""
        self[key] = value
        self.marks[key] = mark
        self.written.pop(key, None)
        if written:
            self.written[key] = written


class Seq(list[Any]):
    """A list; `marks` has the place of each item, `written` the texts as in a Map, by index."""

    __slots__ = ("marks", "written")

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []
        self.written: dict[int, str] = {}


def mark_at(document: Map, path: Sequence[str | int]) -> Mark:
    """The place of the node at `path`, or of the nearest node above it that exists."""
    found, node = document.start, document
    for step in path:
        if (isinstance(node, Map) and step in node.marks) or (
            isinstance(node, Seq) and isinstance(step, int) and step < len(node)
        ):
            found, node = node.marks[step], node[step]
        else:
            break
    return found


def plain(value: Any) -> Any:
    """The same data in ordinary dicts and lists, for use outside this package."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
