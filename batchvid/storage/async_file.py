"""Opens files with aiofiles. A file is closed on every path, also if its caller is cancelled while it opens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedIOBase, AsyncBufferedReader

AnyFile = TypeVar("AnyFile", bound=AsyncBufferedIOBase)


async def open_for_append(path: Path, executor: Executor) -> AsyncBufferedIOBase:
    """Open an existing file for appending. Raises OSError; a missing file is not created."""
    return await _open(aiofiles.open(path, "ab", opener=_open_existing, executor=executor))


@asynccontextmanager
async def open_for_reading(path: Path, executor: Executor | None = None) -> AsyncIterator[AsyncBufferedReader]:
    """Open a file for reading. Raises OSError."""
    file = await _open(aiofiles.open(path, "rb", executor=executor))
    try:
        yield file
    finally:
        await close(file)


async def close(file: AsyncBufferedIOBase) -> None:
    """Flush and close; a cancelled caller does not stop it. Raises OSError."""
    await asyncio.shield(file.close())


async def _open(opening: Awaitable[AnyFile]) -> AnyFile:
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:  # the thread opens it all the same
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None:
            await close(task.result())
        raise


def _open_existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)
