"""Replicate's own client against the emulator, unmodified but for its address and key: it judges what we say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

from batchvid.emulator import Emulator, Settings

MODEL = "kwaivgi/kling-v2.5-turbo-pro"


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[Client]:
    """The client, which polls without a pause, and an emulator behind it."""
    async with Emulator(Settings(**{"render": "shared", "api_key": "k", **settings})) as emulator:
        replicate = Client(api_token="k", base_url=emulator.base_url + "/replicate")
        replicate.poll_interval = 0.01
        try:
            yield replicate
        finally:
            await replicate._async_client.aclose()


async def test_run() -> None:
    """`async_run` ends with the output's link, and is the client's ModelError for a failed prediction."""
    faults = ({"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail"}},)
    async with client(life="polls:3", faults=faults) as replicate, aiohttp.ClientSession() as session:
        output = await replicate.async_run(MODEL, {"prompt": "a kite", "duration": 5}, wait=False)
        async with session.get(str(output)) as response:
            assert (response.status, (await response.read())[4:8]) == (200, b"ftyp")
        with pytest.raises(ModelError, match="CUDA out of memory"):
            await replicate.async_run(MODEL, {"prompt": "a bad kite"}, wait=False)


async def test_every_poll() -> None:
    """Every status on the way is one of the client's typed union, with the fields that its schema requires."""
    async with client(life="polls:3") as replicate:
        first = await replicate.models.predictions.async_create(MODEL, {"prompt": "a kite"})
        seen = [first.status]
        for _ in range(3):
            await first.async_reload()
            seen.append(first.status)
        assert (first.model, first.error, first.input) == (MODEL, None, {"prompt": "a kite"})
        assert first.completed_at is not None
        second = await replicate.predictions.async_create("5c7d5dc6", {"prompt": "another kite"})
        await second.async_cancel()
        listed = await replicate.predictions.async_list()
    assert seen == ["starting", "starting", "processing", "succeeded"]
    assert second.status == "canceled"
    assert [(one.id, one.version) for one in listed.results] == [(second.id, "5c7d5dc6"), (first.id, "hidden")]


@pytest.mark.parametrize(("action", "status"), [("rate", 429), ("auth", 401), ("balance", 402), ("invalid", 422)])
async def test_refusals(action: str, status: int) -> None:
    """Each refusal is the client's own error, with the problem's details."""
    async with client(faults=({"match": {"step": "submit"}, "do": action},)) as replicate:
        with pytest.raises(ReplicateError) as caught:
            await replicate.models.predictions.async_create(MODEL, {"prompt": "a kite"})
    assert caught.value.status == status
    assert caught.value.detail


async def test_wrong_ids_and_inputs() -> None:
    """An unknown prediction, a missing prompt and a wrong length."""
    async with client() as replicate:
        with pytest.raises(ReplicateError, match="could not be found"):
            await replicate.predictions.async_get("nothing")
        with pytest.raises(ReplicateError, match="prompt is required"):
            await replicate.models.predictions.async_create(MODEL, {})
        with pytest.raises(ReplicateError, match="duration"):
            await replicate.models.predictions.async_create(MODEL, {"prompt": "a kite", "duration": "5"})
