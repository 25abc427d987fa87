"""The emulator calls back: where vendors take an address, and what it sends there."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import web

from batchvid.emulator.callbacks import callback_url
from tests.emulator.helpers import vendor
from tests.runner.servers import serving

URL = "https://tunnel.example.com/x"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"fal_webhook": URL}, {}),
        ({}, {"callback_url": URL}),
        ({}, {"webhook": URL}),
        ({}, {"callBackUrl": URL}),
        ({}, {"options": {"callback_url": URL}}),
        ({}, {"webhook_config": {"uris": [URL]}}),
    ],
)
def test_an_address_is_found_where_a_vendor_takes_it(query: dict[str, str], fields: dict[str, Any]) -> None:
    """And nowhere else: what is no address is none."""
    assert callback_url(query, fields) == URL
    assert callback_url({}, {"callback_url": None, "options": "x", "webhook_config": {"uris": None}}) == ""


@pytest.mark.parametrize(("fault", "calls"), [("none", 1), ("replayed", 5), ("drop", 0)])
async def test_a_task_is_called_about_when_it_ends(fault: str, calls: int) -> None:
    """Once, with its id and its end; with a fault five times, or never."""
    bodies: list[Any] = []

    async def note(request: web.Request) -> web.Response:
        bodies.append(orjson.loads(await request.read()))
        return web.Response()

    async with serving(note) as server, vendor(life="seconds:0.05", callback_fault=fault) as v:
        task = (await v.ark(callback_url=f"{server.base_url}/cb")).json["id"]
        async with asyncio.timeout(5):
            while len(server.asked) < calls or v.ledger()["tasks"][0]["status"] != "succeeded":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
    assert [body["task_id"] for body in bodies] == [task] * calls
    assert {body["status"] for body in bodies} <= {"succeeded"}


@pytest.mark.parametrize(("echo", "status"), [(True, 200), (False, 400)])
async def test_an_address_that_does_not_echo_gets_no_task(echo: bool, status: int) -> None:
    """As at MiniMax."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(await request.json() if echo else {})

    async with serving(answer) as server, vendor(callback_challenge=True) as v:
        assert (await v.ark(callback_url=server.base_url)).status == status
        assert v.ledger()["purchases"] == (status == 200)
