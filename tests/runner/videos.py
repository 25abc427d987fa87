"""A finished task of the emulator, by its own API: the link to its clip."""

from __future__ import annotations

import aiohttp

from batchvid.emulator import Emulator


async def finished(emulator: Emulator, prompt: str = "a kite") -> str:
    """Buy a Kling clip, which is done at once, and return its signed link."""
    path = emulator.base_url + "/kling/v1/videos/text2video"
    order = {"model_name": "kling-v2-6", "prompt": prompt, "duration": "5"}
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k"}) as client:
        async with client.post(path, json=order) as reply:
            task_id = (await reply.json())["data"]["task_id"]
        async with client.get(f"{path}/{task_id}") as reply:
            data = (await reply.json())["data"]
        link: str = data["task_result"]["videos"][0]["url"]
    async with aiohttp.ClientSession() as client, client.get(link) as reply:
        await reply.read()  # rendered now, so that the next download is as quick as it is meant to be
    return link
