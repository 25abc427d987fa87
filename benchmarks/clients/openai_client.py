"""The OpenAI SDK with its default client, asynchronous: `videos.create`, `retrieve`, `download_content`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from openai import AsyncOpenAI

from benchmarks.clients import FIELDS, KEY, cpu_s, settings, tell


async def work(base_url: str, folder: Path, jobs: Iterator[int], at_once: int) -> None:
    """So many at once, one after the other."""
    async with AsyncOpenAI(api_key=KEY, base_url=f"{base_url}/v1") as openai:

        async def worker() -> None:
            for number in jobs:
                fields = cast("Any", FIELDS)  # sizes and models of another vendor than the SDK's types know
                video = await openai.videos.create(**fields)
                while video.status != "completed":
                    video = await openai.videos.retrieve(video.id)
                clip = await openai.videos.download_content(video.id)
                (folder / f"{number}.mp4").write_bytes(clip.content)

        await asyncio.gather(*(worker() for _ in range(at_once)))


if __name__ == "__main__":
    asked = settings()
    began = cpu_s()
    asyncio.run(work(asked["base_url"], Path(asked["folder"]), iter(range(asked["jobs"])), asked["at_once"]))
    tell(cpu_s=cpu_s() - began, start_s=began)
