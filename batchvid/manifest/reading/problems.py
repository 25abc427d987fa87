"""Places in the user's files, and the list of problems so far. Knows no YAML and no clips."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

MAX_SHOWN_PROBLEMS = 50  # of one place: a wrong column of a long table must not hide everything else
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
        return "".join(character if character.isprintable() else "?" for character in line)


class Problems:
    """Collects problems: the user sees all of them at once, and each one once."""

    def __init__(self, first_file: str = "") -> None:
        self._first_file = first_file
        self._found: dict[tuple[Place, str], list[str]] = {}

    def add(self, place: Place, text: str, row: str = "") -> None:
        """Add a problem. `row` names the row of a table that has it; rows with the same problem share a line."""
        rows = self._found.setdefault((place, text), [])
        if row and row not in rows[:MAX_SHOWN_ROWS]:
            rows.append(row)

    def __bool__(self) -> bool:
        return bool(self._found)

    def lines(self) -> list[str]:
        """All problems: those of the first file, then those of the other files, each in the order of its lines."""

        def order(found: tuple[tuple[Place, str], list[str]]) -> tuple[bool, Place]:
            place = found[0][0]
            return place.file != self._first_file, place

        lines: list[str] = []
        for place, found in groupby(sorted(self._found.items(), key=order), key=lambda item: item[0][0]):
            shown = [place.problem(text + _in_rows(rows)) for (_, text), rows in found]
            lines += shown[:MAX_SHOWN_PROBLEMS]
            if len(shown) > MAX_SHOWN_PROBLEMS:
                lines.append(place.problem(f"and {len(shown) - MAX_SHOWN_PROBLEMS:,} more problems here"))
        return lines


def _in_rows(rows: list[str]) -> str:
    if not rows:
        return ""
    more = len(rows) - MAX_SHOWN_ROWS
    return f" ({', '.join(rows[:MAX_SHOWN_ROWS])}{f' and {more} more' if more > 0 else ''})"
