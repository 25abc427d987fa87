"""Clips in a folder: a `.part` file during the download, then fsync and rename, with a sidecar JSON beside each clip.

A paid clip is never overwritten or deleted: an older clip of the same key is moved aside.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from batchvid.domain.job_spec import Clip
from batchvid.errors import StorageError
from batchvid.paths import BatchPaths
from batchvid.redaction import hide_all, hide_secrets, may_hold_secrets
from batchvid.storage.disk_space import SPARE_BYTES, check_room, storage_error

MAX_TEXT_BYTES = 1_000_000  # an error page is smaller, a clip that is valid UTF-8 does not exist


class LocalStore:
    """The folder of one batch: clips below `clips/`, older versions below `replaced/`.

    Every method blocks and raises StorageError for a disk error. `spare_bytes` of the disk stay free.
    """

    def __init__(self, folder: Path, spare_bytes: int = SPARE_BYTES) -> None:
        self._clips = BatchPaths(folder).clips
        self._replaced = BatchPaths(folder).replaced
        self.spare_bytes = spare_bytes

    def path(self, key: str) -> Path:
        """The path of the clip of that key, stored or not. Raises StorageError outside the tree."""
        return _inside(self._clips, key)

    def part(self, key: str) -> Path:
        """The file beside the target for the download; creates its folder.

        Raises StorageError also if it, or the note beside it, is a link.
        """
        path = self.path(key)
        part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
        for file in (part, note):
            if file.is_symlink():
                raise StorageError(f"{file} is a link, and may lead out of {self._clips}: remove it")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise storage_error(part.parent, exc) from exc
        return part

    def check_room(self, wanted_bytes: int = 0) -> None:
        """Raises DiskFull unless the disk has space for `wanted_bytes` more."""
        check_room(self._clips, wanted_bytes, self.spare_bytes)

    def put(self, part: Path, clip: Clip, sidecar: Mapping[str, Any]) -> None:
        """Make the downloaded file the clip, durably, with its sidecar. Moves an older clip of the same key aside."""
        target = self.path(clip.key)
        try:
            _sync(part)
            self._move_aside(target, clip)
            _write_sidecar(_sidecar_path(target), sidecar)
            part.replace(target)
            _sync_folder(target.parent)
        except OSError as exc:
            raise storage_error(target, exc) from exc

    def reject(self, part: Path) -> Path:
        """Move aside a file that is not the requested clip; returns its new path."""
        rejected = _unused(part.with_name(part.name.removesuffix(".part") + ".rejected"))
        try:
            _hide_in_text(part)
            part.replace(rejected)
        except OSError as exc:
            raise storage_error(part, exc) from exc
        return rejected

    def find(self, key: str, task_id: str) -> Clip | None:
        """The clip of that task, if it was stored but a crash came before it was recorded."""
        target = self.path(key)
        try:
            sidecar = json.loads(_sidecar_path(target).read_text("utf-8"))
            clip = Clip(**sidecar["clip"])
            if sidecar["task_id"] == task_id and clip.key == key and target.stat().st_size == clip.size_bytes:
                return clip
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def _move_aside(self, target: Path, clip: Clip) -> None:
        if not target.exists():
            return
        aside = _unused(_inside(self._replaced, clip.key))
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.replace(aside)
        if _sidecar_path(target).exists():
            _sidecar_path(target).replace(_sidecar_path(aside))


def _hide_in_text(path: Path) -> None:
    """Remove secrets from a file that is a text in the place of a clip: an error may quote the key."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        return
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if (clean := hide_secrets(text)) != text:
        path.write_text(clean, "utf-8", newline="")


def _inside(tree: Path, key: str) -> Path:
    path = tree / key
    if not _is_inside(tree, path.parent) or ((path.name == ".." or path.is_symlink()) and not _is_inside(tree, path)):
        raise StorageError(f"{key!r} leads out of {tree}")
    return path


@lru_cache(maxsize=256)  # all clips of a folder share the result, and resolving a path checks each folder above it
def _is_inside(tree: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(tree.resolve())


def _unused(path: Path) -> Path:
    """A path that does not exist: the path itself, or with a number before its suffix."""
    number, unused = 1, path
    while unused.exists():
        number += 1
        unused = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return unused


def _sidecar_path(clip: Path) -> Path:
    return clip.with_name(clip.name + ".json")


def _write_sidecar(path: Path, sidecar: Mapping[str, Any]) -> None:
    """Write the JSON beside a clip, without secrets."""
    text = json.dumps(sidecar, ensure_ascii=False, indent=1)
    if may_hold_secrets(text):
        text = json.dumps(hide_all(sidecar), ensure_ascii=False, indent=1)
    part = path.with_name(path.name + ".part")
    part.write_text(text + "\n", "utf-8")
    part.replace(path)


def _sync(path: Path, flags: int = os.O_RDWR) -> None:
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(path: Path) -> None:
    """Make a rename survive a power cut, on systems that can sync a folder."""
    with contextlib.suppress(OSError):
        _sync(path, os.O_RDONLY)
