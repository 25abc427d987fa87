"""LiteLLM's own video calls, asynchronous: `avideo_generation`, `avideo_status`, `avideo_content`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import litellm

from benchmarks.clients import FIELDS, KEY, cpu_s, settings, tell


async def work(base_url: str, folder: Path, jobs: Iterator[int], at_once: int) -> None:
    """So many at once, one after the other."""
    where = {"api_base": f"{base_url}/v1", "api_key": KEY, "custom_llm_provider": "openai"}

    async def worker() -> None:
        for number in jobs:
            video = await litellm.avideo_generation(
                model=f"openai/{FIELDS['model']}",
                prompt=FIELDS["prompt"],
                seconds=FIELDS["seconds"],
                size=FIELDS["size"],
                **where,
            )
            task_id, status = video.id, video.status
            while status != "completed":
                status = (await litellm.avideo_status(video_id=task_id, **where)).status
            clip = await litellm.avideo_content(video_id=task_id, **where)
            (folder / f"{number}.mp4").write_bytes(clip)

    await asyncio.gather(*(worker() for _ in range(at_once)))


if __name__ == "__main__":
    asked = settings()
    began = cpu_s()
    asyncio.run(work(asked["base_url"], Path(asked["folder"]), iter(range(asked["jobs"])), asked["at_once"]))
    tell(cpu_s=cpu_s() - began, start_s=began)
