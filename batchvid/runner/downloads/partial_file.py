"""A clip's file on its way: the `.part`, a note of what it is a part of, and the digest so far. Knows no socket."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from batchvid.errors import BadMedia
from batchvid.storage import LocalStore, storage_error

GATHER_BYTES = 1024 * 1024  # one write in a thread for so many bytes: a stalled disk must not stop the poll loop
MOST_PIECES = 1024  # of one writev (IOV_MAX)
AFRESH = os.O_CREAT | os.O_TRUNC
APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)  # never a file that is not there; Windows else: text


class PartialFile:
    """The file of one clip, for one task. Every method is blocking and raises StorageError, NoRoom when it is full."""

    def __init__(self, store: LocalStore, key: str, task_id: str, max_bytes: int) -> None:
        self._store = store
        self._key = key
        self._task_id = task_id
        self._most_bytes = max_bytes
        self._validator = ""
        self._digest = hashlib.sha256()
        self._begin: Callable[[], None] | None = None
        self._from_nothing = False
        self.size_bytes = 0

    @cached_property
    def path(self) -> Path:
        """The `.part`; its folder is there."""
        return self._store.part(self._key)

    @cached_property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def resume_from(self) -> int:
        """How many good bytes of this very task's clip are here already; they are hashed again. Else 0."""
        note_file = self._note  # a key that leads elsewhere is a fault, and no missing file
        try:
            note = json.loads(note_file.read_text("utf-8"))
            if note["task_id"] != self._task_id or not note["validator"]:
                return 0
            digest = hashlib.sha256()
            with self.path.open("rb") as file:
                while piece := file.read(GATHER_BYTES):
                    digest.update(piece)
                size = file.tell()
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        self._validator, self._digest, self.size_bytes = note["validator"], digest, size
        return size

    def range_headers(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest, and for the whole if the file is another by now."""
        return {"Range": f"bytes={have}-", "If-Range": self._validator} if have else {}

    def fits(self, content_range: str, validator: str) -> bool:
        """Whether a part is the rest of this very file."""
        return validator == self._validator and content_range.startswith(f"bytes {self.size_bytes}-")

    def expect(self, have: int, validator: str, announced_bytes: int = 0) -> None:
        """The next `write` begins after `have` bytes; `validator` is the server's own mark of the file's identity."""
        self._begin = lambda: self._start(have, validator, announced_bytes)
        self._from_nothing = not have

    def begin(self) -> None:
        """Do what the next `write` would do first. Raises BadMedia and NoRoom by what is announced."""
        if self._begin:
            self._begin()
            self._begin = None

    def _start(self, have: int, validator: str, announced_bytes: int) -> None:
        """BadMedia when more is announced than any such clip has, NoRoom when it would not fit on the disk."""
        if not have:
            self.discard()
        self._check_size(have + announced_bytes)
        self._store.check_room(announced_bytes)
        self._guarded(self.path.touch)
        usable = "" if validator.startswith("W/") else validator  # a weak tag promises nothing byte for byte
        note = json.dumps({"task_id": self._task_id, "validator": usable})
        self._guarded(lambda: self._note.write_text(note, "utf-8"))

    def write(self, pieces: list[bytes], *, last: bool = False) -> None:
        """Append and hash. Raises BadMedia when the body has no end, NoRoom before the disk is quite full.

        The last that is also the first is the whole: it goes over what may lie there, and needs no note.
        """
        flags = 0
        if last and self._begin and self._from_nothing:
            self._begin, flags = None, AFRESH
            self._digest, self.size_bytes = hashlib.sha256(), 0
        self.begin()
        size = sum(map(len, pieces))
        self._store.check_room(size)
        if pieces or flags:
            self._guarded(lambda: _append(self.path, pieces, size, flags))
        for piece in pieces:
            self._digest.update(piece)
        self.size_bytes += size
        self._check_size(self.size_bytes)

    def digest(self) -> str:
        """The SHA-256 of all bytes, hex."""
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Throw away what is here: it is not the beginning of anything."""
        self._guarded(lambda: self.path.unlink(missing_ok=True))
        self._digest, self.size_bytes = hashlib.sha256(), 0

    def forget(self) -> None:
        """Remove the note; the file itself has found its place."""
        self._guarded(lambda: self._note.unlink(missing_ok=True))

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._most_bytes:
            self.discard()
            self.forget()
            raise BadMedia(f"the body is larger than {self._most_bytes} bytes, which no such clip is")

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as exc:
            raise storage_error(self.path, exc) from exc


def _append(path: Path, pieces: list[bytes], size_bytes: int, flags: int) -> None:
    """All pieces in one call: each one more would have this thread wait for its turn again. Raises OSError."""
    file = os.open(path, APPEND | flags, 0o666)
    try:
        written = os.writev(file, pieces[:MOST_PIECES]) if hasattr(os, "writev") else 0  # not on Windows
        if written < size_bytes:  # more pieces than a call takes, or a disk that is nearly full
            rest = memoryview(b"".join(pieces))[written:]
            while rest:
                rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)
