"""LiteLLM's own video calls, asynchronous: `avideo_generation`, `avideo_status`, `avideo_content`."""

from __future__ import annotations

import asyncio

import litellm

from benchmarks.clients import FIELDS, KEY, Work, count


async def make_all(work: Work) -> None:
    """So many at once, one after the other."""
    where = {"api_base": f"{work.base_url}/v1", "api_key": KEY, "custom_llm_provider": "openai"}

    async def worker() -> None:
        for name in work.jobs:
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
            (work.folder / f"{name}.mp4").write_bytes(clip)

    await asyncio.gather(*(worker() for _ in range(work.at_once)))


if __name__ == "__main__":
    count(lambda work: asyncio.run(make_all(work)))
