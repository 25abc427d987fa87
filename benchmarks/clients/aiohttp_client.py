"""The floor: bare aiohttp, a task a job, no state, no checks; the very same requests and one write a clip."""

from __future__ import annotations

import asyncio
import random

import aiohttp

from benchmarks.clients import FIELDS, KEY, Work, count

SPREAD = (0.5, 1.5)  # of a pause, so that thousands of tasks do not ask in step


async def make(session: aiohttp.ClientSession, work: Work, name: int | str) -> None:
    """Submit, poll until it is done, fetch."""
    form = aiohttp.FormData(default_to_multipart=True)
    for field, value in FIELDS.items():
        form.add_field(field, value)
    async with session.post(f"{work.base_url}/v1/videos", data=form) as reply:
        task_id = (await reply.json())["id"]
    while True:
        if work.pause_s:
            await asyncio.sleep(work.pause_s * random.uniform(*SPREAD))
        async with session.get(f"{work.base_url}/v1/videos/{task_id}") as reply:
            task = await reply.json()
        if task["status"] == "completed":
            break
    async with session.get(task["video_url"]) as reply:
        (work.folder / f"{name}.mp4").write_bytes(await reply.read())


async def make_all(work: Work) -> None:
    """So many at once, one after the other."""
    connector = aiohttp.TCPConnector(limit=work.connections, keepalive_timeout=75)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {KEY}"}) as session:

        async def worker() -> None:
            for name in work.jobs:
                await make(session, work, name)

        await asyncio.gather(*(worker() for _ in range(work.at_once)))


if __name__ == "__main__":
    count(lambda work: asyncio.run(make_all(work)))
