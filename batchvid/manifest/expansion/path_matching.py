"""Names and patterns of files: matched in any Unicode form, with either slash; patterns in any case.

macOS decomposes the letters of file names, spreadsheets compose them: `é` is one character or two.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path

MAX_PATTERNS = 1_000  # that braces may expand to
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})  # hidden in every file manager
_WILDCARD = re.compile(r"[*?\[{]")


def composed(name: str) -> str:
    """The name with composed letters (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def has_wildcard(pattern: str) -> bool:
    """Whether the text may fit several files."""
    return _WILDCARD.search(pattern) is not None


class NamesInFolders:
    """The names in folders by their composed form; each folder is listed once."""

    def __init__(self) -> None:
        self._listed: dict[Path, dict[str, str]] = {}

    def find(self, folder: Path, name: str) -> str | None:
        """The name in the folder that has the same letters."""
        if folder not in self._listed:
            self._listed[folder] = {composed(one): one for one in sorted(names_in(folder), reverse=True)}
        return self._listed[folder].get(composed(name))


def resolve(name: str, folder: Path, names: NamesInFolders | None = None) -> str | None:
    """The absolute path of the file with that name below `folder`, None if there is none.

    It is that file in another Unicode form or with `/` for a `\\`, never another one. `names` keeps
    the folders that were listed for other names.
    """
    for text in dict.fromkeys((name, name.replace("\\", "/"))):
        path = os.path.abspath(folder / text)  # noqa: PTH100 - keeps links
        if os.path.isfile(path):  # noqa: PTH113
            return path
        if not text.isascii() and (found := _in_any_form(Path(path), names or NamesInFolders())):
            return found
    return None


def _in_any_form(path: Path, names: NamesInFolders) -> str | None:
    """The file whose path has the same letters."""
    at = Path(path.anchor)
    for part in path.parts[1:]:
        if os.path.exists(at / part):  # noqa: PTH110 - never raises, whatever the name
            at /= part
            continue
        same = names.find(at, part)
        if same is None:
            return None
        at /= same
    return str(at) if os.path.isfile(at) else None  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether it is a folder; false for a name that no folder can have."""
    return os.path.isdir(path)  # noqa: PTH112 - never raises, whatever the name


def names_in(folder: Path) -> list[str]:
    """The names in a folder; none if it cannot be read."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except (OSError, ValueError):
        return []


def is_hidden(name: str) -> bool:
    """Whether patterns leave it out: a dot file, or a file that systems make for themselves."""
    return name.startswith(".") or name.casefold() in _SYSTEM_FILES


def matching(pattern: str, folder: Path) -> list[str]:
    """The files that fit a pattern such as `photos/*.{jpg,png}`, sorted; upper and lower case are the same.

    `**` matches any folders. Hidden files are left out. The names are relative to `folder`, with `/`. Brackets, braces
    and backslashes mean themselves where the pattern matches nothing otherwise. Raises ValueError for too many braces.
    """
    for text in dict.fromkeys((pattern, _literal_brackets(pattern), pattern.replace("\\", "/"))):
        found = {name for part in expand_braces(text) for name in _match(part, folder)}
        if found:
            return _sorted(found)
    return _sorted(set(_match(_literal_brackets(pattern), folder)))


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.casefold(), name))


def _literal_brackets(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def expand_braces(pattern: str) -> list[str]:
    """`{a,b}` as one pattern for each; braces without a comma mean themselves.

    >>> expand_braces("p/*.{jpg,png}"), expand_braces("{x}")
    (['p/*.jpg', 'p/*.png'], ['{x}'])
    """
    found = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if not found:
        return [pattern]
    patterns: list[str] = []
    for choice in found[1].split(","):
        patterns += expand_braces(f"{pattern[: found.start()]}{choice.strip()}{pattern[found.end() :]}")
        if len(patterns) > MAX_PATTERNS:
            raise ValueError(f"has braces for more than {MAX_PATTERNS:,} patterns")
    return list(dict.fromkeys(patterns))


def _match(pattern: str, folder: Path) -> list[str]:
    anchor, *parts = Path(pattern).parts if Path(pattern).is_absolute() else ("", *Path(pattern).parts)
    parts = [part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != ("**", "**")]
    return _walk(Path(anchor) if anchor else folder, parts, anchor)


def _walk(folder: Path, parts: list[str], above: str) -> list[str]:
    if not parts:
        return []
    head, rest = parts[0], parts[1:]
    if head in (".", ".."):
        return _walk(folder / head, rest, f"{above}{head}/")
    found: list[str] = []
    if head == "**":
        found = _walk(folder, rest or ["*"], above)
    test = re.compile(translate("*" if head == "**" else composed(head)), re.IGNORECASE)
    for entry in _entries(folder):
        if is_hidden(entry.name) or not test.match(composed(entry.name)):
            continue
        name = f"{above}{entry.name}"
        if head == "**":
            found += _walk(Path(entry.path), parts, f"{name}/") if entry.is_dir(follow_symlinks=False) else []
        elif rest:
            found += _walk(Path(entry.path), rest, f"{name}/") if entry.is_dir() else []
        elif entry.is_file():
            found.append(name)
    return found


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (OSError, ValueError):  # no such folder, or a name that no folder can have
        return []
