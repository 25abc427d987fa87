"""Messages for a name or a pattern that finds no picture: what is there instead, and what to write."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from batchvid.manifest.expansion.path_matching import composed, has_wildcard, is_folder, is_hidden, names_in

MAX_SHOWN = 5  # files named in a message
MAX_COMPARED = 500  # names compared with a misspelled one
MAX_LISTED = 5_000  # files looked through for a name that is elsewhere
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".jfif"}
)
"""The endings of picture files, for hints only: bytes decide what a file is."""

_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_HOST = re.compile(r"(www\.)?[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|net|org|io|cn|de|fr|uk|jp|dev|app|shop)/", re.I)


def missing_file(name: str, folders: Sequence[Path], *, has_hint: bool = True) -> str:
    """The message for a name that is no file in any of these folders, with what may be meant."""
    paths = dict.fromkeys(os.path.abspath(folder / name) for folder in folders)  # noqa: PTH100 - keeps links
    hint = ""
    if has_hint:
        hint = _foreign(name, folders) or next(filter(None, (_near(name, folder) for folder in folders)), "")
    where = "" if "\0" in name else f"; it was looked for at {' and '.join(paths)}"
    return f"there is no file {name}{where}{f'; {hint}' if hint else ''}"


def _foreign(name: str, folders: Sequence[Path]) -> str:
    """What to write for a name in the notation of another program or system."""
    for folder in folders:
        if "\0" not in name and os.path.islink(folder / name):  # noqa: PTH114 - as for isfile
            return f"it is a link to {os.readlink(folder / name)}, where there is no file"  # noqa: PTH115
    bare = name.strip(_QUOTES + " ")
    if bare != name:
        return f"write it without the quotes: {bare}"
    if re.match(r"[A-Za-z]:[\\/]", name) and os.name != "nt":
        here = [found for folder in folders for found in files_named(_last(name), folder)]
        copy = "" if here else "copy the picture beside the manifest and "
        return f"this is a path of a Windows machine: {copy}write {_any_of(here) or _last(name)}"
    if name.startswith("~"):
        return f"~ is not expanded here: write {Path(name).expanduser()}" if name.startswith("~/") else ""
    if _HOST.match(name):
        return f"for an address write https://{name}"
    for folder in folders:
        if is_folder(folder / name):
            return (
                f"{name} is a folder: name one of its files, or write images: {name.rstrip('/')}/* for a clip of each"
            )
    return ""


def _near(name: str, folder: Path) -> str:
    """The file that may be meant."""
    path = PurePosixPath(name.replace("\\", "/"))
    parent, is_known = _same_but_case(folder, path.parent)
    if not is_known:
        elsewhere = files_named(path.name, folder)
        gone = f"there is no folder {path.parent}"
        return f"{gone}; did you mean {_any_of(elsewhere)}?" if elsewhere else gone
    files = [file for file in names_in(folder / parent) if not is_hidden(file)]
    wanted, stem = composed(path.name).casefold(), composed(path.stem if path.suffix else path.name).casefold()
    pictures = sorted(file for file in files if PurePosixPath(file).suffix.casefold() in SUFFIXES)
    for candidates in (
        [file for file in files if composed(file).casefold() == wanted],
        [file for file in pictures if composed(PurePosixPath(file).stem).casefold() == wanted],
        [file for file in pictures if composed(PurePosixPath(file).stem).casefold() == stem],
        [file for file in pictures if composed(file).casefold().replace(" ", "") == wanted.replace(" ", "")],
        get_close_matches(path.name, pictures[:MAX_COMPARED], 3, 0.75),
    ):
        if candidates:
            return f"did you mean {_any_of([_joined(parent, file) for file in candidates])}?"
    if elsewhere := files_named(path.name, folder):
        return f"did you mean {_any_of(elsewhere)}?"
    return (
        f"{_shown_folder(parent)} has {_listed(pictures)}" if pictures else f"{_shown_folder(parent)} has no pictures"
    )


def _same_but_case(folder: Path, path: PurePosixPath) -> tuple[PurePosixPath, bool]:
    """The existing folder of that path, in any case and Unicode form, and whether there is one."""
    at = PurePosixPath("/" if path.is_absolute() else ".")
    for part in path.parts[1:] if path.is_absolute() else path.parts:
        if part != ".." and not is_folder(folder / at / part):
            same = [name for name in names_in(folder / at) if composed(name).casefold() == composed(part).casefold()]
            if not same:
                return at, False
            part = min(same)
        at /= part
    return at, is_folder(folder / at)


def files_named(name: str, folder: Path) -> list[str]:
    """Files of that name below the folder."""
    found: list[str] = []
    seen = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if not is_hidden(one))
        seen += len(files)
        found += [
            Path(root, file).relative_to(folder).as_posix()
            for file in files
            if composed(file).casefold() == composed(name).casefold()
        ]
        if seen > MAX_LISTED or len(found) >= MAX_SHOWN:
            break
    return sorted(found)


def unmatched_pattern(pattern: str, folder: Path) -> str:
    """The message for a pattern that fits no file."""
    text = f"no file matches {pattern}; it was looked for below {folder.absolute()}"
    if is_folder(folder / pattern):
        return f"{text}; {pattern} is a folder: write {pattern.rstrip('/')}/*"
    path = PurePosixPath(pattern.replace("\\", "/"))
    fixed: list[str] = []
    for part in path.parts[:-1]:
        if has_wildcard(part):
            break
        fixed.append(part)
    parent, is_known = _same_but_case(folder, PurePosixPath(*fixed))
    if not is_known:
        missing = PurePosixPath(*fixed)
        near = get_close_matches(missing.name, [one for one in names_in(folder) if is_folder(folder / one)], 3)
        return f"{text}; there is no folder {missing}{f'; did you mean {_any_of(near)}?' if near else ''}"
    names = names_in(folder / parent)
    pictures = sorted(one for one in names if not is_hidden(one) and PurePosixPath(one).suffix.casefold() in SUFFIXES)
    if pictures:
        return f"{text}; {_shown_folder(parent)} has {_listed(pictures)}"
    if any(one.startswith(".") and PurePosixPath(one).suffix.casefold() in SUFFIXES for one in names):
        return f"{text}; {_shown_folder(parent)} has hidden pictures only, which no pattern matches"
    below = sorted(one for one in names if not is_hidden(one) and is_folder(folder / parent / one))
    if below:
        deeper = _joined(parent, "**/*.{jpg,png}")
        return f"{text}; {_shown_folder(parent)} has the folders {_listed(below)}: write {deeper} to look into them"
    return f"{text}; {_shown_folder(parent)} has no pictures"


def _joined(parent: PurePosixPath, name: str) -> str:
    return str(parent / name) if str(parent) != "." else name


def _shown_folder(parent: PurePosixPath) -> str:
    return "the folder" if str(parent) == "." else str(parent)


def _any_of(names: Iterable[str]) -> str:
    return " or ".join(list(names)[:MAX_SHOWN])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return f"{', '.join(names[:MAX_SHOWN])}{more}"


def _last(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]
