"""Faults carried out on one request: instead of the honest answer, on top of it, or after acting on it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.fault_rules import Deed
from batchvid.emulator.replies import html

Refuse = Callable[[str, str], web.Response]
"""(named refusal, message or empty) -> the error in the vendor's own envelope."""

Act = Callable[[], Awaitable[web.StreamResponse]]


async def carry_out(deed: Deed | None, request: web.Request, act: Act, refuse: Refuse) -> web.StreamResponse:
    """Answer the request: with `act`, unless the deed says otherwise."""
    if deed is None:
        return await act()
    if deed.reset_before:
        return reset(request)
    response: web.StreamResponse | None = _instead(deed, refuse)
    if response is None or deed.after:
        honest = await act()
        response = honest if response is None else response
    if deed.delay_s and not response.prepared:  # what is streamed has seen to its own delay
        await asyncio.sleep(deed.delay_s)
    if deed.reset_after:
        return reset(request)
    if deed.wrapper_says:
        _contradict(response, deed.wrapper_says)
    if deed.truncate_json:
        assert isinstance(response, web.Response)  # noqa: S101 - rules of this kind are for submits and polls only
        assert isinstance(response.body, bytes)  # noqa: S101
        response.body = response.body[: len(response.body) // 2]
    if not response.prepared:
        response.headers.update(deed.headers)
    return response


def reset(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset, as a dying proxy does. What is returned never leaves the house."""
    transport = request.transport
    if transport is not None:  # else the client has gone by itself
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _instead(deed: Deed, refuse: Refuse) -> web.Response | None:
    """The answer that takes the honest one's place, or None."""
    if deed.refusal is not None:
        response = refuse(deed.refusal, deed.message)
        if "code" in deed.model_fields_set:
            _say_code(response, deed.code)
        if deed.status is not None:
            response.set_status(deed.status)
        return response
    if deed.error_200:
        response = refuse("unavailable", deed.message)
        response.set_status(200)
        return response
    if deed.html:
        return html(deed.status or 200)
    if deed.empty:
        return web.Response(status=deed.status or 200)
    if deed.json_ is not None:
        return web.Response(body=orjson.dumps(deed.json_), status=deed.status or 200, content_type="application/json")
    if deed.body is not None or deed.status is not None:
        return web.Response(text=deed.body or "", status=deed.status or 200)
    return None


def _say_code(response: web.Response, code: str) -> None:
    """Put another code into a refusal, of the type that this vendor's codes have; an empty body has no place for it."""
    document = _document(response)
    error = document.get("error")
    place = error if isinstance(error, dict) else document
    if place:
        place["code"] = int(code) if isinstance(place.get("code"), int) else code
        response.body = orjson.dumps(document)


def _contradict(response: web.StreamResponse, word: str) -> None:
    """Give a task wrapper another status word than the task inside has; what is not wrapped stays as it is."""
    document = _document(response)
    if isinstance(response, web.Response) and isinstance(document.get("data"), dict):
        document["data"]["status"] = word
        response.body = orjson.dumps(document)


def _document(response: web.StreamResponse) -> dict[str, Any]:
    """The JSON of an answer; nothing for a page, or for no body at all."""
    if not isinstance(response, web.Response) or response.content_type != "application/json":
        return {}
    assert isinstance(response.body, bytes)  # noqa: S101 - replies.py makes no other
    document: dict[str, Any] = orjson.loads(response.body)
    return document
