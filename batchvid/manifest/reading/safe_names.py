"""Ids and file names that are safe on every system. Pure.

A name is made from the user's text, never from a position: a new row or value changes no other name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Any

from slugify import slugify

from batchvid.quoting import quoted

MAX_NAME_BYTES = 120  # leaves room for `.mp4.json.part` and a deep folder below the 255 of every file system
MAX_VALUE_BYTES = 48  # of one matrix value inside a name
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_RATIO = re.compile(r"(?<=\d)\s*:\s*(?=\d)")


def text_of(value: Any) -> str:
    """A scalar as text for names and the report: `5` for 5.0, `true` for True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@lru_cache(maxsize=65_536)
def safe_name(text: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """The text as a file name: letters, digits, `.`, `_` and `-` of ASCII, never empty, never reserved.

    Other scripts are transliterated; `16:9` becomes `16x9`. Two texts may give the same name:
    the caller checks for collisions. A text of which nothing is left (an emoji) becomes a short hash.
    """
    text = unicodedata.normalize("NFC", text)
    name = text if _SAFE.fullmatch(text) else _slug(text)
    name = name.strip(".-") or _digest(text)
    if _RESERVED.fullmatch(name):
        head, dot, tail = name.partition(".")
        name = f"{head}_{dot}{tail}"
    return fit(name, text, max_bytes)


def fit(name: str, whole: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """A safe name, shortened to the limit. A hash of the `whole` text keeps long names different."""
    if len(name) <= max_bytes:
        return name
    return f"{name[: max_bytes - 9].rstrip('.-')}-{_digest(whole)}"


def value_name(value: Any) -> str:
    """A matrix value as a part of an id."""
    return safe_name(text_of(value), MAX_VALUE_BYTES)


def safe_key(path: str) -> str:
    """A clip's path in the clips folder, with safe parts. Raises ValueError when it is not a path to an MP4 there."""
    if "\\" in path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise ValueError(f"{quoted(path, 120)} must be a path with / inside the clips folder, not an absolute one")
    if not path.endswith(".mp4"):
        raise ValueError(f"{quoted(path, 120)} must end in .mp4")
    *folders, file = path.split("/")
    stem = file.removesuffix(".mp4")
    for part in (*folders, stem):
        if not part.strip(" .") or part != part.strip():
            raise ValueError(f"{quoted(path, 120)} has a part that is empty, made of dots, or has a space at its end")
    return "/".join([*(safe_name(folder) for folder in folders), f"{safe_name(stem)}.mp4"])


def _slug(text: str) -> str:
    named = slugify(
        _RATIO.sub("x", text),
        lowercase=False,
        entities=False,
        decimal=False,
        hexadecimal=False,
        regex_pattern=r"[^A-Za-z0-9._-]+",
    )
    return str(named)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
