"""Bounds the memory of replies that hold a whole clip: a few are received at a time, and clips that wait count.

Google's polls return clips as base64. Without this, a hundred tasks that finish together are gigabytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LARGE_REPLY_BYTES = 1024 * 1024  # no other reply is so large
MAX_AT_ONCE = 2
MAX_HELD_BYTES = 256 * 1024 * 1024
WAIT_S = 60.0  # then the reply is received all the same: a clip that nothing fetches must not stop the others


class LargeReplies:
    """Who may receive a large reply now, and how many bytes of inline clips wait to be stored."""

    def __init__(
        self, at_once: int = MAX_AT_ONCE, max_held_bytes: int = MAX_HELD_BYTES, wait_s: float = WAIT_S
    ) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._max_held_bytes, self._wait_s = max_held_bytes, wait_s
        self._held: dict[str, int] = {}
        self._freed = asyncio.Event()

    def hold(self, name: str, size_bytes: int) -> None:
        """Note the bytes that one job holds from now on; 0 where it holds none."""
        if size_bytes:
            self._held[name] = size_bytes
        elif self._held.pop(name, 0):
            self._freed.set()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until a large reply may be received."""
        async with self._slots:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s):
                    while sum(self._held.values()) >= self._max_held_bytes:
                        self._freed.clear()
                        await self._freed.wait()
            yield
