"""A clip while it is downloaded: the `.part` file, its resume note, and the digest so far. Knows no socket."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from aiofiles.threadpool.binary import AsyncBufferedIOBase

from batchvid.errors import BadMedia, IncompleteClip, StorageError
from batchvid.runner.downloads.worker_threads import run_in
from batchvid.storage import LocalStore, storage_error
from batchvid.storage.async_file import close, open_for_append, open_for_reading
from batchvid.storage.file_kind import HEAD_BYTES, is_gzip

WRITE_BYTES = 1024 * 1024  # per write: smaller ones cost more thread hops, larger ones leave the CPU cache


class PartialFile:
    """The file of one clip, for one task. Open as an async context manager.

    Coroutines do their file I/O in `pool`; other methods that touch the disk block. Both raise StorageError, and
    DiskFull if the disk is full.
    """

    def __init__(self, store: LocalStore, key: str, task_id: str, max_bytes: int, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._key = key
        self._task_id = task_id
        self._max_bytes = max_bytes
        self._pool = pool
        self._validator = ""
        self._digest = hashlib.sha256()
        self._begin: Callable[[], None] | None = None
        self._from_start = False
        self._file: AsyncBufferedIOBase | None = None
        self.size_bytes = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except StorageError:
            if not isinstance(exc, asyncio.CancelledError):  # a cancelled task must end as cancelled
                raise

    @cached_property
    def path(self) -> Path:
        """The `.part`; its folder exists."""
        return self._store.part(self._key)

    @cached_property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    async def resume_from(self) -> int:
        """How many valid bytes of this task's clip are on disk; hashes them again. 0 if it cannot resume."""
        validator = await run_in(self._pool, self._read_validator)
        digest, size = hashlib.sha256(), 0
        if not validator:
            return 0
        try:
            async with open_for_reading(self.path, self._pool) as file:
                while piece := await file.read(WRITE_BYTES):
                    await run_in(self._pool, digest.update, piece)
                    size += len(piece)
        except OSError:
            return 0
        self._validator, self._digest, self.size_bytes = validator, digest, size
        return size

    def _read_validator(self) -> str:
        note_file = self._note  # a key outside the tree raises StorageError, unlike a missing file
        try:
            note = json.loads(note_file.read_text("utf-8"))
            return str(note["validator"]) if note["task_id"] == self._task_id else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def range_headers(self, have: int) -> dict[str, str]:
        """Headers that request the rest, or the whole file if it has changed."""
        return {"Range": f"bytes={have}-", "If-Range": self._validator} if have else {}

    def fits(self, content_range: str, validator: str) -> bool:
        """Whether a range continues this file."""
        return validator == self._validator and content_range.startswith(f"bytes {self.size_bytes}-")

    def expect(self, have: int, validator: str, announced_bytes: int = 0) -> None:
        """The next write continues after `have` bytes. `validator` is the server's ETag or Last-Modified."""
        self._begin = lambda: self._start(have, validator, announced_bytes)
        self._from_start = not have

    @property
    def is_unwritten(self) -> bool:
        """Whether the body starts at byte 0 and none of it is on disk, so that `write_whole` applies."""
        return self._begin is not None and self._from_start

    async def begin(self) -> None:
        """Prepare the file and open it. Raises BadMedia and DiskFull by the announced size."""
        if self._begin:
            await run_in(self._pool, self._begin)
            self._begin = None
        if self._file is None:
            with self._storage_errors():
                self._file = await open_for_append(self.path, self._pool)

    def _start(self, have: int, validator: str, announced_bytes: int) -> None:
        if not have:
            self.discard()
        self._check_size(have + announced_bytes)
        self._store.check_room(announced_bytes)
        usable = "" if validator.startswith("W/") else validator  # a weak tag does not promise equal bytes
        note = json.dumps({"task_id": self._task_id, "validator": usable})
        with self._storage_errors():
            if not have:  # a part that is removed before it resumes is not created again
                self.path.touch()
            self._note.write_text(note, "utf-8")

    async def write(self, pieces: list[bytes]) -> None:
        """Append and hash. If it is cancelled, some pieces may be written: they must not be written again.

        Raises BadMedia if the body is too large, DiskFull before the disk is quite full.
        """
        await self.begin()
        if self._file is not None:
            with self._storage_errors():
                await self._file.writelines(self._checked(pieces))  # one thread hop; joining costs a tenth more CPU
        self.size_bytes += sum(map(len, pieces))
        if self.size_bytes > self._max_bytes:
            await self.close()  # Windows does not delete an open file
            await run_in(self._pool, self._check_size, self.size_bytes)

    def write_whole(self, pieces: list[bytes]) -> None:
        """Write a body that is complete in memory; blocks. It replaces any existing part and needs no note."""
        self._begin, self._digest, self.size_bytes = None, hashlib.sha256(), 0
        self._store.check_room(sum(map(len, pieces)))
        with self._storage_errors(), self.path.open("wb") as file:
            file.writelines(self._hashed(pieces))
        self.size_bytes = sum(map(len, pieces))
        self._check_size(self.size_bytes)

    def _checked(self, pieces: list[bytes]) -> Iterator[bytes]:
        """Checks the disk space, then hashes each piece while it is written: all in one call in a thread."""
        self._store.check_room(sum(map(len, pieces)))
        yield from self._hashed(pieces)

    def _hashed(self, pieces: list[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            yield piece

    async def close(self) -> None:
        """Flush and close the file, if it is open. A write that has begun is completed first."""
        file, self._file = self._file, None
        if file is not None:
            with self._storage_errors():
                await close(file)

    def check_written(self) -> None:
        """Raises StorageError unless all bytes are in the file: somebody may have removed it; blocks."""
        with self._storage_errors():
            found = self.path.stat().st_size
        if found != self.size_bytes:
            raise StorageError(f"{self.path} holds {found} bytes, but {self.size_bytes} were written")

    def decompress(self) -> None:
        """Replace a gzip file with its content: some servers compress whatever was requested; blocks.

        Raises IncompleteClip for a file that is cut off, BadMedia if the content is too large.
        """
        with self._storage_errors(), self.path.open("rb") as file:
            if not is_gzip(file.read(HEAD_BYTES)):
                return
        unpacked = self.path.with_name(f"{self.path.name}.unpacked")
        digest, size = hashlib.sha256(), 0
        try:
            with gzip.open(self.path) as packed, unpacked.open("wb") as target:
                while (piece := packed.read(WRITE_BYTES)) and size <= self._max_bytes:
                    target.write(piece)
                    digest.update(piece)
                    size += len(piece)
            unpacked.replace(self.path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
            unpacked.unlink(missing_ok=True)
            raise IncompleteClip(f"the compressed file is cut off or damaged: {exc}") from exc
        except OSError as exc:
            raise storage_error(self.path, exc) from exc
        self.forget()  # the part is no longer what the server has
        self._digest, self.size_bytes = digest, size
        self._check_size(size)

    def digest(self) -> str:
        """The SHA-256 of all bytes, hex."""
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Delete the part: nothing can continue it; blocks."""
        with self._storage_errors():
            self.path.unlink(missing_ok=True)
        self._digest, self.size_bytes = hashlib.sha256(), 0

    def forget(self) -> None:
        """Delete the note; blocks."""
        with self._storage_errors():
            self._note.unlink(missing_ok=True)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            self.discard()
            self.forget()
            raise BadMedia(f"the body is larger than {self._max_bytes} bytes, which no such clip is")

    @contextlib.contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise storage_error(self.path, exc) from exc
