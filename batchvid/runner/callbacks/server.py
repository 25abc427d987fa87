"""The server that vendors call. It answers before any work, and bounds connections, time and bytes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from aiohttp import web

from batchvid.errors import UsageError
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.runner.callbacks.receiver import CallbackReceiver

MAX_CHALLENGE_BYTES = 4096
_SILENT = logging.getLogger("batchvid.callbacks")  # the port is public: what is no HTTP is no news
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
MAX_CHALLENGE_CHARS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a sender may take. A connection ends after `connection_s`, however it is used: vendors open another one."""

    body_bytes: int = 1024 * 1024
    body_s: float = 5.0
    connections: int = 256
    connection_s: float = 20.0


DEFAULT_BOUNDS = Bounds()


@asynccontextmanager
async def serving(
    receiver: CallbackReceiver, settings: CallbackSettings, bounds: Bounds = DEFAULT_BOUNDS
) -> AsyncIterator[int]:
    """Listen for callbacks; yields the port. Raises UsageError if nothing can listen there."""
    loop = asyncio.get_running_loop()
    protocols = web.Server(
        _Handler(receiver, bounds), access_log=None, keepalive_timeout=5.0, lingering_time=0.0, logger=_SILENT
    )

    def connect() -> asyncio.Protocol:
        if len(protocols.connections) >= bounds.connections:
            return _Refusal()
        protocol = protocols()
        loop.call_later(bounds.connection_s, _abort, protocol)
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
    """Answers one callback, then passes it to the receiver."""

    def __init__(self, receiver: CallbackReceiver, bounds: Bounds) -> None:
        self._receiver = receiver
        self._bounds = bounds

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """200 for whatever may be a callback, also for an unknown one: its sender learns nothing."""
        expected = self._receiver.find(request.path.rstrip("/").rpartition("/")[2])
        if expected is None or request.method != "POST":
            return _closing(web.Response())
        try:
            async with asyncio.timeout(self._bounds.body_s):
                body = await _read(request, self._bounds.body_bytes)
        except TimeoutError:
            return _closing(web.Response(status=408))
        if body is None:
            return _closing(web.Response(status=413))
        if challenge := _challenge(body):
            return _closing(web.json_response({"challenge": challenge}))
        response = _closing(web.Response())
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write_eof()
        self._receiver.accept(expected, request.headers, body)
        return response


def _closing(response: web.Response) -> web.Response:
    """An answer after which the connection ends: a body that was not read is not read later either."""
    response.force_close()
    return response


async def _read(request: web.BaseRequest, max_bytes: int) -> bytes | None:
    """The body; None if it is too large, which its announced length may show before a byte is read."""
    if (request.content_length or 0) > max_bytes:
        return None
    pieces, size = list[bytes](), 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > max_bytes:
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
