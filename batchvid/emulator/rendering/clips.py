"""The clip of a task as a file on disk, rendered on first use and cached. Knows no HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import secrets
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal

from batchvid.emulator.rendering.input_images import InputImages
from batchvid.emulator.rendering.scene import Picture
from batchvid.emulator.settings import Settings
from batchvid.emulator.task import Task

Variant = Literal["thumbnail", "spritesheet"]
COLUMNS: dict[str, int] = {"thumbnail": 1, "spritesheet": 5}
SHARED_TEXT = "batchvid emulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """An open file, readable even when the cache deletes it, and the few bytes after it that make the clip unique."""

    file: IO[bytes]
    file_bytes: int
    tail: bytes
    etag: str
    modified_at: float

    @property
    def size_bytes(self) -> int:
        """Size of file and tail."""
        return self.file_bytes + len(self.tail)

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file or the tail."""
        if offset >= self.file_bytes:
            return self.tail[offset - self.file_bytes :][:count]
        self.file.seek(offset)
        return self.file.read(min(count, self.file_bytes - offset))


class Clips:
    """Renders clips and caches them in a folder, at most `cache_bytes` of them.

    With a `clips_folder` they are kept there, and other emulators use them: the same values give the same bytes.
    """

    def __init__(self, folder: Path, settings: Settings, images: InputImages) -> None:
        self._folder, self._settings, self._images = settings.clips_folder or folder, settings, images
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pool = ThreadPoolExecutor(settings.render_threads, thread_name_prefix="render")
        self._cached: dict[str, int] = {}  # sizes in bytes; the last used is last
        self._cached_bytes = 0
        self._rendering: dict[str, asyncio.Task[None]] = {}

    async def of(self, task: Task) -> Clip:
        """The task's clip; the caller closes its file."""
        key = self._key(task)
        while (file := await self._open(key, task)) is None:
            pass  # another download deleted it before this one opened it
        text = f"batchvid emulator, task {task.id}".encode()
        return Clip(
            file=file,
            file_bytes=os.fstat(file.fileno()).st_size,
            tail=struct.pack(">I4s", 8 + len(text), b"free") + text,  # an MP4 box that every player ignores
            etag=f'"{hashlib.sha256(f"{key} {task.id}".encode()).hexdigest()[:24]}"',
            modified_at=task.ended_at or task.created_at,
        )

    async def inline(self, task: Task) -> str:
        """The task's clip as a `data:` URI, as in the replies of some relays."""
        clip = await self.of(task)
        with clip.file:
            data = clip.read(0, clip.file_bytes) + clip.tail
        return "data:video/mp4;base64," + base64.b64encode(data).decode()

    async def picture(self, task: Task, variant: Variant) -> bytes:
        """A JPEG of one frame, or of several side by side."""
        from batchvid.emulator.rendering.render import poster

        clip = await self.of(task)
        with clip.file:
            work = partial(poster, clip.file, columns=COLUMNS[variant])
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def close(self) -> None:
        """Finish the current renderings and end the threads."""
        await asyncio.gather(*self._rendering.values(), return_exceptions=True)
        self._pool.shutdown()

    def _key(self, task: Task) -> str:
        picture = self._picture(task)
        drawn = [path.stem for path in (*picture.images, *picture.references)]
        values = (task.width, task.height, task.seconds, self._settings.fps)
        text = f"{values} {picture.text} {picture.scene} {picture.hue} {len(picture.images)} {drawn}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _picture(self, task: Task) -> Picture:
        if self._settings.render == "shared":
            return Picture(text=SHARED_TEXT)
        images, references = self._images.paths(task.images), self._images.paths(task.references)
        scene = task.scene or task.prompt
        return Picture(text=task.prompt, scene=scene, hue=task.hue, images=images, references=references)

    async def _open(self, key: str, task: Task) -> IO[bytes] | None:
        """The rendered file, opened; None when it has been deleted since."""
        if key not in self._cached:
            rendering = self._rendering.get(key)
            if rendering is None:
                rendering = self._rendering[key] = asyncio.create_task(self._render(key, task))
            await asyncio.shield(rendering)  # others may wait for the same clip
        size = self._cached.pop(key, None)
        if size is None:
            return None
        self._cached[key] = size
        return self._path(key).open("rb")

    async def _render(self, key: str, task: Task) -> None:
        from batchvid.emulator.rendering.render import render  # loads FFmpeg with the first clip

        path, size = self._path(key), (task.width, task.height)
        unfinished = path.with_name(f"{key}.{secrets.token_hex(4)}.part.mp4")
        try:
            if not path.exists():
                seconds, fps = task.seconds, self._settings.fps
                work = partial(render, unfinished, size, seconds=seconds, fps=fps, picture=self._picture(task))
                await asyncio.get_running_loop().run_in_executor(self._pool, work)
                unfinished.replace(path)
            self._cached[key] = path.stat().st_size
            self._cached_bytes += self._cached[key]
            self._sweep(key)
        finally:
            unfinished.unlink(missing_ok=True)
            del self._rendering[key]

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.mp4"

    def _sweep(self, newest: str) -> None:
        """Delete the least recently used clips until the rest fits; never the newest, and none that others use."""
        if self._settings.clips_folder:
            return
        while self._cached_bytes > self._settings.cache_bytes:
            key = next(iter(self._cached))
            if key == newest:
                return
            self._cached_bytes -= self._cached.pop(key)
            self._path(key).unlink()
