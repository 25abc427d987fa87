"""Clips in a folder: a `.part` file while it arrives, then fsync and rename, a sidecar JSON beside each.

Nothing that was paid for is ever overwritten or thrown away: what a new clip replaces is moved aside.
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
from batchvid.storage.disk_space import SPARE_BYTES, check_room, storage_error


class LocalStore:
    """The folder of one batch: clips below `clips/`, older versions below `replaced/`.

    Every method is blocking and raises StorageError when the disk says no. `spare_bytes` of the disk are never used.
    """

    def __init__(self, folder: Path, spare_bytes: int = SPARE_BYTES) -> None:
        self._clips = BatchPaths(folder).clips
        self._replaced = BatchPaths(folder).replaced
        self.spare_bytes = spare_bytes

    def path(self, key: str) -> Path:
        """Where the clip of that key stands, whether it is there yet or not. Raises StorageError outside the tree."""
        return _inside(self._clips, key)

    def part(self, key: str) -> Path:
        """The file beside the target into which the clip arrives; its folder is made.

        Raises StorageError also where it, or the note beside it, is a link.
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
        """Raises NoRoom unless the disk holds so much more."""
        check_room(self._clips, wanted_bytes, self.spare_bytes)

    def put(self, part: Path, clip: Clip, sidecar: Mapping[str, Any]) -> None:
        """Make the arrived file the clip, durably, with its sidecar. An older clip of the same key is moved aside."""
        target = self.path(clip.key)
        try:
            _sync(part)
            self._make_room(target, clip)
            _write_whole(_in_background_thread(target), json.dumps(sidecar, ensure_ascii=False, indent=1) + "\n")
            part.replace(target)
            _sync_folder(target.parent)
        except OSError as exc:
            raise storage_error(target, exc) from exc

    def reject(self, part: Path) -> Path:
        """Keep a file that is not the clip that was asked for, out of the way; return where."""
        kept = _free(part.with_name(part.name.removesuffix(".part") + ".rejected"))
        try:
            part.replace(kept)
        except OSError as exc:
            raise storage_error(part, exc) from exc
        return kept

    def find(self, key: str, task_id: str) -> Clip | None:
        """The clip of that very task, when it was stored but a crash came before that was written down."""
        target = self.path(key)
        try:
            said = json.loads(_in_background_thread(target).read_text("utf-8"))
            clip = Clip(**said["clip"])
            if said["task_id"] == task_id and clip.key == key and target.stat().st_size == clip.size_bytes:
                return clip
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def _make_room(self, target: Path, clip: Clip) -> None:
        if not target.exists():
            return
        aside = _free(_inside(self._replaced, clip.key))
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.replace(aside)
        if _in_background_thread(target).exists():
            _in_background_thread(target).replace(_in_background_thread(aside))


def _inside(tree: Path, key: str) -> Path:
    path = tree / key
    if not _stays(tree, path.parent) or ((path.name == ".." or path.is_symlink()) and not _stays(tree, path)):
        raise StorageError(f"{key!r} leads out of {tree}")
    return path


@lru_cache(maxsize=256)  # every clip of a folder asks the same, and to resolve a path looks at each folder above it
def _stays(tree: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(tree.resolve())


def _free(path: Path) -> Path:
    """A name that is not taken: the path itself, or with a number before its last ending."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


def _in_background_thread(clip: Path) -> Path:
    return clip.with_name(clip.name + ".json")


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


def _sync(path: Path, flags: int = os.O_RDWR) -> None:
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(path: Path) -> None:
    """Make a rename last through a power cut, on systems that can say so of a folder."""
    with contextlib.suppress(OSError):
        _sync(path, os.O_RDONLY)
