"""batchvid's own download step for so many streams at once; its hash and its media check are timed apart as well."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import av  # noqa: F401 - the media check imports it with the first clip

from batchvid.domain.wire import Asset
from batchvid.net.access import ANONYMOUS
from batchvid.net.transport import Transport
from batchvid.runner.downloads.differences import Expected
from batchvid.runner.downloads.fetch import FetchRequest, fetch_clip
from batchvid.runner.downloads.worker_threads import close_pool, create_pool
from batchvid.storage import LocalStore
from batchvid.storage.video_probe import probe
from benchmarks.clients import cpu_s, print_result, settings

LOOK_EVERY_S = 0.002


async def fetch(base_url: str, folder: Path, streams: int, lags_s: list[float]) -> None:
    """All of them at once."""

    async def look() -> None:
        while True:
            due = time.perf_counter() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            lags_s.append(time.perf_counter() - due)

    looking = asyncio.create_task(look())
    store = LocalStore(folder)
    pool = create_pool()
    async with Transport() as transport:
        await asyncio.gather(
            *(fetch_clip(transport, store, _request(base_url, number), pool) for number in range(streams))
        )
    await close_pool(pool)
    looking.cancel()


def _request(base_url: str, number: int) -> FetchRequest:
    return FetchRequest(
        asset=Asset(location=f"{base_url}/clip/{number}.mp4"),
        base_url=base_url,
        access=ANONYMOUS,
        clip_key=f"{number}.mp4",
        task_id=f"task_{number}",
        expected=Expected(duration_s=8.0),
        sidecar={},
        fresh=True,
    )


def hash_cpu_s(path: Path, times: int) -> float:
    """CPU of hashing that file so often."""
    data = path.read_bytes()
    began = cpu_s()
    for _ in range(times):
        hashlib.sha256(data).digest()
    return cpu_s() - began


def check_cpu_s(path: Path, times: int) -> float:
    """CPU of checking that file so often."""
    began = cpu_s()
    for _ in range(times):
        probe(path)
    return cpu_s() - began


if __name__ == "__main__":
    arguments = settings()
    folder, streams = Path(arguments["folder"]), arguments["streams"]
    late: list[float] = []
    began, wall = cpu_s(), time.perf_counter()
    asyncio.run(fetch(arguments["base_url"], folder, streams, late))
    used_s, took_s = cpu_s() - began, time.perf_counter() - wall
    first = folder / "clips" / "0.mp4"
    print_result(
        cpu_s=used_s,
        wall_s=took_s,
        hash_s=hash_cpu_s(first, streams),
        check_s=check_cpu_s(first, streams),
        lag_p99_s=sorted(late)[len(late) * 99 // 100],
    )
