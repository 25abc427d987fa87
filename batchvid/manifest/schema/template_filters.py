"""Filters and operators of templates for cells: a cell is a text, and no number is made up for one. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

import jinja2
from jinja2 import filters, nodes

from batchvid.manifest.schema.cell_values import is_ambiguous, read_number
from batchvid.quoting import quoted

_REQUIRED = object()
_OTHER_NAMES = {
    "uppercase": "upper",
    "toupper": "upper",
    "lowercase": "lower",
    "tolower": "lower",
    "strip": "trim",
    "ifempty": "default",
    "coalesce": "default",
    "len": "length",
    "number": "float",
    "concat": "join",
    "html": "escape",
    "capfirst": "capitalize",
    "titlecase": "title",
}
_NUMBER_ERRORS = re.compile(
    r"__round__|__abs__|unsupported operand|can only concatenate|must be real number|__neg__|not supported between"
)


def unknown_filter(tree: nodes.Template, known: Collection[str], tests: Collection[str]) -> str:
    """A problem for the first filter or test of the template that does not exist; empty if all do."""
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        names, kind = (known, "filter") if isinstance(node, nodes.Filter) else (tests, "test")
        if node.name not in names:
            close = [_OTHER_NAMES.get(node.name.lower(), "")] if kind == "filter" else []
            close = [name for name in close if name in names] or get_close_matches(node.name, names, 1)
            hint = f"; write {close[0]}" if close else "; remove it"
            return f"there is no {kind} {node.name}{hint}"
    return ""


def number(value: Any, default: Any = _REQUIRED, decimal: str = "") -> Any:
    """The filter `float`: the number of a cell. Raises TemplateRuntimeError where there is none and no default."""
    if not isinstance(value, str):
        if default is _REQUIRED or not isinstance(value, jinja2.Undefined | None):
            return filters.do_float(value)
        return default
    text = value.strip()
    found = read_number(text, decimal or ".")
    if found is None or (is_ambiguous(text) and not decimal):
        if default is not _REQUIRED and found is None:
            return default
        raise jinja2.TemplateRuntimeError(_no_number(text, found is not None))
    return float(found)


def whole_number(value: Any, default: Any = _REQUIRED, base: int = 10, decimal: str = "") -> Any:
    """The filter `int`."""
    if base != 10:
        return filters.do_int(value, 0 if default is _REQUIRED else default, base)
    found = number(value, default, decimal)
    return int(found) if isinstance(found, float) else found


def rounded(value: Any, precision: int = 0, method: Any = "common") -> Any:
    """The filter `round`; it reads a cell as a number."""
    return filters.do_round(number(value) if isinstance(value, str) else value, precision, method)


def is_repeated_number(left: Any, right: Any) -> bool:
    """Whether `*` would repeat a cell with a number in it: "5" * 2 is "55"."""
    text, factor = (left, right) if isinstance(left, str) else (right, left)
    return isinstance(text, str) and isinstance(factor, int | float) and read_number(text.strip(), ".") is not None


REPEATED = "* would repeat a text; a cell is a text, so write |float after its name: price|float"


def plain_reason(exc: Exception) -> str:
    """Why a template cannot be filled in, in terms of cells."""
    words = str(exc)
    if _NUMBER_ERRORS.search(words):
        return "uses a text as a number; a cell is a text, so write |float after its name: price|float"
    if found := re.fullmatch(r"(?:'?str'? object|.*) has no (?:element|attribute) '?(\w+)'?", words):
        return f"a text has no part {found[1]}; write the name of a column, or use default"
    if isinstance(exc, TypeError | AttributeError | ValueError | KeyError | IndexError | ZeroDivisionError):
        return "a filter or an operator does not fit its value; write plain names, such as {{ name }}"
    return words


def _no_number(text: str, is_open: bool) -> str:
    if is_open:
        return (
            f'{quoted(text)} may be {read_number(text, ".")} or {read_number(text, ",")}; write float(decimal=".") or '
            f'float(decimal=",")'
        )
    what = quoted(text) if text else "an empty cell"
    return f"{what} is no number; correct the cell, or write |float(0) to count it as 0"
