"""The threads that write and check clips.

asyncio's default pool is not used: there, slow name resolution delays clips, and its many threads compete with the
event loop for the interpreter, which costs more CPU than the work itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

Result = TypeVar("Result")
Args = TypeVarTuple("Args")
MAX_THREADS = 2  # so that one slow write does not block all others


def create_pool() -> ThreadPoolExecutor:
    """A pool of `MAX_THREADS` threads."""
    return ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="batchvid-clips")


async def run_in(pool: ThreadPoolExecutor, func: Callable[[*Args], Result], *args: *Args) -> Result:
    """Call the function in a thread of the pool. Cancelling the caller does not stop a call that has begun."""
    return await asyncio.get_running_loop().run_in_executor(pool, func, *args)


async def close_pool(pool: ThreadPoolExecutor) -> None:
    """Wait for running calls and drop queued ones: nothing is written after the end of a run."""
    await asyncio.to_thread(pool.shutdown, cancel_futures=True)
