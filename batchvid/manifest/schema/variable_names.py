"""Names of variables: finds the column that a template means, and writes a name as a template that works. Pure.

`{{ Product_name }}` finds the column "Product name": in a name of a template, each run of characters that cannot be
part of it is one `_`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, MutableSet, Sequence
from functools import lru_cache

from jinja2._identifier import pattern as template_name

_KEYWORDS = frozenset(
    ("and", "else", "for", "if", "in", "is", "not", "or", "true", "false", "none", "True", "False", "None")
)
_ROW_NUMBER = re.compile(r"(row|line|loop)?_?(nr|num|number|idx|index0?|counter)|(row|line)_?(no|id)|loop|i")
_PRINTED = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)
_NOT_IN_A_NAME = re.compile(r"""["'\[\]{}=<>+*%~]""")


class AmbiguousName(ValueError):
    """Two variables fit one name; the message names both."""


@lru_cache(maxsize=65_536)
def normalized(name: str) -> str:
    """The name as it is written in a template: `Product_name` for "Product name"; empty for one without letters."""
    text = unicodedata.normalize("NFKC", name)
    text = "".join(character if _is_readable(f"a{character}") else " " for character in text)
    text = "_".join(text.split()).strip("_")
    return text if not text or _is_readable(text) else f"_{text}"


def _is_readable(name: str) -> bool:
    """Whether a template reads it as one name: its parser knows fewer characters than Python's."""
    return name.isidentifier() and template_name.fullmatch(name) is not None


@lru_cache(maxsize=65_536)
def find_name(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that is meant: the same, else the only one with that normalized form, else in any letter case.

    None when there is none. Raises AmbiguousName.
    """
    if name in known:
        return name
    wanted = normalized(name)
    for change in (str, str.casefold):
        fits = [one for one in known if wanted and change(normalized(one)) == change(wanted)]
        if len(fits) > 1:
            ways = " or ".join(f"{{{{ row[{_quoted(one)}] }}}}" for one in fits[:2])
            raise AmbiguousName(f"{name} may be {' or '.join(_quoted(one) for one in fits)}; write {ways}")
        if fits:
            return fits[0]
    return None


@lru_cache(maxsize=65_536)
def written_name(name: str, known: tuple[str, ...]) -> str:
    """The name as a template that works: itself, its normalized form, or `row["..."]`."""
    form = name if _is_readable(name) else normalized(name)
    try:
        is_found = bool(form) and form not in _KEYWORDS and find_name(form, known) == name
    except AmbiguousName:
        is_found = False
    return form if is_found else f"row[{_quoted(name)}]"


def misread_names(text: str, known: Sequence[str]) -> str:
    """The way to write each name in `{{ }}` that a template does not read as one name; empty if there is none.

    Without `known` names, anything that looks like the header of a column counts.
    """
    hints = []
    for inside, name, rest in _printed(text):
        if known:
            column = _column(name, tuple(known))
            written = written_name(column, tuple(known)) if column is not None else ""
        else:
            written = normalized(name) if _looks_like_header(name) else ""
        if written:
            hints.append(f"{{{{ {inside} }}}} is not read as one name; write {{{{ {written}{rest} }}}}")
    return "; ".join(dict.fromkeys(hints))


def means_row_number(name: str) -> bool:
    """Whether somebody who writes that name wants the row's number: `loop`, `index`, `row_nr`."""
    return _ROW_NUMBER.fullmatch(name.casefold()) is not None


def _printed(text: str) -> Iterator[tuple[str, str, str]]:
    """(all of it, the name, the filters) of each `{{ }}` whose content is not a plain name."""
    for match in _PRINTED.finditer(text):
        inside = match[1].strip()
        name, bar, filters = inside.partition("|")
        if name.strip() and not _is_readable(name.strip()):
            yield inside, name.strip(), f" {bar}{filters}" if bar else ""


def _column(name: str, known: tuple[str, ...]) -> str | None:
    if name in known:
        return name
    if _NOT_IN_A_NAME.search(name):
        return None
    try:
        return find_name(normalized(name), known) if normalized(name) else None
    except AmbiguousName:
        return None


def _looks_like_header(name: str) -> bool:
    words = name.split()
    return bool(normalized(name)) and not _NOT_IN_A_NAME.search(name) and not _KEYWORDS & set(words)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


class RowValues(dict[str, str]):
    """The cells of a row, as `row` in templates: `row.colour` and `row["Product name"]`, in any spelling that fits.

    A column that the table does not have is an empty cell. Its name is added to `missing`.
    """

    __slots__ = ("missing",)

    def __init__(self, cells: dict[str, str], missing: MutableSet[str] | None = None) -> None:
        super().__init__(cells)
        self.missing = missing

    def __missing__(self, name: str) -> str:
        column = find_name(str(name), tuple(self))
        if column is not None:
            return self[column]
        if self.missing is not None:
            self.missing.add(str(name))
        return ""
