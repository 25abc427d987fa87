"""The floor: bare aiohttp, saturated, no state, no checks; the very same requests and one write a clip."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from benchmarks.clients import FIELDS, KEY, cpu_s, settings, tell


async def make(session: aiohttp.ClientSession, base_url: str, target: Path) -> None:
    """Submit, poll until it is done, fetch."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in FIELDS.items():
        form.add_field(name, value)
    async with session.post(f"{base_url}/v1/videos", data=form) as reply:
        task_id = (await reply.json())["id"]
    while True:
        async with session.get(f"{base_url}/v1/videos/{task_id}") as reply:
            said = await reply.json()
        if said["status"] == "completed":
            break
    async with session.get(said["video_url"]) as reply:
        target.write_bytes(await reply.read())  # noqa: ASYNC240 - a small file, as a plain script does it


async def work(base_url: str, folder: Path, jobs: Iterator[int], at_once: int) -> None:
    """So many at once, one after the other."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=75)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {KEY}"}) as session:

        async def worker() -> None:
            for number in jobs:
                await make(session, base_url, folder / f"{number}.mp4")

        await asyncio.gather(*(worker() for _ in range(at_once)))


if __name__ == "__main__":
    asked = settings()
    began = cpu_s()
    asyncio.run(work(asked["base_url"], Path(asked["folder"]), iter(range(asked["jobs"])), asked["at_once"]))
    tell(cpu_s=cpu_s() - began, start_s=began)
