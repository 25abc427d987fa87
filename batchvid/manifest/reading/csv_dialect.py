"""How a text table is written: which lines are above the header, and which delimiter is between the cells. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

_COMMON, _RARE = ",;\t|", "^:~"
_SEP = re.compile(r'"?sep=(.|\\t)"?\s*$', re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[^\W\d][\w .-]{0,40}")


class CsvDialect(NamedTuple):
    """The delimiter, and how many lines are above the header."""

    delimiter: str
    skipped: int


def find_dialect(lines: Sequence[str], header_row: int = 0, delimiter: str = "") -> CsvDialect:
    """How the table is written whose first lines these are; what is given is not looked for."""
    skipped = max(0, header_row - 1)
    if not header_row:
        while skipped < len(lines) and not lines[skipped].strip():
            skipped += 1
    if skipped < len(lines) and (found := _SEP.match(lines[skipped].strip("\ufeff \r\n"))) and not header_row:
        delimiter = delimiter or found[1].replace("\\t", "\t")
        skipped += 1
    elif lines and header_row and not delimiter and (found := _SEP.match(lines[0].strip("\ufeff \r\n"))):
        delimiter = found[1].replace("\\t", "\t")
    rest = lines[skipped:]
    if not header_row:
        comments = _comments(rest, delimiter)
        skipped, rest = skipped + comments, rest[comments:]
    return CsvDialect(delimiter or _delimiter(rest), skipped)


def _comments(lines: Sequence[str], delimiter: str) -> int:
    """How many lines at the begin are comments: they begin with `#`, and the table below is not as wide."""
    count = 0
    while count < len(lines) and (lines[count].startswith("#") or not lines[count].strip()):
        count += 1
    if not 0 < count < len(lines):
        return 0
    mark = delimiter or _delimiter(lines[count:])
    width = _widths(lines[count : count + 1], mark)
    below = _widths(lines[count + 1 : count + 2], mark) or width
    is_header = lines[count - 1].startswith("#") and _widths(lines[count - 1 : count], mark) == width == below
    return 0 if is_header and width > [1] else count


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that splits most lines into as many cells as the header; of several, what the header has most."""
    filled = [line for line in lines if line.strip()][:20]
    if not filled:
        return ","
    bare = re.sub(r'"[^"]*"?', "", filled[0])
    best = max(_COMMON, key=lambda mark: (bare.count(mark) > 0, _fits(lines, mark), bare.count(mark)))
    if best in bare:
        return best
    for mark in _RARE:
        names = bare.strip().split(mark)
        widths = set(_widths(filled, mark))
        if len(names) > 1 and len(filled) > 1 and widths == {len(names)} and all(map(_PLAIN_NAME.fullmatch, names)):
            return mark
    return max(_COMMON, key=lambda mark: _fits(lines, mark)) if len(filled) > 2 else ","


def _fits(lines: Sequence[str], mark: str) -> int:
    """How many of the first rows have as many cells, more than one, as most of them."""
    widths = [width for width in _widths(lines, mark) if width > 1]
    return max(map(widths.count, widths), default=0)


def _widths(lines: Sequence[str], mark: str) -> list[int]:
    try:
        return [len(cells) for cells in csv.reader(lines[:40], delimiter=mark) if any(cells)]
    except csv.Error:
        return []


def is_table(lines: Sequence[str]) -> bool:
    """Whether a .txt file is a table, and not one prompt per line: all lines have the same cells, below plain names."""
    filled = [line for line in lines if line.strip()][:40]
    if len(filled) < 2:
        return False
    for mark in "\t;,|":
        names = [name.strip().strip('"') for name in filled[0].strip("\ufeff\r\n").split(mark)]
        widths = set(_widths(filled, mark))
        is_named = all(map(_PLAIN_NAME.fullmatch, names)) and not filled[0].count(f"{mark} ")
        if len(names) > 1 and (mark == "\t" or is_named) and widths == {len(names)}:
            return True
    return False
