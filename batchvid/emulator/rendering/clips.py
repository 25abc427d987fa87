"""The clip of a task as a file on disk, rendered when first asked for and kept for a while. Knows no HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal

from batchvid.emulator.rendering.input_images import Stills
from batchvid.emulator.rendering.scene import Picture
from batchvid.emulator.settings import Settings
from batchvid.emulator.task import Task

Variant = Literal["thumbnail", "spritesheet"]
COLUMNS: dict[str, int] = {"thumbnail": 1, "spritesheet": 5}
SHARED_TEXT = "batchvid emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """An open file and the few bytes behind it that make this task's clip unlike every other one.

    The file is opened when the clip is made, so that it can be read even if the cache throws it away meanwhile.
    """

    file: IO[bytes]
    file_bytes: int
    tail: bytes
    etag: str
    modified_at: float

    @property
    def size_bytes(self) -> int:
        """The whole clip's size."""
        return self.file_bytes + len(self.tail)

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the seam or the end."""
        if offset >= self.file_bytes:
            return self.tail[offset - self.file_bytes :][:count]
        self.file.seek(offset)
        return self.file.read(min(count, self.file_bytes - offset))


class Clips:
    """Renders and keeps clips in a folder, at most `cache_bytes` of them."""

    def __init__(self, folder: Path, settings: Settings, stills: Stills) -> None:
        self._folder = folder
        self._settings = settings
        self._stills = stills
        self._pool = ThreadPoolExecutor(settings.render_threads, thread_name_prefix="render")
        self._kept: dict[str, int] = {}  # sizes in bytes; the last used stands last
        self._kept_bytes = 0
        self._making: dict[str, asyncio.Task[None]] = {}

    async def of(self, task: Task) -> Clip:
        """The task's clip; the caller closes its file."""
        key = self._key(task)
        while (file := await self._open(key, task)) is None:
            pass  # thrown away by somebody else's download while we waited for ours
        return Clip(
            file=file,
            file_bytes=os.fstat(file.fileno()).st_size,
            tail=free_box(f"batchvid emulator, task {task.id}"),
            etag=f'"{hashlib.sha256(f"{key} {task.id}".encode()).hexdigest()[:24]}"',
            modified_at=task.ended_at or task.created_at,
        )

    async def inline(self, task: Task) -> str:
        """The task's clip as a `data:` URI, as some relays put it into their reply."""
        clip = await self.of(task)
        with clip.file:
            data = clip.read(0, clip.file_bytes) + clip.tail
        return "data:video/mp4;base64," + base64.b64encode(data).decode()

    async def picture(self, task: Task, variant: Variant) -> bytes:
        """A JPEG of one frame, or of some side by side."""
        from batchvid.emulator.rendering.render import poster

        clip = await self.of(task)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, partial(poster, clip.file, columns=COLUMNS[variant]))
        finally:
            clip.file.close()

    async def close(self) -> None:
        """End the threads; what is being rendered is finished first."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        self._pool.shutdown()

    def _key(self, task: Task) -> str:
        picture = self._picture(task)
        drawn = [path.stem for path in (*picture.stills, *picture.references)]
        said = (task.width, task.height, task.seconds, self._settings.fps)
        text = f"{said} {picture.text} {picture.scene} {picture.hue} {len(picture.stills)} {drawn}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _picture(self, task: Task) -> Picture:
        if self._settings.render == "shared":
            return Picture(text=SHARED_TEXT)
        return Picture(
            text=task.prompt,
            scene=task.scene or task.prompt,
            hue=task.hue,
            stills=self._stills.paths(task.images),
            references=self._stills.paths(task.references),
        )

    async def _open(self, key: str, task: Task) -> IO[bytes] | None:
        """The rendered file, opened; None when it has been swept away since."""
        if key not in self._kept:
            making = self._making.get(key)
            if making is None:
                making = self._making[key] = asyncio.create_task(self._make(key, task))
            await asyncio.shield(making)  # others may wait for the same clip
        size = self._kept.pop(key, None)
        if size is None:
            return None
        self._kept[key] = size
        return self._path(key).open("rb")

    async def _make(self, key: str, task: Task) -> None:
        from batchvid.emulator.rendering.render import render  # FFmpeg is loaded when the first clip is wanted

        path = self._path(key)
        work = partial(
            render,
            path,
            width=task.width,
            height=task.height,
            seconds=task.seconds,
            fps=self._settings.fps,
            picture=self._picture(task),
            fonts=self._settings.fonts,
        )
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, work)
            self._kept[key] = path.stat().st_size
            self._kept_bytes += self._kept[key]
            self._sweep(key)
        finally:
            del self._making[key]

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.mp4"

    def _sweep(self, newest: str) -> None:
        """Throw the longest unused clips away until the rest fits; never the one that is wanted now."""
        while self._kept_bytes > self._settings.cache_bytes:
            key = next(iter(self._kept))
            if key == newest:
                return
            self._kept_bytes -= self._kept.pop(key)
            self._path(key).unlink()


def free_box(text: str) -> bytes:
    """An MP4 box that every player skips."""
    payload = text.encode()
    return struct.pack(">I4s", 8 + len(payload), b"free") + payload
