"""The threads that clips are written and checked in: they answer, they tell what went wrong, and they end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from batchvid.runner.downloads.worker_threads import HANDS, WorkerPool


async def test_work_is_done_beside_the_loop_and_its_faults_come_back() -> None:
    """What it returns is returned, what it raises is raised, and neither happens in the loop's own thread."""
    pool = WorkerPool()
    try:
        assert await pool.do(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await pool.do(lambda: 1 // 0)
    finally:
        await pool.close()


async def test_the_end_waits_for_what_is_under_way() -> None:
    """After `close` nothing is written any more: the work that had begun is done, and no thread of it is left."""
    pool, done, begun, go = WorkerPool(), list[str](), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(10)
        done.append("written")

    caller = asyncio.create_task(pool.do(work))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    go.set()
    await pool.close()
    assert done == ["written"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batchvid-clips")]


async def test_there_are_only_so_many() -> None:
    """However many clips arrive at once, so many threads work on them and no more."""
    pool, names = WorkerPool(), set[str]()

    def work() -> None:
        names.add(threading.current_thread().name)

    await asyncio.gather(*(pool.do(work) for _ in range(50)))
    await pool.close()
    assert 1 <= len(names) <= HANDS
