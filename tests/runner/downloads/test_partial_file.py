"""A clip while it is downloaded: all bytes in their order, and the file is closed on every path."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchvid.errors import BadMedia, DiskFull, StorageError
from batchvid.runner.downloads.partial_file import PartialFile
from batchvid.runner.downloads.worker_threads import close_pool, create_pool
from batchvid.storage import LocalStore
from tests.disks import small_disk


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The threads of the clips."""
    with create_pool() as threads:
        yield threads


def partial_file(folder: Path, pool: ThreadPoolExecutor, max_bytes: int = 10**9) -> PartialFile:
    """The part of a clip of task t-1."""
    return PartialFile(LocalStore(folder, spare_bytes=0), "kite/1.mp4", "t-1", max_bytes, pool)


def open_parts() -> list[str]:
    """The open files of this process that are parts, deleted ones included."""
    links = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115
        except OSError:
            continue
    return [link for link in links if ".part" in link]


@pytest.mark.parametrize("count", [1, 1024, 2049])
async def test_any_number_of_pieces_is_written_whole(tmp_path: Path, pool: ThreadPoolExecutor, count: int) -> None:
    """A slow line brings many small pieces."""
    pieces = [bytes([number % 251]) * (number % 7) for number in range(count)]
    whole = b"".join([*pieces, b"the rest"])
    async with partial_file(tmp_path, pool) as one:
        one.expect(0, '"v1"')
        await one.write(pieces)
        assert pieces == []
        await one.write([b"the rest"])
    one.check_written()
    assert one.path.read_bytes() == whole
    assert (one.size_bytes, one.digest()) == (len(whole), hashlib.sha256(whole).hexdigest())


