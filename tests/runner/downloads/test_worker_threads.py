"""The threads that write and check clips."""

from __future__ import annotations

import asyncio
import threading

import pytest

from batchvid.runner.downloads.worker_threads import MAX_THREADS, close_pool, create_pool, run_in


async def test_calls_run_beside_the_loop_and_raise_there() -> None:
    """The result is returned, an exception is raised, and neither happens in the loop's own thread."""
    pool = create_pool()
    try:
        assert await run_in(pool, threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await run_in(pool, divmod, 1, 0)
    finally:
        await close_pool(pool)


async def test_close_waits_for_running_calls() -> None:
    """After `close_pool` nothing is written: a call that had begun is done, and no thread remains."""
    pool, done, begun, go = create_pool(), list[str](), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(10)
        done.append("written")

    caller = asyncio.create_task(run_in(pool, work))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    go.set()
    await close_pool(pool)
    assert done == ["written"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batchvid-clips")]


async def test_the_number_of_threads_is_bounded() -> None:
    """However many clips arrive at once, no more than `MAX_THREADS` threads work on them."""
    pool, names = create_pool(), set[str]()

    def work() -> None:
        names.add(threading.current_thread().name)

    await asyncio.gather(*(run_in(pool, work) for _ in range(50)))
    await close_pool(pool)
    assert 1 <= len(names) <= MAX_THREADS
