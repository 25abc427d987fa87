"""The one socket: which fault means that nothing was sent and which that it may have been, and where the key goes."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import pytest
from aiohttp import web

from batchvid.domain.wire import MAX_REPLY_BYTES, Part, Request
from batchvid.errors import NotSent, ReplyCut, ReplyLost, ReplyTooLarge
from batchvid.net.access import ANONYMOUS, bearer
from batchvid.net.transport import Transport
from tests.runner.servers import closed_port, read_request, resets, says, serving, talking

KEY = "sk-the-key"
ACCESS = bearer(KEY)
SUBMIT = Request(method="POST", path="/v1/videos", json={"model": "veo3", "prompt": "一只风筝"})
POLL = Request(method="GET", path="/v1/videos/t%2F%41")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """The client of one run."""
    async with Transport() as opened:
        yield opened


async def fine(_request: web.Request) -> web.Response:
    """A friendly reply."""
    return web.json_response({"id": "t-1"}, headers={"X-Request-Id": "r-1", "Set-Cookie": "a=b"})


async def test_a_reply_is_read_whole(transport: Transport) -> None:
    """Status, body, and headers, which are found under lower-case names however they are spelled."""
    async with serving(fine) as server:
        reply = await transport.send(server.base_url, SUBMIT, ACCESS)
    assert (reply.status, orjson.loads(reply.body), reply.headers["x-request-id"]) == (200, {"id": "t-1"}, "r-1")
    assert reply.headers["X-Request-Id"] == "r-1"


async def test_what_is_sent_is_what_the_dialect_said(transport: Transport) -> None:
    """Path and query as encoded, JSON in UTF-8, the dialect's own headers, the key as a bearer."""
    bodies: list[bytes] = []

    async def note(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return await fine(request)

    request = Request(method="POST", path="/v1/x%2Fy%41?a=%2B%20b", headers={"X-Version": "2024"}, json=SUBMIT.json)
    async with serving(note) as server:
        for _ in range(2):
            await transport.send(server.base_url + "/kling", request, ACCESS)
        await transport.send(server.base_url, POLL, ANONYMOUS)
    assert [(method, path) for method, path, _ in server.asked] == [
        *[("POST", "/kling/v1/x%2Fy%41?a=%2B%20b")] * 2,
        ("GET", "/v1/videos/t%2F%41"),
    ]
    headers = server.asked[0][2]
    assert (headers["X-Version"], headers["Content-Type"]) == ("2024", "application/json")
    assert [asked.get("x-litellm-num-retries") for _, _, asked in server.asked] == ["0", "0", None]
    assert headers["User-Agent"].startswith("batchvid/")
    assert server.keys == [f"Bearer {KEY}", f"Bearer {KEY}", None]
    assert orjson.loads(bodies[0]) == SUBMIT.json


async def test_a_cookie_is_never_kept(transport: Transport) -> None:
    """A gateway's session must not tie one job to another: each call stands alone."""
    async with serving(fine) as server:
        named = server.base_url.replace("127.0.0.1", "localhost")  # a jar keeps nothing for a bare address
        for request in (SUBMIT, SUBMIT, POLL, POLL):
            assert "set-cookie" in (await transport.send(named, request, ACCESS)).headers
    assert [headers.get("Cookie") for _, _, headers in server.asked] == [None] * 4


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
@pytest.mark.pitfall("raise_for_status loses the vendor's message")
async def test_a_refusal_is_a_reply(transport: Transport, status: int) -> None:
    """What the server says of a request is for the dialect to read, whatever the status."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=b"{}", headers={"Retry-After": "7"})

    async with serving(refuse) as server:
        reply = await transport.send(server.base_url, SUBMIT, ACCESS)
    assert (reply.status, reply.body) == (status, b"{}")
    assert reply.headers["retry-after"] == "7"


@pytest.mark.pitfall("an API call follows a redirect")
async def test_a_redirect_is_not_followed(transport: Transport) -> None:
    """A paid call is never sent on by somebody else's word, and the key never goes along."""
    async with serving(fine) as other:

        async def away(_request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": other.base_url + "/v1/videos"})

        async with serving(away) as server:
            for request in (SUBMIT, POLL):
                reply = await transport.send(server.base_url, request, ACCESS)
                assert (reply.status, reply.headers["location"]) == (307, other.base_url + "/v1/videos")
    assert other.asked == []


@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.pitfall("a form without a file is sent urlencoded")
async def test_a_form_is_multipart_and_keeps_its_order(transport: Transport, with_file: bool) -> None:
    """Also a form without a file goes out as multipart; its fields come in the order in which they were said."""
    found: list[tuple[str | None, str | None, bytes]] = []
    types: list[str] = []

    async def note(request: web.Request) -> web.Response:
        types.append(request.content_type)
        reader: Any = await request.multipart()
        async for part in reader:
            found.append((part.name, part.filename, bytes(await part.read())))
            types.append(part.headers.get("Content-Type", ""))
        return web.json_response({})

    parts = [Part(name="prompt", value="一只风筝".encode()), Part(name="model", value=b"sora-2")]
    if with_file:
        parts.insert(1, Part(name="input_reference", value=b"\x89PNG", filename="kite.png", content_type="image/png"))
    async with serving(note) as server:
        await transport.send(server.base_url, Request(method="POST", path="/v1/videos", parts=tuple(parts)), ACCESS)
    assert types[0] == "multipart/form-data"
    assert [(name, data) for name, _, data in found] == [(part.name, part.value) for part in parts]
    if with_file:
        assert found[1][1] == "kite.png"
        assert types[2] == "image/png"


@pytest.mark.parametrize("request_", [SUBMIT, POLL], ids=["submit", "poll"])
async def test_where_nobody_listens_nothing_was_sent(transport: Transport, request_: Request) -> None:
    """A refused connection may be tried again."""
    with pytest.raises(NotSent, match="no connection to http://127"):
        await transport.send(f"http://127.0.0.1:{closed_port()}", request_, ACCESS)


async def test_where_there_is_no_tls_nothing_was_sent(transport: Transport) -> None:
    """The handshake comes before the request: if it fails, no byte of the order has left."""
    heard = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with talking(plain) as address:
        with pytest.raises(NotSent):
            await transport.send(f"https://{address}", SUBMIT, ACCESS)
    assert heard
    assert KEY.encode() not in heard[0]


async def test_a_handshake_that_is_hung_up_on_sent_nothing(transport: Transport) -> None:
    """Also a server that closes in the middle of the handshake has seen no order."""

    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(100)

    async with talking(hang_up) as address:
        with pytest.raises(NotSent):
            await transport.send(f"https://{address}", SUBMIT, ACCESS)


@pytest.mark.parametrize("url", ["no-scheme.example", ""])
async def test_an_address_that_is_none_was_sent_nothing(transport: Transport, url: str) -> None:
    """A base URL that cannot be called makes no uncertain purchase."""
    with pytest.raises(NotSent):
        await transport.send(url, SUBMIT, ACCESS)


LOST = {
    "nothing at all": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": OK + b'Content-Length: 100\r\n\r\n{"id": "t-',
    "half a chunk": OK + b'Transfer-Encoding: chunked\r\n\r\n64\r\n{"id": "t-',
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "no HTTP": b"220 mail.example ESMTP ready\r\n\r\n",
    "binary": b"\x16\x03\x01\x00\x02\x02\x28" * 10,
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
async def test_a_reply_that_cannot_be_had_is_lost(transport: Transport, reply: bytes) -> None:
    """The order went out and no verdict came back: it may have been acted on."""
    async with talking(says(reply)) as address:
        for request in (SUBMIT, POLL):
            with pytest.raises(ReplyLost):
                await transport.send(f"http://{address}", request, ACCESS)


async def test_a_reply_that_is_cut_off_keeps_what_came(transport: Transport) -> None:
    """It may hold the id of a task that is paid for."""
    async with talking(says(OK + b'Content-Length: 100\r\n\r\n{"id": "t-1", "sta')) as address:
        with pytest.raises(ReplyCut, match="cut off") as raised:
            await transport.send(f"http://{address}", SUBMIT, ACCESS)
    assert (raised.value.status, raised.value.body) == (200, b'{"id": "t-1", "sta')


async def test_a_reply_knows_when_it_was_received(transport: Transport) -> None:
    """A date in `Retry-After` needs a clock."""
    async with serving(fine) as server:
        reply = await transport.send(server.base_url, SUBMIT, ACCESS)
    assert reply.received_at is not None
    assert abs((datetime.now(UTC) - reply.received_at).total_seconds()) < 60


async def test_a_reset_after_the_body_is_lost(transport: Transport) -> None:
    """The server had the whole order before the line broke."""
    async with talking(resets) as address:
        with pytest.raises(ReplyLost, match="no reply from"):
            await transport.send(f"http://{address}", SUBMIT, ACCESS)


@pytest.mark.parametrize("end", [says(b""), resets], ids=["closed", "reset"])
@pytest.mark.pitfall("a submit that ends in a 5xx is sent again")
async def test_an_order_is_never_sent_twice(transport: Transport, end: Any) -> None:
    """A connection that was kept open and dies under the next order: lost, and not repeated behind our back."""
    orders = []

    async def once_kindly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        orders.append(await read_request(reader))
        writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()
        await end(reader, writer)
        orders.append(b"a second one on the same connection")

    async with talking(once_kindly) as address:
        await transport.send(f"http://{address}", SUBMIT, ACCESS)
        with pytest.raises(ReplyLost):
            await transport.send(f"http://{address}", SUBMIT, ACCESS)
    assert len(orders) == 2


async def test_an_endless_reply_is_cut_off(transport: Transport) -> None:
    """More than any honest reply holds: reading stops there, and the order counts as lost."""
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(200):
            await reply.write(bytes(1024 * 1024))
            sent += 1024 * 1024
        return reply

    async with serving(flood) as server:
        with pytest.raises(ReplyTooLarge, match="larger than") as raised:
            await transport.send(server.base_url, SUBMIT, ACCESS)
    assert isinstance(raised.value, ReplyLost)
    assert MAX_REPLY_BYTES < sent + 4 * 1024 * 1024 < 3 * MAX_REPLY_BYTES


async def test_a_compressed_reply_is_read(transport: Transport) -> None:
    """JSON may come packed."""
    body = gzip.compress(b'{"id": "t-1"}', mtime=0)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    async with talking(says(head + body)) as address:
        assert (await transport.send(f"http://{address}", POLL, ACCESS)).body == b'{"id": "t-1"}'


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "none"])
async def test_a_wrong_content_encoding_hides_no_body(transport: Transport, encoding: str) -> None:
    """The body may name a task that is paid for; its first bytes tell whether it is compressed."""
    plain = b'{"id": "t-1"}'
    for body in (plain, gzip.compress(plain, mtime=0)):
        head = OK + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        async with talking(says(head + body)) as address:
            assert (await transport.send(f"http://{address}", SUBMIT, ACCESS)).body == plain


async def test_a_reply_that_drips_keeps_what_came(transport: Transport) -> None:
    """The time limit ends it; the part that came may name a task."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b'Content-Length: 10000\r\n\r\n{"id": "t-1", "x": "')
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with talking(drip) as address:
        with pytest.raises(ReplyCut, match="no complete reply") as raised:
            await transport.send(f"http://{address}", SUBMIT, ACCESS, total_timeout_s=0.2)
    assert raised.value.body.startswith(b'{"id": "t-1", "x": "')


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443, 0, 0)], ids=["IPv4", "IPv6"])
def test_no_test_reaches_beyond_this_machine(address: tuple[Any, ...]) -> None:
    """A connection to anywhere but loopback is refused before it is tried."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as outward, pytest.raises(PermissionError, match="only loopback"):
        outward.connect(address)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, piece: bytes) -> None:
    await read_request(reader)
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "1xx": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "slow header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("drip", DRIPS)
async def test_a_reply_that_drips_is_lost(transport: Transport, drip: str, method: Literal["GET", "POST"]) -> None:
    """Each piece comes in time, and the whole never does: the total limit ends the call, and it may have bought."""
    async with talking(lambda reader, writer: _drip(reader, writer, *DRIPS[drip])) as address:
        with pytest.raises(ReplyLost, match=r"no complete reply from .* within 0 s"):
            await transport.send(f"http://{address}", Request(method=method, path="/"), ACCESS, total_timeout_s=0.2)


async def test_open_calls_can_be_shortened(transport: Transport) -> None:
    """As Ctrl-C does: an open call ends soon and is lost; one that was not sent yet is not sent."""
    async with talking(lambda reader, writer: _drip(reader, writer, *DRIPS["body"])) as address:
        call = asyncio.create_task(transport.send(f"http://{address}", Request(method="POST", path="/"), ACCESS))
        await asyncio.sleep(0.05)
        transport.shorten_calls(0.05)
        with pytest.raises(ReplyLost):
            await call
        with pytest.raises(NotSent, match="interrupted"):
            await transport.send(f"http://{address}", Request(method="POST", path="/"), ACCESS)


async def test_a_reply_is_read_as_it_came(transport: Transport) -> None:
    """A reply that quotes the key is not changed, because an id may hold it; the writers hide it (test_secrets.py)."""
    key = "gw_live_0123456789"

    async def quote(_request: web.Request) -> web.Response:
        return web.json_response(f"bad key {key}", status=401)

    async with serving(quote) as server:
        reply = await transport.send(server.base_url, Request(method="GET", path="/"), bearer(key))
    assert (reply.status, reply.body) == (401, b'"bad key gw_live_0123456789"')
