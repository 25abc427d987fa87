"""Body and path templates: `{variable}` in the strings of a table, filled in from a request.

A string that is one variable becomes the variable's value, a number or an object included; a variable inside other
text becomes text. A key whose variable is not set is left out, and so is an object or list with nothing else in it.
An item of a list that holds a variable with several values is repeated for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

OPTIONS_KEY = "*"
"""The key of an object that takes the user's options: `"*" = "{options}"`."""


class _Unset:
    """The value of a variable that the request does not set."""


UNSET = _Unset()


@dataclass(frozen=True, slots=True)
class Several:
    """The values of a variable that may have several, such as reference images."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`{name}` or `{name:form}`; the form says how the value is written."""

    name: str
    form: str = ""

    def __str__(self) -> str:
        return f"{{{self.name}:{self.form}}}" if self.form else f"{{{self.name}}}"


Values = Callable[[Variable], Any]
"""Gives the value of a variable: a plain value, `Several`, or UNSET."""

_VARIABLE = re.compile(r"\{(/[^{}]*|[A-Za-z_]\w*)(?::(\w+))?\}")


def variables_in(written: object) -> Iterator[Variable]:
    """Yield every variable of a template, the deepest included. A pointer such as `{/data/id}` is one, too."""
    if isinstance(written, str):
        yield from (Variable(found[1], found[2] or "") for found in _VARIABLE.finditer(written))
    elif isinstance(written, Mapping):
        for value in written.values():
            yield from variables_in(value)
    elif isinstance(written, list | tuple):
        for value in written:
            yield from variables_in(value)


def fill(written: Any, values: Values) -> Any:
    """Fill in a template; UNSET where all of its variables are unset."""
    if isinstance(written, str):
        return _fill_text(written, values)
    if isinstance(written, Mapping):
        filled = {key: fill(value, values) for key, value in written.items()}
        kept = {key: value for key, value in filled.items() if value is not UNSET}
        options = kept.pop(OPTIONS_KEY, {})
        return {**kept, **options} if _is_needed(written, values) else UNSET
    if isinstance(written, list | tuple):
        items = [filled for item in written for filled in _fill_item(item, values) if filled is not UNSET]
        return items if items or not any(variables_in(written)) else UNSET
    return written


def fill_path(written: str, values: Values, *, safe: Mapping[str, str] | None = None) -> str:
    """Fill in a path; each value is percent-encoded, but for the characters that `safe` names for its variable."""

    def encode(found: re.Match[str]) -> str:
        value = values(Variable(found[1], found[2] or ""))
        return "" if value is UNSET else quote(str(value), safe=(safe or {}).get(found[1], ""))

    return _VARIABLE.sub(encode, written)


def keys_beside_options(written: object) -> frozenset[str] | None:
    """Return the keys of the object that takes the options, None where no object does."""
    if isinstance(written, Mapping):
        if OPTIONS_KEY in written:
            return frozenset(written) - {OPTIONS_KEY}
        written = list(written.values())
    if isinstance(written, list | tuple):
        return next((found for inner in written if (found := keys_beside_options(inner)) is not None), None)
    return None


def is_one_variable(written: str) -> bool:
    """Whether a string is one variable and nothing else."""
    return _VARIABLE.fullmatch(written) is not None


def _fill_text(written: str, values: Values) -> Any:
    if whole := _VARIABLE.fullmatch(written):
        value = values(Variable(whole[1], whole[2] or ""))
        return list(value.values) if isinstance(value, Several) else value
    found = {variable: values(variable) for variable in variables_in(written)}
    if any(value is UNSET for value in found.values()):
        return UNSET
    return _VARIABLE.sub(lambda match: _as_text(found[Variable(match[1], match[2] or "")]), written)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fill_item(item: Any, values: Values) -> Iterator[Any]:
    """Fill in an item of a list, once for each value of a variable with several."""
    several = next((v for v in variables_in(item) if isinstance(values(v), Several)), None)
    if several is None:
        yield fill(item, values)
        return
    count = len(values(several).values)
    for number in range(count):

        def one(variable: Variable, number: int = number) -> Any:
            value = values(variable)
            return value.values[number] if isinstance(value, Several) and variable.name == several.name else value

        yield fill(item, one)


def _is_needed(written: Mapping[str, Any], values: Values) -> bool:
    """Whether an object has no variable, or one that is set."""
    found = list(variables_in(written))
    return not found or any(values(variable) is not UNSET for variable in found)
