"""A loopback proxy between batchvid and the emulator, for faults of the wire that the emulator does not do.

It speaks HTTP/1.1 with one request a connection, and holds each reply whole before it sends it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import urlsplit

from tests.faults.wire_faults import Delivery, Reply, Step, WireFault, json_reply

GAP_S = 0.005  # between two bytes of a drip, or two interim replies
CDN = b"/_cdn/"
INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"
_PROMPT = re.compile(rb"a kite for ([a-z-]+)(?: (\d+))?")
_CLIP = re.compile(rb"/([^/?]+?)(?:\.mp4|/content)?(?:\?.*)?$")
NEEDS_KEY = json_reply(401, {"error": {"message": "the key is missing", "code": "unauthorized"}})


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came by. `subject` is whose it is: the job of a paid call, else the task."""

    step: Step
    subject: str
    at_s: float


@dataclass(frozen=True, slots=True)
class _Request:
    line: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def path(self) -> bytes:
        return self.line.split(b" ")[1]

    @property
    def step(self) -> Step:
        path = self.path.partition(b"?")[0]
        if self.line.startswith(b"POST") and not path.endswith(b":fetchPredictOperation"):
            return "submit"
        return "link" if CDN in path else "content" if path.endswith((b"/content", b":download")) else "poll"

    @property
    def subject(self) -> str:
        found = _PROMPT.search(self.body) if self.step == "submit" else _CLIP.search(self.path)
        return b" ".join(filter(None, found.groups())).decode() if found else ""

    def without(self, *names: bytes) -> _Request:
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=kept)

    def has(self, name: bytes) -> bool:
        return any(known.lower() == name for known, _ in self.headers)


class FaultProxy:
    """The proxy, on a loop and a thread of its own, so that a run may have the test's thread."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._faults: tuple[WireFault, ...] = ()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._has_moved = False
        self.calls: list[Call] = []
        self.base_url = ""
        self.new_url = ""  # its address after a move; until then both answer

    def set_faults(self, *faults: WireFault, has_moved: bool = False) -> None:
        """Put these faults in force, and no others, and forget all calls. After a move the old address is dead."""
        self._faults, self._has_moved = faults, has_moved
        self._counts.clear()
        self.calls.clear()

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        assert self._up.wait(20), "the proxy did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._has_moved and _address(writer) == self.base_url:
                writer.transport.abort()
                return
            task = cast("asyncio.Task[None]", asyncio.current_task())
            connections.add(task)
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await self._answer(await _read_request(reader), reader, writer)
            finally:
                connections.discard(task)
                writer.close()
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await writer.wait_closed()

        servers = [await asyncio.start_server(connected, "127.0.0.1", 0, backlog=256) for _ in range(2)]
        self.base_url, self.new_url = ("http://{}:{}".format(*one.sockets[0].getsockname()) for one in servers)
        self._up.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections)

    async def _answer(self, request: _Request, client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        step, subject = request.step, request.subject
        self.calls.append(Call(step, subject, time.monotonic()))
        fault = self._match(step, subject)
        if CDN in request.path:  # a link may have been decorated
            path = CDN + request.path.partition(CDN)[2]
            request = replace(request, line=request.line.replace(request.path, path))
        if fault is None:
            await _send(writer, await self._forward(request))
            return
        if fault.needs_key and not request.has(b"authorization"):
            await _send(writer, NEEDS_KEY)
            return
        if fault.needs_key:
            request = request.without(b"authorization")
        reply = fault.instead
        if reply is None:
            whole = request.without(b"range", b"if-range")
            for _ in range(fault.copies):
                reply = await self._forward(whole)
        assert reply is not None
        if fault.delivery is Delivery.WHOLE:
            await _send(writer, fault.change(reply))
        else:
            await _trickle(client, writer, fault.change(reply), fault.delivery)

    def _match(self, step: Step, subject: str) -> WireFault | None:
        for number, fault in enumerate(self._faults):
            if fault.step == step:
                self._counts[number, subject] += 1
                if not fault.times or self._counts[number, subject] <= fault.times:
                    return fault
        return None

    async def _forward(self, request: _Request) -> Reply:
        reader, writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            headers = (*request.without(b"connection").headers, (b"Connection", b"close"))
            head = b"\r\n".join((request.line, *(b": ".join(pair) for pair in headers)))
            writer.write(head + b"\r\n\r\n" + request.body)
            return _parse(await reader.read())
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _address(writer: asyncio.StreamWriter) -> str:
    return "http://{}:{}".format(*writer.get_extra_info("sockname"))


async def _read_request(reader: asyncio.StreamReader) -> _Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head[:-4].split(b"\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (one.partition(b":") for one in rest))
    sizes = {name.lower(): value for name, value in headers}
    if sizes.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = await _read_chunks(reader)
        headers = tuple(pair for pair in headers if pair[0].lower() != b"transfer-encoding")
        return _Request(line, (*headers, (b"Content-Length", str(len(body)).encode())), body)
    return _Request(line, headers, await reader.readexactly(int(sizes.get(b"content-length", b"0"))))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(pieces)


def _parse(raw: bytes) -> Reply:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    headers.pop("connection", None)
    headers.pop("content-length", None)
    if headers.pop("transfer-encoding", "") == "chunked":
        pieces = []
        while body and (size := int(body.partition(b"\r\n")[0], 16)):
            body = body.partition(b"\r\n")[2]
            pieces.append(body[:size])
            body = body[size + 2 :]
        body = b"".join(pieces)
    return Reply(int(first.split(" ")[1]), headers, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(_head(reply) + reply.body)
    await writer.drain()


async def _trickle(
    client: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply, delivery: Delivery
) -> None:
    """Sends without silence and without an end, until the client hangs up."""
    head, whole = _head(reply), _head(reply) + reply.body
    at_once = {Delivery.DRIP: len(head), Delivery.DRIP_END: len(whole.rstrip())}.get(delivery, 0)
    if delivery is not Delivery.INTERIM:
        writer.write(whole[:at_once])
    pieces = iter([whole[at : at + 1] for at in range(at_once, len(whole) - 1)])  # the last byte never comes
    while not client.at_eof() and not writer.is_closing():
        writer.write(INTERIM if delivery is Delivery.INTERIM else next(pieces, b""))
        await writer.drain()
        await asyncio.sleep(GAP_S)


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in reply.headers.items())]
    return "\r\n".join((*lines, f"content-length: {len(reply.body)}", "connection: close", "", "")).encode("latin-1")
