"""A cell inside a condition of `where`: compares its text as a person means it. Knows no condition.

Everywhere else a cell is a plain text. What is compared decides: with a text, case, width and blanks do not matter;
with a number, the cell is read as one; with true and false, as a yes or no.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from batchvid.manifest.schema.cell_values import (
    Number,
    comparable,
    decimal_mark,
    folded,
    is_ambiguous,
    read_number,
    truth,
)
from batchvid.quoting import quoted, shortened

_PLAIN_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
Compare = Callable[[Any, Any], Any]


class BadCell(ValueError):
    """A cell cannot be compared as the condition does; the message names the column."""


class AmbiguousNumber(Exception):
    """A number may be read in two ways, and the cells seen so far do not decide."""


class NumberReader:
    """Reads the numbers of the columns of one table, each column with the decimal separator that its cells show.

    `empty` collects the columns whose empty cell was compared with a number in the current row. `assumed` is the
    separator for columns that show none; without one, an ambiguous number raises AmbiguousNumber. `written` are the
    columns as the condition writes them.
    """

    def __init__(self, written: Mapping[str, str]) -> None:
        self.written = written
        self.empty: set[str] = set()
        self.assumed = ""
        self.ambiguous: dict[str, str] = {}
        self._marks: dict[str, set[str]] = {}

    def observe(self, column: str, text: str) -> None:
        """Note the decimal separator that a cell shows."""
        if ("," in text or "." in text) and (mark := decimal_mark(text)):
            self._marks.setdefault(column, set()).add(mark)

    def read(self, column: str, text: str, decimal: str = "") -> Number | MissingNumber:
        """The number in a cell. Raises BadCell where there is none, and AmbiguousNumber."""
        if not comparable(text):
            self.empty.add(column)
            return MISSING
        if not decimal and is_ambiguous(text):
            marks = self._marks.get(column, set())
            if len(marks) == 1:
                decimal = next(iter(marks))
            else:
                self.ambiguous[column] = text
                decimal = self.assumed
            if not decimal:
                raise AmbiguousNumber
        number = read_number(text, decimal)
        if number is None:
            name = self.written_as(column)
            yes = f", or {name} == true to ask for a yes" if truth(text) is not None else ""
            raise BadCell(
                f"column {column}: {quoted(text)} is not a number; correct it, or write {name}|float(0) to count it "
                f"as 0{yes}"
            )
        return number

    def written_as(self, column: str) -> str:
        """The column as it is written in a condition."""
        return self.written.get(column) or f"row[{json.dumps(column, ensure_ascii=False)}]"


class MissingNumber:
    """The number of an empty cell: meets no comparison, and makes each sum that it is part of missing."""

    def _never(self, _other: object) -> bool:
        return False

    def _same(self, *_others: object) -> MissingNumber:
        return self

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __abs__ = __round__ = _same
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return False


MISSING = MissingNumber()


class Cell(str):
    """The text of a cell. `_column` names its column in messages; `_reader` reads its number."""

    __slots__ = ("_column", "_reader")
    _column: str
    _reader: NumberReader

    def __new__(cls, text: str, column: str, reader: NumberReader) -> Cell:
        """Attributes begin with `_`, because a condition must not reach them."""
        cell = super().__new__(cls, text)
        cell._column, cell._reader = column, reader
        return cell

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return self._equals(other, operator.eq)

    def __ne__(self, other: object) -> bool:
        return self._equals(other, operator.ne)

    def __lt__(self, other: Any) -> bool:
        return self._ordered(other, operator.lt)

    def __le__(self, other: Any) -> bool:
        return self._ordered(other, operator.le)

    def __gt__(self, other: Any) -> bool:
        return self._ordered(other, operator.gt)

    def __ge__(self, other: Any) -> bool:
        return self._ordered(other, operator.ge)

    def __bool__(self) -> bool:
        return truth(str(self)) is not False

    def __contains__(self, part: object) -> bool:
        return folded(str(part)) in folded(str(self))

    def startswith(self, prefix: Any, *_range: Any) -> bool:
        """As for a text, without regard to case."""
        prefixes = prefix if isinstance(prefix, tuple) else (prefix,)
        return folded(str(self)).startswith(tuple(folded(str(one)) for one in prefixes))

    def endswith(self, suffix: Any, *_range: Any) -> bool:
        """As for a text, without regard to case."""
        suffixes = suffix if isinstance(suffix, tuple) else (suffix,)
        return folded(str(self)).endswith(tuple(folded(str(one)) for one in suffixes))

    def __float__(self) -> float:
        return float(_plain(self._number()))

    def __int__(self) -> int:
        return int(_plain(self._number()))

    def __add__(self, other: Any) -> Any:
        return self._sum(self, other)

    def __radd__(self, other: Any) -> Any:
        return self._sum(other, self)

    def __sub__(self, other: Any) -> Any:
        return self._number() - number_of(other)

    def __rsub__(self, other: Any) -> Any:
        return number_of(other) - self._number()

    def __truediv__(self, other: Any) -> Any:
        return self._number() / number_of(other)

    def __rtruediv__(self, other: Any) -> Any:
        return number_of(other) / self._number()

    def __floordiv__(self, other: Any) -> Any:
        return self._number() // number_of(other)

    def __rfloordiv__(self, other: Any) -> Any:
        return number_of(other) // self._number()

    def __neg__(self) -> Any:
        return -self._number()

    def __abs__(self) -> Any:
        return abs(self._number())

    def __round__(self, digits: int = 0) -> Any:
        return round(self._number(), digits)

    def _number(self, decimal: str = "") -> Any:
        return self._reader.read(self._column, str(self), decimal)

    def _is_number(self) -> bool:
        return read_number(str(self), ".") is not None

    def _sum(self, left: Any, right: Any) -> Any:
        """A sum where both are numbers; otherwise the texts one after the other, as Jinja does."""
        texts = [one for one in (left, right) if isinstance(one, str)]
        if len(texts) == 2 and not all(isinstance(one, Cell) and one._is_number() for one in texts):
            return f"{left!s}{right!s}"
        return number_of(left) + number_of(right)

    def _equals(self, other: object, compare: Compare) -> bool:
        if isinstance(other, bool):
            return bool(compare(self._yes_or_no(), other))
        if isinstance(other, int | float):
            return bool(compare(self._number(), other))
        if isinstance(other, str):
            left, right = comparable(str(self)), comparable(str(other))
            if left != right and isinstance(other, Cell) and _are_amounts(self, other):
                return bool(compare(self._number(), other._number()))
            return bool(compare(left, right))
        if other is None:
            return bool(compare(not comparable(str(self)), True))
        if isinstance(other, list | tuple | dict):
            name = self._reader.written_as(self._column)
            raise BadCell(f'column {self._column} is one text, not a list: write {name} in ["a", "b"]')
        return NotImplemented  # type: ignore[no-any-return]

    def _ordered(self, other: object, compare: Compare) -> bool:
        if isinstance(other, bool):
            raise BadCell(f"column {self._column}: true and false are compared by == and != only")
        if isinstance(other, int | float):
            return bool(compare(self._number(), other))
        if isinstance(other, Cell):
            if self._is_number() or other._is_number():
                return bool(compare(self._number(), other._number()))
            return bool(compare(comparable(str(self)), comparable(str(other))))
        if isinstance(other, str):
            if _PLAIN_NUMBER.fullmatch(other.strip()):  # the quotes of "5" do not make it a word
                return bool(compare(self._number(), read_number(other, "." if "." in other else ",")))
            return bool(compare(comparable(str(self)), comparable(other)))
        return NotImplemented  # type: ignore[no-any-return]

    def _yes_or_no(self) -> bool:
        answer = truth(str(self))
        if answer is None:
            name, text = self._reader.written_as(self._column), str(self)
            raise BadCell(
                f"column {self._column}: {quoted(text)} is neither true nor false; correct it, or compare it as a "
                f"text: {name} == {json.dumps(shortened(text), ensure_ascii=False)}"
            )
        return answer


class SearchedText(str):
    """A text of the condition in which a cell is searched: `status in "ready, go"`. An empty cell is in no text."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        wanted = comparable(str(part))
        return bool(wanted or not isinstance(part, Cell)) and wanted in folded(str(self))


def number_of(value: Any, decimal: str = "") -> Any:
    """The number in a cell; any other value as it is."""
    return value._number(decimal) if isinstance(value, Cell) else value


def renamed(value: Any, text: str) -> Any:
    """The text as a cell of the same column."""
    return Cell(text, value._column, value._reader)


def _plain(number: Number | MissingNumber) -> Number:
    if isinstance(number, MissingNumber):
        raise BadCell("is empty")
    return number


def _are_amounts(left: Cell, right: Cell) -> bool:
    """Whether both are numbers, and neither is a code with leading zeros such as `007`."""
    return all(
        cell._is_number() and not (len(cell) > 1 and cell[0] == "0" and cell.isdigit()) for cell in (left, right)
    )
