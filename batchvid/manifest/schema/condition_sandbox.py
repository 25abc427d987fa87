"""Compiles conditions of `where` in the sandbox of templates, with filters and tests that read cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any, NamedTuple

import jinja2
from jinja2 import filters, nodes, tests
from jinja2.parser import Parser
from jinja2.runtime import Undefined

from batchvid.manifest.schema.cell_values import comparable, read_number
from batchvid.manifest.schema.cells import (
    MISSING,
    BadCell,
    Cell,
    MissingNumber,
    SearchedText,
    number_of,
    renamed,
)
from batchvid.manifest.schema.template_filters import unknown_filter
from batchvid.manifest.schema.templates import Sandbox
from batchvid.quoting import quoted

RESULT = "_result"
"""The variable that holds the value of a compiled condition."""
_SEARCHED = "_searched"
_GUARDS = ("defined", "undefined", "default", "d")


class Unusable(Exception):
    """A condition cannot be used; `unknown` are names that no variable has."""

    def __init__(self, reason: str, unknown: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.unknown = unknown


def variable_name(name: str) -> str:
    """The variable for a name of a condition: `self`, for example, means something else in a template."""
    return f"name_{name}"


class CompiledCondition(NamedTuple):
    """`names` of the condition, each with whether it may be undefined; `parts` are (name, attribute) pairs."""

    template: jinja2.Template
    names: Mapping[str, bool]
    parts: tuple[tuple[str, str], ...]


_DATE = re.compile(r"(?<![\w.])(?:\d{4}-\d\d-\d\d|\d\d?\.\d\d?\.\d{4})(?!\w)")


def _plain(reason: str) -> str:
    """The reason of the template engine in other words."""
    if found := re.search(r"expected '([)\]}])'", reason):
        return f"a {found[1]} is missing"
    if "end of template" in reason or "unexpected end" in reason:
        return "it ends too early"
    found = re.search(r"'(.+)'\s*$", reason) or re.search(r"char '?(.)", reason)
    return f"{quoted(found[1])} is not expected there" if found else 'write it as name == "text" or name > 5'


@lru_cache(maxsize=256)
def compiled(text: str) -> CompiledCondition:
    """The compiled condition. Raises Unusable."""
    sandbox = _sandbox()
    try:
        parser = Parser(sandbox, text, state="variable")
        condition = parser.parse_expression()
        if not parser.stream.eos:
            raise Unusable(f"cannot be read from {quoted(str(parser.stream.current.value))} on")
        for operand in condition.find_all(nodes.Operand):
            if operand.op in ("in", "notin"):
                operand.expr = nodes.Filter(operand.expr, _SEARCHED, [], [], None, None)
        assignment = nodes.Assign(nodes.Name(RESULT, "store"), condition, lineno=1)
        tree = nodes.Template([assignment], lineno=1)
        tree.set_environment(sandbox)
        _check(tree, text, sandbox)
        used = [node for node in tree.find_all(nodes.Name) if node.ctx == "load"]
        guarded = {
            node.node.name
            for node in tree.find_all((nodes.Test, nodes.Filter))
            if node.name in _GUARDS and isinstance(node.node, nodes.Name)
        }
        parts = [
            (node.node.name, node.attr) for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name)
        ]
        names = {name: name in guarded for name in sorted({node.name for node in used})}
        for node in used:
            node.name = variable_name(node.name)
        return CompiledCondition(sandbox.from_string(tree), names, tuple(parts))
    except Unusable:
        raise
    except jinja2.TemplateError as exc:
        raise Unusable(f"cannot be read: {_plain(exc.message or '')}") from None
    except Exception as exc:  # nested too deep, for example
        raise Unusable(f"cannot be read: {type(exc).__name__}") from None


def _check(tree: nodes.Template, text: str, sandbox: Sandbox) -> None:
    """Raises Unusable for what cannot be evaluated, or has the same result for every row."""
    if problem := unknown_filter(tree, sandbox.filters, sandbox.tests):
        raise Unusable(f"cannot be read: {problem}")
    if _DATE.search(re.sub(r"\"[^\"]*\"|'[^']*'", "", text)):
        raise Unusable("has a date without quotes")
    values = [side for junction in tree.find_all((nodes.Or, nodes.And)) for side in _sides(junction)]
    if any(map(_is_number, values)):
        raise Unusable("has a number alone beside and / or")
    if any(
        isinstance(value, nodes.Concat) for value in (*(assign.node for assign in tree.find_all(nodes.Assign)), *values)
    ):
        raise Unusable("joins texts with ~, which is always true")
    if any(map(_is_text, values)):
        raise Unusable("has a text alone beside and / or, which is always true")
    if any(
        isinstance(node.expr, nodes.List | nodes.Dict) and _is_equality(node) for node in tree.find_all(nodes.Compare)
    ):
        raise Unusable("compares a list with one value")
    if any(_is_number_with_text(node) for node in tree.find_all(nodes.Compare)):
        raise Unusable("compares a number with a text in quotes")


class _UnknownPart(jinja2.StrictUndefined):
    """An undefined name, whose message is in terms of the condition."""

    def __init__(self, hint: Any = None, obj: Any = None, name: Any = None, exc: Any = jinja2.UndefinedError) -> None:
        super().__init__(hint or f"there is no {name}", obj, name, exc)


class _ConditionSandbox(Sandbox):
    """The sandbox of templates, with the filters and tests that read cells as numbers."""

    def __init__(self) -> None:
        super().__init__(undefined=_UnknownPart)
        self.globals.clear()  # a column may be called range
        for name in ("lower", "upper", "trim", "title", "capitalize", "string"):
            self.filters[name] = _keeping_the_cell(self.filters[name])
        self.filters |= {"float": _float, "int": _int, "round": filters.do_round, _SEARCHED: _searched}
        self.tests |= {
            "true": lambda value: value == True if isinstance(value, Cell) else value is True,  # noqa: E712
            "false": lambda value: value == False if isinstance(value, Cell) else value is False,  # noqa: E712
            "none": lambda value: value is None or (isinstance(value, Cell) and not comparable(value)),
            "number": _is_a_number,
        }
        for name in ("odd", "even", "divisibleby"):
            self.tests[name] = _of_a_number(getattr(tests, f"test_{name}"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Cells beside `*`, `**` and `%` are numbers."""
        left, right = number_of(left), number_of(right)
        if isinstance(left, MissingNumber) or isinstance(right, MissingNumber):
            return MISSING
        return super().call_binop(context, operator, left, right)


