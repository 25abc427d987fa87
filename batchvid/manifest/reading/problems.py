"""Places in the user's files, and the list of problems so far. Knows no YAML and no clips."""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

from batchvid.quoting import shortened

MAX_SHOWN_PROBLEMS = 50  # of one place: a wrong column of a long table must not hide everything else
MAX_WORD_CHARS = 120  # of a word without blanks, which no message needs as a whole
_LONG = re.compile(r"\S{256,}")  # longer than the name of any file
MAX_SHOWN_ROWS = 3  # of a table, when all of them have the same problem


class Place(NamedTuple):
    """A place in a file: `file` as the user gave it, `line` from 1 (0: no line), `entry` the name of what is there."""

    file: str
    line: int
    entry: str

    def problem(self, text: str) -> str:
        """One line for the user: `file:line: entry: text`."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        line = f"{where}: {self.entry}: {text}" if self.entry else f"{where}: {text}"
        line = _LONG.sub(lambda match: shortened(match[0], MAX_WORD_CHARS), line)
        return "".join(character if character.isprintable() else "?" for character in line)


Found = dict[tuple[Place, str], list[str]]
"""Texts by place, each with the rows that it is about."""


class Problems:
    """Collects problems and warnings: the user sees all of them at once, and each one once.

    A problem stops the command. A warning is shown by it; `--strict` makes it a problem. A note says what a rule does.
    """

    def __init__(self, first_file: str = "") -> None:
        self._first_file = first_file
        self._found: dict[tuple[Place, str], list[str]] = {}
        self._warnings: dict[tuple[Place, str], list[str]] = {}
        self._notes: dict[tuple[Place, str], list[str]] = {}

    def add(self, place: Place, text: str, row: str = "") -> None:
        """Add a problem. `row` names the row of a table that has it; rows with the same problem share a line."""
        _add(self._found, place, text, row)

    def warn(self, place: Place, text: str, row: str = "") -> None:
        """Add a warning, which stops nothing."""
        _add(self._warnings, place, text, row)

    def note(self, place: Place, text: str, row: str = "") -> None:
        """Add a note: what a rule makes of the manifest, where the user may not expect it."""
        _add(self._notes, place, text, row)

    def __bool__(self) -> bool:
        return bool(self._found)

    def lines(self) -> list[str]:
        """All problems: those of the first file, then those of the other files, each in the order of its lines."""
        return self._lines(self._found, "problems")

    def warnings(self) -> list[str]:
        """All warnings, in the same order."""
        return self._lines(self._warnings, "warnings")

    def notes(self) -> list[str]:
        """All notes, in the same order."""
        return self._lines(self._notes, "notes")

    def _lines(self, found_at: Found, what: str) -> list[str]:
        def order(found: tuple[tuple[Place, str], list[str]]) -> tuple[bool, Place]:
            place = found[0][0]
            return place.file != self._first_file, place

        lines: list[str] = []
        for place, found in groupby(sorted(found_at.items(), key=order), key=lambda item: item[0][0]):
            shown = [place.problem(text + _in_rows(rows)) for (_, text), rows in found]
            lines += shown[:MAX_SHOWN_PROBLEMS]
            if len(shown) > MAX_SHOWN_PROBLEMS:
                lines.append(place.problem(f"and {len(shown) - MAX_SHOWN_PROBLEMS:,} more {what} here"))
        return lines


def _add(found: Found, place: Place, text: str, row: str) -> None:
    rows = found.setdefault((place, text), [])
    if row and row not in rows[:MAX_SHOWN_ROWS] and row not in rows[-1:]:  # the takes of a row come one after another
        rows.append(row)


def _in_rows(rows: list[str]) -> str:
    if not rows:
        return ""
    more = len(rows) - MAX_SHOWN_ROWS
    return f" ({', '.join(rows[:MAX_SHOWN_ROWS])}{f' and {more} more' if more > 0 else ''})"