async def test_large_and_small_pieces_keep_their_order(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Large pieces bypass the buffer that collects small ones."""
    sizes = [1, 200_000, 70_000, 3, 65_536, 65_535, 65_537, 0, 5]
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    whole = b"".join(pieces)
    async with partial_file(tmp_path, pool) as one:
        one.expect(0, '"v1"')
        await one.write(pieces[:4])
        await one.write(pieces[4:])
    assert one.path.read_bytes() == whole
    assert one.digest() == hashlib.sha256(whole).hexdigest()


async def test_a_removed_file_is_an_error(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """A file that somebody removes during the download is no clip, and is not created again from the middle."""
    async with partial_file(tmp_path, pool) as one:
        one.expect(0, '"v1"')
        await one.write([b"the first half"])
        one.path.unlink()
        await one.write([b"the other half"])
    with pytest.raises(StorageError, match=r"1\.mp4\.part"):
        one.check_written()
    assert not one.path.exists()


async def test_a_file_removed_before_the_resume_is_an_error(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """The rest of a clip alone is no clip: nothing is written where the first bytes are missing."""
    async with partial_file(tmp_path, pool) as first:
        first.expect(0, '"v1"')
        await first.write([b"the first half"])
    async with partial_file(tmp_path, pool) as second:
        have = await second.resume_from()
        second.expect(have, '"v1"')
        second.path.unlink()
        with pytest.raises(StorageError, match=r"1\.mp4\.part: No such file"):
            await second.write([b"the other half"])
    assert not second.path.exists()


async def test_a_truncated_file_is_an_error(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Fewer bytes on the disk than were written."""
    async with partial_file(tmp_path, pool) as one:
        one.expect(0, '"v1"')
        await one.write([b"the whole"])
    os.truncate(one.path, 3)
    with pytest.raises(StorageError, match="holds 3 bytes, but 9 were written"):
        one.check_written()


def test_a_whole_body_replaces_an_existing_part(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """It needs no note, and nothing of an older part remains."""
    one = partial_file(tmp_path, pool)
    one.path.write_bytes(b"much more than the clip itself has")
    one.expect(0, '"v1"', 4)
    assert one.is_unwritten
    one.write_whole([b"cl", b"ip"])
    assert not one.is_unwritten
    assert [file.name for file in one.path.parent.iterdir()] == ["1.mp4.part"]
    assert one.path.read_bytes() == b"clip"
    assert (one.size_bytes, one.digest()) == (4, hashlib.sha256(b"clip").hexdigest())


async def test_the_rest_is_appended_to_a_part(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """The digest covers both."""
    async with partial_file(tmp_path, pool) as first:
        first.expect(0, '"v1"')
        await first.write([b"the first half, "])
    async with partial_file(tmp_path, pool) as second:
        have = await second.resume_from()
        second.expect(have, '"v1"')
        assert not second.is_unwritten
        await second.write([b"the other half"])
    whole = b"the first half, the other half"
    second.check_written()
    assert second.path.read_bytes() == whole
    assert (second.size_bytes, second.digest()) == (len(whole), hashlib.sha256(whole).hexdigest())


async def test_a_part_that_is_not_resumed_does_not_count(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """The server sends the file from its start: only these bytes are the clip and are hashed."""
    async with partial_file(tmp_path, pool) as first:
        first.expect(0, '"v1"')
        await first.write([b"of another file"])
    second = partial_file(tmp_path, pool)
    assert await second.resume_from() == 15
    second.expect(0, '"v2"')
    second.write_whole([b"clip"])
    assert second.path.read_bytes() == b"clip"
    assert (second.size_bytes, second.digest()) == (4, hashlib.sha256(b"clip").hexdigest())


async def test_a_part_is_opened_once(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """All writes of a download use one handle, which `close` closes."""
    async with partial_file(tmp_path, pool) as one:
        one.expect(0, '"v1"')
        await one.begin()
        opened = open_parts()
        await one.write([b"a" * 100_000])
        await one.write([b"b" * 100_000])
        assert open_parts() == opened == [str(one.path)]
    assert open_parts() == []


async def test_a_body_that_is_too_large_leaves_no_file_and_no_handle(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """The handle is closed before the file is deleted, as Windows demands."""
    async with partial_file(tmp_path, pool, max_bytes=10) as one:
        one.expect(0, '"v1"')
        await one.write([b"12345"])
        with pytest.raises(BadMedia, match="larger than 10 bytes"):
            await one.write([b"1234567"])
        assert open_parts() == []
    assert list(one.path.parent.iterdir()) == []


async def test_a_full_disk_keeps_what_fits(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """The system refuses a write: DiskFull, the file on disk is a beginning of the body, and nothing stays open."""
    data = os.urandom(3_000_000)
    with small_disk(tmp_path / "clips", size_bytes=2**20) as disk:
        one = PartialFile(LocalStore(tmp_path, spare_bytes=-(10**9)), "kite/1.mp4", "t-1", 10**9, pool)
        one.expect(0, '"v1"')
        with pytest.raises(DiskFull, match=r"1\.mp4\.part"):
            await one.write([data[start : start + 100_000] for start in range(0, len(data), 100_000)])
        await one.close()
        assert open_parts() == []
        on_disk = (disk / "kite" / "1.mp4.part").read_bytes()
        assert on_disk
        assert data.startswith(on_disk)


@pytest.mark.parametrize("hops", range(12))
async def test_a_cancelled_write_leaves_a_beginning_and_no_handle(
    tmp_path: Path, pool: ThreadPoolExecutor, hops: int
) -> None:
    """Cancelled at any step - preparing, opening, writing, closing - the file is a beginning of the body, closed."""
    data = os.urandom(900_000)

    async def download() -> None:
        async with partial_file(tmp_path, pool) as one:
            one.expect(0, '"v1"')
            for start in range(0, len(data), 300_000):
                await one.write([data[start : start + 300_000]])

    task = asyncio.create_task(download())
    for _ in range(hops):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await close_pool(pool)  # what a thread had begun is done
    assert open_parts() == []
    part = tmp_path / "clips" / "kite" / "1.mp4.part"
    assert data.startswith(part.read_bytes() if part.exists() else b"")
    gc.collect()


@pytest.mark.parametrize("step", range(6))
async def test_cancelled_while_the_threads_are_busy(tmp_path: Path, pool: ThreadPoolExecutor, step: int) -> None:
    """A step that waits for a thread when it is cancelled never leaves a file open."""
    go = threading.Event()
    one = partial_file(tmp_path, pool)

    async def download() -> None:
        async with one:
            one.expect(0, '"v1"')
            await one.begin()
            for _ in range(4):
                await one.write([b"x" * 100_000])

    task = asyncio.create_task(download())
    for _ in range(50 * step):
        await asyncio.sleep(0)
    blockers = [pool.submit(go.wait, 10) for _ in range(2)]
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(task, return_exceptions=True)
    assert all(blocker.result() for blocker in blockers)
    assert open_parts() == []
    gc.collect()