_REQUIRED = object()


def _float(value: Any, default: Any = _REQUIRED, decimal: str = "") -> Any:
    if isinstance(value, Undefined) and default is not _REQUIRED:
        return default
    try:
        number = _read(value, decimal)
        return number if isinstance(number, MissingNumber) and default is _REQUIRED else float(number)
    except (BadCell, TypeError, ValueError, OverflowError):
        if default is _REQUIRED:
            raise
        return default


def _int(value: Any, default: Any = _REQUIRED, base: int = 10, decimal: str = "") -> Any:
    if base != 10:
        return filters.do_int(value, 0 if default is _REQUIRED else default, base)
    number = _float(value, default, decimal)
    exact = number_of(value, decimal) if isinstance(value, Cell) and number is not default else number
    return exact if isinstance(exact, MissingNumber) or exact is default else int(exact)


def _read(value: Any, decimal: str) -> Any:
    if isinstance(value, Cell):
        return number_of(value, decimal)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            number = read_number(value, decimal or ".")
            if number is None:
                raise BadCell(f"{quoted(value)} is not a number") from None
            return number
    return value if isinstance(value, MissingNumber) else float(value)


def _searched(value: Any) -> Any:
    return SearchedText(value) if isinstance(value, str) and not isinstance(value, Cell) else value


def _is_a_number(value: Any) -> bool:
    if isinstance(value, Cell):
        return read_number(str(value), ".") is not None
    return isinstance(value, int | float)


def _keeping_the_cell(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def changed(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        cell = arguments[0]
        return renamed(cell, str(result)) if isinstance(cell, Cell) and isinstance(result, str) else result

    return changed


def _of_a_number(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def changed(value: Any, *arguments: Any) -> bool:
        number = number_of(value)
        return not isinstance(number, MissingNumber) and bool(function(number, *arguments))

    return changed


@lru_cache(maxsize=1)
def _sandbox() -> _ConditionSandbox:
    return _ConditionSandbox()


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _is_number(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_equality(node: nodes.Compare) -> bool:
    return any(operand.op in ("eq", "ne") for operand in node.ops)


def _is_number_with_text(node: nodes.Compare) -> bool:
    """Whether it is as `price|float > "5"`, of which every comparison fails."""
    sides = [node.expr, *(operand.expr for operand in node.ops)]
    has_number = any(isinstance(side, nodes.Filter) and side.name in ("float", "int") for side in sides)
    return has_number and any(_is_text(side) for side in sides)


def _sides(node: nodes.BinExpr) -> tuple[nodes.Expr, nodes.Expr]:
    return node.left, node.right
