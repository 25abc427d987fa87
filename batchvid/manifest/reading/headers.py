"""The header of a table: which line names the columns, and whether the names can be used. Pure."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from batchvid.manifest.reading.tables import BadTable, TableOptions, Warn, line_name, row_name

SAMPLE_ROWS = 20
"""How many rows that are not empty show where the header is."""

_NUMBER = re.compile(r"[-+]?[\d.,' ]*\d%?")
_DATA = re.compile(r"https?://|.*\.(jpe?g|png|webp|heic|mp4)$", re.IGNORECASE)
_QUOTED = re.compile("“.*”|„.*[“”]|«.*»|‘.*’|'.*'")


class RawRow(NamedTuple):
    """The stripped cells of a row and its line."""

    cells: list[str]
    line: int


class Header(NamedTuple):
    """The names of the columns, in the order of the cells; an empty name is a column to leave out.

    `width` counts its cells, those without a name at its end included.
    """

    names: list[str]
    line: int
    sheet: str = ""
    width: int = 0

    @property
    def place(self) -> str:
        """Its line in messages."""
        return line_name(self.line, self.sheet)


def check_sample(rows: Sequence[RawRow], options: TableOptions, sheet: str = "") -> None:
    """Raises BadTable when the first of the rows is a title, or data, and no header."""
    if not rows:
        return
    first, others = rows[0], rows[1:]
    if options.header_row and first.line != options.header_row:
        raise BadTable(f"{line_name(options.header_row, sheet)}: is empty; it must name the columns")
    named = _filled(first)
    valued = frozenset[int]().union(*map(_filled, others))
    if not options.header_row and valued - named:
        _check_title(first, others, options, sheet)
    if not options.header_row:
        _check_data(first, others, options, sheet)


def column_letter(index: int) -> str:
    """The letters that a spreadsheet shows above a column, counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _filled(row: RawRow) -> frozenset[int]:
    return frozenset(index for index, cell in enumerate(row.cells) if cell)


def _check_title(first: RawRow, others: Sequence[RawRow], options: TableOptions, sheet: str) -> None:
    named = len(_filled(first))
    candidates = [
        row
        for row, after in itertools.pairwise(others)
        if len(_filled(row)) > named and len(_filled(after)) * 2 >= len(_filled(row)) and _could_name(row.cells)
    ]
    header = max(candidates, key=lambda row: len(_filled(row)), default=None)
    if header is None or named * 2 > len(_filled(header)) > named > 1:
        return
    shown = next(cell for cell in first.cells if cell)[:60]
    there, cells = line_name(header.line, sheet), "one cell" if named == 1 else f"{named} cells"
    quotes = "" if sheet else "; if it is the only column, put each cell with a delimiter in double quotes"
    raise BadTable(
        f"{line_name(first.line, sheet)}: has {cells} ({shown!r}) and {there} has "
        f"{len(_filled(header))}; if {there} names the columns, write rows: {{file: {options.file}, "
        f"header_row: {header.line}}}{quotes}"
    )


def _could_name(cells: Sequence[str]) -> bool:
    texts = [cell for cell in cells if cell]
    return len(set(texts)) == len(texts) and not any(_NUMBER.fullmatch(text) or _DATA.match(text) for text in texts)


def _check_data(first: RawRow, others: Sequence[RawRow], options: TableOptions, sheet: str) -> None:
    """A row of data in the place of the header has no names of columns: `A1` above `A2`, an address, a number."""
    shapes = [_shape(row.cells[0]) for row in (first, *others[:2]) if row.cells]
    is_data = len(shapes) > 1 and len(set(shapes)) == 1 and "\0" in shapes[0]
    found = next((cell for cell in first.cells if _DATA.match(cell)), None)
    if not is_data and found is None:
        return
    shown = ", ".join(repr(cell[:40]) for cell in first.cells[:3] if cell)
    names = ",".join(("id", "prompt", "mood", "image")[: len(first.cells)])
    raise BadTable(
        f"{line_name(first.line, sheet)}: looks like data ({shown}), and it must name the columns; add a row above it, "
        f"such as {names}; if it does name them, write rows: {{file: {options.file}, header_row: {first.line}}}"
    )


def _shape(cell: str) -> str:
    return re.sub(r"\d+", "\0", cell)


def header_of(row: RawRow, options: TableOptions, warn: Warn, sheet: str = "") -> Header:
    """The names of the columns. Raises BadTable for a name that stands twice."""
    names = [" ".join(name.split()) if "\n" in name or "\r" in name else name for name in row.cells]
    while names and not names[-1]:
        names.pop()
    place = line_name(row.line, sheet)
    if not sheet and len(names) > 1 and all(map(_QUOTED.fullmatch, names)):
        raise BadTable(
            f'{place}: the cells are in {names[0][0]} {names[0][-1]}, and only straight double quotes (") quote'
        )
    if options.columns:
        names = _renamed(names, options.columns, place)
    counts = Counter(name for name in names if name)
    if twice := [name for name, count in counts.items() if count > 1]:
        letters = " and ".join(column_letter(index) for index, name in enumerate(names) if name == twice[0])
        raise BadTable(f"{place}: column {twice[0]} exists twice ({letters}); rename or delete one of them")
    folded: dict[str, str] = {}
    for name in counts:
        other = folded.setdefault(_folded(name), name)
        if other != name:
            warn(f"columns {other!r} and {name!r} differ only in case or spaces", place)
    if not counts:
        raise BadTable(f"{place}: is empty; it must name the columns")
    return Header(names, row.line, sheet, len(row.cells))


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _renamed(names: list[str], columns: Mapping[str, str], place: str) -> list[str]:
    new = dict[int, str]()
    for variable, written in columns.items():
        index = find_column(names, written)
        if index is None:
            raise BadTable(f"{place}: {no_column(names, written)} (columns: {variable})")
        if index in new:
            raise BadTable(f"{place}: column {written} is given two names, {new[index]} and {variable}")
        new[index] = variable
    return [new.get(index, name) for index, name in enumerate(names)]


def find_column(names: Sequence[str], written: str) -> int | None:
    """The index of a column by the text of its header; case and spaces count only where two would fit."""
    written = " ".join(written.split())
    if written in names:
        return names.index(written)
    near = [index for index, name in enumerate(names) if name and _folded(name) == _folded(written)]
    return near[0] if len(near) == 1 else None


def no_column(names: Sequence[str], written: str) -> str:
    """That there is no such column, and which there are."""
    known = [name for name in names if name]
    close = get_close_matches(written, known, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"there is no column {written!r}; {hint}There is: {', '.join(known)}"


def unnamed_value(header: Header, index: int, number: int, line: int) -> BadTable:
    """The problem of a value in a column without a name."""
    return BadTable(
        f"{header.place}: column {index + 1} ({column_letter(index)}) has no name, and "
        f"{row_name(number, line, header.sheet)} has a value in it; name the column, or delete it"
    )
