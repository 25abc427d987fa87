"""Input images: finds them by the name that is written, reads and checks them. Knows no job and uploads nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from batchvid.manifest.expansion.image_hints import missing_file
from batchvid.manifest.expansion.image_links import check_link, is_link
from batchvid.manifest.expansion.image_reading import Picture, read_picture
from batchvid.manifest.expansion.path_matching import NamesInFolders, resolve

MAX_HINTS = 100  # a hint looks through folders; a manifest with more missing files has another mistake
MAX_BYTES = 50_000_000  # above every vendor's own limit (Kling 10 MB, Runway 16 MB)


class ImageFile(NamedTuple):
    """One image: `source` is an absolute path or a URL; for a URL nothing else is known.

    `sha256` is the digest of the file's bytes.
    """

    source: str
    sha256: str = ""
    size_bytes: int = 0
    picture: Picture = Picture("", 0, 0)


def shown_name(source: str, folder: Path) -> str:
    """An image's name in messages: relative to the manifest's `folder` if it lies below it."""
    path, folder = Path(source), folder.absolute()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else source


class ImageCache:
    """Reads each file once, however many jobs use it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Sequence[Path], Sequence[Path]], ImageFile | str] = {}
        self._read: dict[str, ImageFile | str] = {}
        self._names = NamesInFolders()
        self._missing = 0

    def find(self, name: str, folders: tuple[Path, ...], within: tuple[Path, ...] = ()) -> ImageFile:
        """The image with that name or URL, searched in `folders` in order.

        With `within` the file must lie in one of these folders, also where it is reached by a symbolic link. Raises
        ValueError with what is wrong.
        """
        key = (name, folders, within)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._find(name, folders, within)
        if isinstance(found, str):
            raise ValueError(found)
        return found

    def _find(self, name: str, folders: tuple[Path, ...], within: tuple[Path, ...]) -> ImageFile | str:
        if is_link(name):
            try:
                return ImageFile(check_link(name))
            except ValueError as exc:
                return str(exc)
        for folder in folders:
            path = resolve(name, folder, self._names)
            if path is None:
                continue
            if within and (outside := _outside(name, path, within)):
                return outside
            if path not in self._read:
                self._read[path] = _read_image(name, Path(path))
            return self._read[path]
        self._missing += 1
        return missing_file(name, folders, has_hint=self._missing <= MAX_HINTS)


def _outside(name: str, path: str, within: tuple[Path, ...]) -> str:
    """The message for a file that no folder of `within` holds; empty if one does."""
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(os.path.realpath(folder)) for folder in within):
        return ""
    shown = str(real.parent).replace("'", "''")
    return (
        f"{name} is {real}, outside the manifest's folder: a row may name only pictures below it. To allow this "
        f"folder, write in the manifest: images_from: ['{shown}']"
    )


def _read_image(name: str, path: Path) -> ImageFile | str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return f"{name} has {size / 1e6:.0f} MB; at most {MAX_BYTES // 1_000_000} MB can be sent"
        data = path.read_bytes()
    except OSError as exc:
        return f"{name} cannot be read: {exc.strerror or exc}"
    try:
        return ImageFile(str(path), hashlib.sha256(data).hexdigest(), len(data), read_picture(data))
    except ValueError as exc:
        return f"{name} {exc}"
