"""Applies a fault to one request: in place of the honest reply, on top of it, or after it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.fault_rules import FaultAction
from batchvid.emulator.replies import Refuse, html, reply

Act = Callable[[], Awaitable[web.StreamResponse]]


async def apply_fault(action: FaultAction | None, request: web.Request, act: Act, refuse: Refuse) -> web.StreamResponse:
    """Answer the request: with `act`, unless the fault action replaces it."""
    if action is None:
        return await act()
    if action.reset_before:
        return reset(request)
    response: web.StreamResponse | None = _instead(action, refuse)
    if response is None or action.after:
        honest = await act()
        response = honest if response is None else response
    if action.delay_s and not response.prepared:  # a stream has made its own delay
        await asyncio.sleep(action.delay_s)
    if action.reset_after:
        return reset(request)
    if action.set:
        _set_values(response, action.set)
    if action.truncate_json:
        assert isinstance(response, web.Response)  # noqa: S101 - such rules are for submits and polls only
        assert isinstance(response.body, bytes)  # noqa: S101
        response.body = response.body[: len(response.body) // 2]
    if not response.prepared:
        response.headers.update(action.headers)
    return response


def reset(request: web.Request) -> web.Response:
    """Break the connection with a TCP reset, as a dying proxy does. The returned response is never sent."""
    transport = request.transport
    if transport is not None:  # else the client has disconnected
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _instead(action: FaultAction, refuse: Refuse) -> web.Response | None:
    status = action.status or 200
    if action.refusal is not None:
        response = refuse(action.refusal, action.message)
        if "code" in action.model_fields_set:
            _set_code(response, action.code)
        if action.status is not None:
            response.set_status(action.status)
        return response
    if action.error_200:
        response = refuse("unavailable", action.message)
        response.set_status(200)
        return response
    if action.html:
        return html(status)
    if action.json_ is not None:
        return reply(action.json_, status)
    if action.empty or action.body is not None or action.status is not None:
        return web.Response(text=None if action.empty else action.body or "", status=status)
    return None


def _set_code(response: web.Response, code: str) -> None:
    """Set the code of a refusal, as the type that this vendor's codes have; an empty body stays empty."""
    document = _document(response)
    nested = isinstance(document.get("error"), dict)
    old = (document["error"] if nested else document).get("code")
    _set_values(response, {"error.code" if nested else "code": int(code) if isinstance(old, int) else code})


def _set_values(response: web.StreamResponse, values: dict[str, Any]) -> None:
    """Set single values of a JSON reply by their paths; a path whose parent is missing changes nothing."""
    document = _document(response)
    for path, value in values.items():
        *parents, name = path.split(".")
        place: Any = document
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict) and document:
            place[name] = value
    if isinstance(response, web.Response) and document:
        response.body = orjson.dumps(document)


def _document(response: web.StreamResponse) -> dict[str, Any]:
    """The JSON of a response; empty for a page, or without a body."""
    if not isinstance(response, web.Response) or response.content_type != "application/json":
        return {}
    assert isinstance(response.body, bytes)  # noqa: S101 - replies.py builds no other
    document: dict[str, Any] = orjson.loads(response.body)
    return document
