"""The OpenAI SDK with its default client, asynchronous: `videos.create`, `retrieve`, `download_content`."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from openai import AsyncOpenAI

from benchmarks.clients import FIELDS, KEY, Work, count


async def make_all(work: Work) -> None:
    """So many at once, one after the other."""
    async with AsyncOpenAI(api_key=KEY, base_url=f"{work.base_url}/v1") as openai:

        async def worker() -> None:
            for name in work.jobs:
                fields = cast("Any", FIELDS)  # sizes and models of another vendor than the SDK's types know
                video = await openai.videos.create(**fields)
                while video.status != "completed":
                    video = await openai.videos.retrieve(video.id)
                clip = await openai.videos.download_content(video.id)
                (work.folder / f"{name}.mp4").write_bytes(clip.content)

        await asyncio.gather(*(worker() for _ in range(work.at_once)))


if __name__ == "__main__":
    count(lambda work: asyncio.run(make_all(work)))
