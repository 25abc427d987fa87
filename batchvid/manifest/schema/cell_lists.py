"""Splits a text with several values: tags, or files and links. Pure.

Values are separated by line breaks, `;` or `|`; by commas only in a text without one of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRONG = re.compile(r"[\n\r|;]")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FILE = re.compile(r"[^:*?\"<>]*\.[A-Za-z0-9]{2,5}")


def split_words(text: str) -> list[str]:
    """The words of a text such as `summer, hero`; without empty ones."""
    return _stripped(_STRONG.split(text) if _STRONG.search(text) else text.split(","))


def split_files(text: str) -> list[str]:
    """The file names and links of a text such as `a.jpg, b.jpg`.

    In a link, `;` and `,` belong to it unless a blank, the end or another link follows. Other commas separate only
    where each part is a link or a name with an extension: a name may have a comma in it.
    """
    if text.lstrip().startswith("data:"):
        return [text.strip()]
    parts: list[str] = []
    for line in re.split(r"[\n\r|]", text):
        parts += _split(line, ";")
    if len(parts) != 1:
        return parts
    named = _split(parts[0], ",")
    return named if all(_LINK.match(part) or _FILE.fullmatch(part) for part in named) else parts


def _split(text: str, separator: str) -> list[str]:
    """The parts of the text; a separator inside a link stays."""
    first, *rest = text.split(separator)
    parts = [first]
    for part in rest:
        is_inside = _LINK.match(parts[-1].lstrip()) and part[:1].strip() and not _LINK.match(part)
        if is_inside:
            parts[-1] += separator + part
        else:
            parts.append(part)
    return _stripped(parts)


def _stripped(parts: Iterable[str]) -> list[str]:
    return [part.strip() for part in parts if part.strip()]
