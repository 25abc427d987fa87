"""Conditions of `where`: `price > 5 and status == "ready"`. Knows no file and no clip.

The syntax is that of templates, in the same sandbox. What a comparison with a cell means is in cells.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2

from batchvid.manifest.schema.cell_values import read_number, truth
from batchvid.manifest.schema.cells import AmbiguousNumber, BadCell, Cell, NumberReader
from batchvid.manifest.schema.condition_hints import correct, describe_unknown
from batchvid.manifest.schema.condition_sandbox import RESULT, CompiledCondition, Unusable, compiled, variable_name
from batchvid.manifest.schema.variable_names import AmbiguousName, RowValues, find_name
from batchvid.quoting import quoted

Variables = Mapping[str, Any]


class BadCondition(ValueError):
    """The condition is wrong for every row; the message says what to write."""


class Condition:
    """One condition over the rows of one table. Raises BadCondition when it cannot be used with these variables."""

    def __init__(self, text: str, variables: Variables) -> None:
        try:
            self._compiled = compiled(text)
            self._names = _sources(self._compiled, variables)
        except Unusable as exc:
            raise BadCondition(_explained(text, variables, exc)) from None
        self._numbers = NumberReader({source: name for name, source in self._names.items()})
        if not self._names and not _is_constant_on_purpose(text):
            hint = correct(text, tuple(variables), lambda changed: _is_usable(changed, variables))
            if hint:
                raise BadCondition(f"{quoted(text)} uses no column; write {hint}")

    @property
    def empty_columns(self) -> frozenset[str]:
        """The columns whose empty cell was compared with a number, in the row that was evaluated last."""
        return frozenset(self._numbers.empty)

    def written_as(self, column: str) -> str:
        """The column as it is written in the condition."""
        return self._numbers.written_as(column)

    def observe(self, variables: Variables) -> None:
        """Look at a row's numbers, to know how its columns write them, without evaluating the condition."""
        for source in self._names.values():
            value = variables.get(source)
            for column, cell in value.items() if isinstance(value, dict) else ((source, value),):
                if isinstance(cell, str):
                    self._numbers.observe(column, cell)

    def holds(self, variables: Variables, *, is_last: bool = False) -> bool:
        """Whether a row meets the condition.

        Raises BadCell, and AmbiguousNumber when more rows must be observed first. With `is_last` there are no more:
        a number that may be two is an error only if the two lead to different results.
        """
        self.observe(variables)
        self._numbers.assumed = ""
        try:
            return self._evaluate(variables)
        except AmbiguousNumber:
            if not is_last:
                raise
        results = set()
        for mark in ".,":
            self._numbers.assumed = mark
            results.add(self._evaluate(variables))
        if len(results) == 1:
            return results.pop()
        column, text = next(iter(self._numbers.ambiguous.items()))
        name = self._numbers.written_as(column)
        ways = [f'{name}|float(decimal="{mark}") for {read_number(text, mark)}' for mark in ".,"]
        raise BadCell(
            f"column {column}: {quoted(text)} may be {read_number(text, '.')} or {read_number(text, ',')}, and no "
            f"other cell of the column decides; write {' or '.join(ways)}"
        )

    def _evaluate(self, variables: Variables) -> bool:
        self._numbers.empty.clear()
        self._numbers.ambiguous.clear()
        try:
            values = {
                variable_name(name): self._cell(source, variables[source]) for name, source in self._names.items()
            }
            context = self._compiled.template.new_context(values)
            for _ in self._compiled.template.root_render_func(context):
                pass
            return bool(context.vars[RESULT])
        except (BadCell, AmbiguousNumber):
            raise
        except jinja2.UndefinedError as exc:
            raise BadCell(str(exc)) from None
        except TypeError as exc:
            raise BadCell(_kinds(exc)) from None
        except Exception as exc:  # the user's own condition: it may fail in any way
            raise BadCell(f"cannot be evaluated: {exc}") from None

    def _cell(self, column: str, value: Any) -> Any:
        if isinstance(value, str):
            return Cell(value, column, self._numbers)
        if column == "row" and isinstance(value, dict):
            return _Row(value, self._numbers)
        return value


class _Row(RowValues):
    """`row` in a condition: its values are cells."""

    __slots__ = ("_numbers",)

    def __init__(self, values: dict[str, str], numbers: NumberReader) -> None:
        cells: dict[str, str] = {name: Cell(value, name, numbers) for name, value in values.items()}
        super().__init__(cells, getattr(values, "missing", None))
        self._numbers = numbers

    def __missing__(self, name: str) -> str:
        value = super().__missing__(name)
        return value if isinstance(value, Cell) else Cell(value, str(name), self._numbers)


def _sources(condition: CompiledCondition, variables: Variables) -> dict[str, str]:
    """The variable that each name means. Raises Unusable with the names that mean none."""
    known = tuple(variables)
    try:
        found = {name: find_name(name, known) for name in condition.names}
    except AmbiguousName as exc:
        raise Unusable(str(exc).replace("{{ ", "").replace(" }}", "")) from None
    unknown = tuple(
        name for name, may_be_undefined in condition.names.items() if not found[name] and not may_be_undefined
    )
    if unknown:
        raise Unusable("", unknown)
    sources = {name: source for name, source in found.items() if source is not None}
    for name, part in condition.parts:
        if isinstance(variables.get(sources.get(name, "")), str) and not hasattr(str, part):
            raise Unusable(f"uses {name}.{part}, and a text has no {part}")
    return sources


def _is_usable(text: str, variables: Variables) -> bool:
    """Whether the condition can be read, and uses columns."""
    try:
        return bool(_sources(compiled(text), variables))
    except Unusable:
        return False


def _explained(text: str, variables: Variables, problem: Unusable) -> str:
    """What is wrong, and the condition to write instead if there is one."""
    if not text.strip():
        return "is empty; leave it out to keep all rows"
    hint = correct(text, tuple(variables), lambda changed: _is_usable(changed, variables))
    if problem.unknown:
        return describe_unknown(problem.unknown[0], tuple(variables), hint)
    return f"{quoted(text)} is not a condition; write {hint}" if hint else f"{quoted(text)} {problem}"


def _is_constant_on_purpose(text: str) -> bool:
    return truth(text) is not None


def _kinds(exc: TypeError) -> str:
    words = str(exc)
    if "not supported between" in words or "unsupported operand" in words or "can only concatenate" in words:
        return "compares a text with a number; write |float after the text that is a number"
    return f"cannot be evaluated: {words}"
