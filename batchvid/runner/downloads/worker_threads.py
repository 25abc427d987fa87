"""A few threads for what a clip costs on the disk and the processor. Knows no clip.

The pool that asyncio shares among all is not used: there a name that is slow to resolve would keep a clip waiting, and
as many threads as it has would fight the event loop for the interpreter, which costs both more than the work itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
HANDS = 2  # so that one slow write does not keep all others waiting


class WorkerPool:
    """Ready until `close`."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HANDS, thread_name_prefix="batchvid-clips")

    async def do(self, act: Callable[[], Result]) -> Result:
        """Do it in one of the threads; what it raises is raised here. A caller that is cancelled does not stop it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    async def close(self) -> None:
        """Wait for what is under way: nothing is written after the end of a run."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
