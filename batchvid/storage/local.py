"""Clips in a folder: a `.part` file during the download, then fsync and rename, with a sidecar JSON beside each clip.

A paid clip is never overwritten or deleted: an older clip of the same key is moved aside.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from batchvid.domain.job_spec import Clip
from batchvid.errors import DiskFailed, StorageError
from batchvid.paths import BatchPaths
from batchvid.redaction import hide_all, hide_secrets, may_hold_secrets
from batchvid.storage.clip_names import possible_keys
from batchvid.storage.disk_space import SPARE_BYTES, check_room, storage_error

MOVED_FROM = "moved_from"  # in the sidecar of an adopted clip: the key that it had before
MAX_TEXT_BYTES = 1_000_000  # an error page is smaller, a clip that is valid UTF-8 does not exist


class LocalStore:
    """The folder of one batch: clips below `clips/`, older versions below `replaced/`.

    Every method blocks and raises StorageError for a disk error. `spare_bytes` of the disk stay free.
    """

    def __init__(self, folder: Path, spare_bytes: int = SPARE_BYTES) -> None:
        self.name = folder.name
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

    def check_writable(self) -> None:
        """Raises DiskFailed if no file can be written below `clips/`: then it is not the fault of one path."""
        trial = self._clips / ".batchvid-write-test"
        try:
            self._clips.mkdir(parents=True, exist_ok=True)
            trial.write_bytes(b"")
            trial.unlink()
        except OSError as exc:
            message = f"no file can be written to {self._clips}: {exc.strerror or exc}"
            raise DiskFailed(message, is_permission=isinstance(exc, PermissionError)) from exc

    def put(self, part: Path, clip: Clip, sidecar: Mapping[str, Any]) -> None:
        """Make the downloaded file the clip, durably, with its sidecar. Moves an older clip of the same job aside."""
        target = self.path(clip.key)
        if target.is_dir():
            raise StorageError(f"{target} is a directory, and the clip belongs there: move it away, then run again")
        try:
            _sync(part)
            for key in {clip.key, *possible_keys(clip.key)}:
                self._move_aside(key)
            _write_sidecar(_sidecar_path(target), sidecar)
            part.replace(target)
            _sync_folder(target.parent)
        except OSError as exc:
            raise storage_error(target, exc) from exc

    def reject(self, part: Path) -> Path:
        """Move aside a file that is not the requested clip; returns its new path. Identical files are kept once."""
        name = part.name.removesuffix(".part")
        try:
            _hide_in_text(part)
            for earlier in _rejected_files(part.parent, name):
                if earlier.stat().st_size == part.stat().st_size and file_digest(earlier) == file_digest(part):
                    part.unlink()
                    return earlier
            rejected = _unused(part.with_name(f"{name}.rejected"))
            part.replace(rejected)
        except OSError as exc:
            raise storage_error(part, exc) from exc
        return rejected

    def reject_part(self, key: str) -> None:
        """Move aside what there is of a clip that cannot be completed; nothing if there is none."""
        part = self.part(key)
        if part.is_file():
            self.reject(part)

    def rejected(self, key: str) -> list[Path]:
        """The rejected files of that clip, the oldest first."""
        path = self.path(key)
        return _rejected_files(path.parent, path.name)

    def find(self, key: str, task_id: str) -> Clip | None:
        """The clip of that task in any container, if it was stored but a crash came before it was recorded."""
        return next(filter(None, (self._find(stored, task_id) for stored in possible_keys(key))), None)

    def _find(self, key: str, task_id: str) -> Clip | None:
        target = self.path(key)
        try:
            sidecar = json.loads(_sidecar_path(target).read_text("utf-8"))
            clip = Clip(**sidecar["clip"])
            clip = replace(clip, differs=str(sidecar.get("differs", clip.differs)))
            if sidecar["task_id"] == task_id and clip.key == key and target.stat().st_size == clip.size_bytes:
                return clip
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def stage_move(self, old: Clip, new: Clip, sidecar: Mapping[str, Any]) -> None:
        """Link a stored clip to a staged name beside its new path, durably; `sidecar` are changes of its sidecar.

        Nothing if there is no such file. `finish_move` gives it its final name. Raises StorageError.
        """
        source, staged = self.path(old.key), _staged(self.path(new.key))
        if not source.is_file():
            return
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.unlink(missing_ok=True)
            stored = {name: value for name, value in asdict(new).items() if name != "differs"}
            kept = {**_read_sidecar(source), **sidecar, "clip": stored, MOVED_FROM: old.key}
            _write_sidecar(_sidecar_path(staged), kept)
            _link(source, staged)
            _sync_folder(staged.parent)
        except OSError as exc:
            raise storage_error(staged, exc) from exc

    def finish_move(self, clip: Clip, keys: Collection[str], sources: Collection[str] = ()) -> None:
        """Give a staged clip its final name, and remove it from its old one. Nothing if it is not staged.

        `keys` are those of all clips, `sources` those that are staged together with this one. Another file at the path
        is moved to `replaced/`. Raises StorageError.
        """
        key, target = clip.key, self.path(clip.key)
        staged = _staged(target)
        if not staged.is_file():
            return
        try:
            sidecar = _read_sidecar(staged)
            if sidecar.get("clip", {}).get("sha256") != clip.sha256:
                return  # another clip: its adoption was never recorded
            old = str(sidecar.get(MOVED_FROM, key))
            if old not in keys and _is_copy(self.path(old), staged):
                self.path(old).unlink()
                _sidecar_path(self.path(old)).unlink(missing_ok=True)
            if target.is_file() and key not in sources and not _is_copy(target, staged):
                self._move_aside(key)
            if _sidecar_path(staged).is_file():
                _sidecar_path(staged).replace(_sidecar_path(target))
            staged.replace(target)
            staged.unlink(missing_ok=True)  # a rename to another name of the same file does nothing
            _sync_folder(target.parent)
        except OSError as exc:
            raise storage_error(target, exc) from exc

    def set_aside(self, key: str) -> None:
        """Move the clip of that key to `replaced/`, with its sidecar; nothing if there is none."""
        try:
            self._move_aside(key)
        except OSError as exc:
            raise storage_error(self.path(key), exc) from exc

    def _move_aside(self, key: str) -> None:
        target = self.path(key)
        if not target.is_file():
            return
        aside = _unused(_inside(self._replaced, key))
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


def _rejected_files(folder: Path, name: str) -> list[Path]:
    """The rejected files of a clip of that name: `kite.mp4.rejected`, `kite.mp4.2.rejected`, and so on."""
    found = [path for path in folder.glob(f"{glob.escape(name)}*.rejected") if path.is_file() and not path.is_symlink()]
    numbered = re.compile(re.escape(name) + r"(?:\.\d+)?\.rejected")
    return sorted((path for path in found if numbered.fullmatch(path.name)), key=lambda path: path.stat().st_mtime_ns)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _staged(target: Path) -> Path:
    return target.with_name(f"{target.name}.adopting")


def _link(source: Path, to: Path) -> None:
    """Another name for the file; a copy where the file system has no links."""
    try:
        to.hardlink_to(source)
    except OSError:
        shutil.copy2(source, to)
        _sync(to)


def _is_copy(one: Path, other: Path) -> bool:
    """Whether two files hold the same clip. A missing one does not."""
    if not one.is_file():
        return False
    if one.samefile(other):
        return True
    return one.stat().st_size == other.stat().st_size and file_digest(one) == file_digest(other)


def _read_sidecar(clip: Path) -> dict[str, Any]:
    """The JSON beside a clip; empty if there is none that can be read."""
    try:
        sidecar = json.loads(_sidecar_path(clip).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return sidecar if isinstance(sidecar, dict) else {}


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
