"""Finds the line of a key in a TOML file, for messages: tomllib reads values without places. Pure.

It reads headers, keys, strings and brackets, and no values. A key inside an inline table has the line on which it
stands if that can be found, else that of the table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

KeyPath = tuple[str | int, ...]

_BARE = r'(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|\'[^\']*\')'
_KEY = rf"{_BARE}(?:\s*\.\s*{_BARE})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]")
_PAIR = re.compile(rf"\s*({_KEY})\s*=")
_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]')


class TomlLines:
    """The lines of the keys of one text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = dict(_key_lines(text.split("\n")))
        self._texts = text.split("\n")

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest key of this path that the file has; 1 if it has none."""
        path = tuple(path)
        for length in range(len(path), 0, -1):
            if (line := self._lines.get(path[:length])) is not None:
                return self._inline(line, path[length:])
        return 1

    def _inline(self, line: int, rest: KeyPath) -> int:
        """The line of the last key of `rest`, if the value that begins on `line` has it on a line of its own."""
        ends = [known for known in self._lines.values() if known > line]
        for number in range(line, min(ends, default=len(self._texts) + 1)):
            for key in reversed([key for key in rest if isinstance(key, str)]):
                if re.search(rf'(?:^|[\s{{,])["\']?{re.escape(key)}["\']?\s*=', self._texts[number - 1]):
                    return number
        return line


def _key_lines(lines: Sequence[str]) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    counts: Counter[KeyPath] = Counter()
    depth, closing = 0, ""
    for number, line in enumerate(lines, 1):
        start = 0
        if not depth and not closing:
            if header := _HEADER.match(line):
                path = _split(header[2])
                if header[1] == "[[":
                    counts[path] += 1
                    table = (*path, counts[path] - 1)
                    yield path, number
                else:
                    table = path
                yield table, number
                continue
            if pair := _PAIR.match(line):
                keys = _split(pair[1])
                for length in range(1, len(keys) + 1):
                    yield (*table, *keys[:length]), number
                start = pair.end()
        depth, closing = _scan(line[start:], depth, closing)


def _scan(text: str, depth: int, closing: str) -> tuple[int, str]:
    """The depth of brackets, and the quotes that close an open multi-line string, after this text."""
    position = 0
    while position < len(text):
        if closing:
            end = text.find(closing, position)
            if end < 0:
                return depth, closing
            position, closing = end + 3, ""
            continue
        found = _TOKEN.search(text, position)
        if found is None:
            return depth, ""
        sign, position = found[0], found.end()
        if sign in ('"""', "'''"):
            closing = sign
        elif sign[0] == "#":
            return depth, ""
        elif sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
    return depth, closing


def _split(key: str) -> KeyPath:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_BARE, key))
