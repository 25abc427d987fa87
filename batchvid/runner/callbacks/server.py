"""The server that vendors call. It answers before any work, and bounds connections, time and bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from batchvid.errors import UsageError
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.runner.callbacks.receiver import CallbackReceiver

MAX_BODY_BYTES = 1024 * 1024
MAX_CONNECTIONS = 256
MAX_CONNECTION_S = 20.0  # however it is used: vendors open another one
BODY_S = 5.0
MAX_CHALLENGE_BYTES = 4096
MAX_CHALLENGE_CHARS = 1024


@asynccontextmanager
async def serving(receiver: CallbackReceiver, settings: CallbackSettings) -> AsyncIterator[int]:
    """Listen for callbacks; yields the port. Raises UsageError if nothing can listen there."""
    loop = asyncio.get_running_loop()
    protocols = web.Server(_Handler(receiver), access_log=None, keepalive_timeout=5.0, lingering_time=0.0)

    def connect() -> asyncio.Protocol:
        if len(protocols.connections) >= MAX_CONNECTIONS:
            return _Refusal()
        protocol = protocols()
        loop.call_later(MAX_CONNECTION_S, _abort, protocol)
        return protocol

    try:
        server = await loop.create_server(connect, settings.host, settings.port)
    except OSError as exc:
        message = exc.strerror or str(exc)
        raise UsageError(f"--listen {settings.host}:{settings.port}: nothing can listen there ({message})") from None
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await protocols.shutdown(0)
        await receiver.close()


class _Refusal(asyncio.Protocol):
    """A connection beyond the bound: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _abort(protocol: asyncio.BaseProtocol) -> None:
    transport = getattr(protocol, "transport", None)
    if isinstance(transport, asyncio.Transport):
        transport.abort()


class _Handler:
    """Answers one callback, and hands it over afterwards."""

    def __init__(self, receiver: CallbackReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 for whatever may be a callback, also for an unknown one: its sender learns nothing."""
        expected = self._receiver.find(request.path.rpartition("/")[2])
        if expected is None or request.method != "POST":
            return _closing(web.Response())
        try:
            async with asyncio.timeout(BODY_S):
                body = await _read(request)
        except TimeoutError:
            return _closing(web.Response(status=408))
        if body is None:
            return _closing(web.Response(status=413))
        if challenge := _challenge(body):
            return _closing(web.json_response({"challenge": challenge}))
        response = _closing(web.Response())
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await response.write_eof()
        self._receiver.accept(expected, request.headers, body)
        return response


def _closing(response: web.Response) -> web.Response:
    """An answer after which the connection ends: a body that was not read is not read later either."""
    response.force_close()
    return response


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body; None if it is too large, which its announced length may show before a byte is read."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return None
    pieces, size = list[bytes](), 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _challenge(body: bytes) -> str:
    """What MiniMax sends when it is given an address, to be echoed within three seconds; otherwise empty."""
    if len(body) > MAX_CHALLENGE_BYTES:
        return ""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    value = document.get("challenge") if isinstance(document, dict) and "task_id" not in document else None
    return value if isinstance(value, str) and len(value) <= MAX_CHALLENGE_CHARS else ""
