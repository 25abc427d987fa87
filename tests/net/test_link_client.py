"""Downloads: links are opened without a key, API paths with it, and a redirect never carries it anywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from batchvid.errors import BadMedia, DownloadError, StorageError
from batchvid.net.access import bearer
from batchvid.net.transport import Transport
from tests.runner.servers import Handler, closed_port, resets, says, serving, talking

KEY = "sk-the-key"
ACCESS = bearer(KEY)
LOOPBACK = "http://127.0.0.1"  # a provider at home, whose links may stay there
PATH = "/v1/videos/t-1/content"
SIGNED = "/clips/a%2Fb.mp4?X-Credential=AK%2F2026&X-Signature=a%2Bb%3D%3d&Expires=9"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """The client of one run."""
    async with Transport() as opened:
        yield opened


async def clip(_request: web.Request) -> web.Response:
    """Some bytes."""
    return web.Response(body=b"clip", content_type="video/mp4")


def redirecting(location: str, status: int = 302) -> Handler:
    """A server that sends everybody elsewhere."""

    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    return away


async def read(opened: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> tuple[int, bytes]:
    """Status and body."""
    async with opened as reply:
        return reply.status, await reply.read()


async def test_a_link_is_opened_without_a_key(transport: Transport) -> None:
    """Byte for byte as it was signed, with the wanted headers, and unpacked bodies only."""
    async with serving(clip) as server:
        opened = transport.links.open_link(server.base_url + SIGNED, {"Range": "bytes=3-"}, origin=LOOPBACK)
        assert await read(opened) == (200, b"clip")
    ((method, path, headers),) = server.asked
    assert (method, path) == ("GET", SIGNED)
    assert (headers["Range"], headers["Accept-Encoding"]) == ("bytes=3-", "identity")
    assert server.keys == [None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_link_may_lead_to_another_host(transport: Transport, status: int) -> None:
    """CDNs pass on; nobody on the way sees a key or a cookie, and each gets the wanted range."""
    async with serving(clip) as cdn, serving(redirecting(cdn.base_url + "/b.mp4", status)) as first:
        opened = transport.links.open_link(first.base_url + "/a.mp4", {"Range": "bytes=3-"}, origin=LOOPBACK)
        assert await read(opened) == (200, b"clip")
    assert first.keys == cdn.keys == [None]
    assert cdn.asked[0][2]["Range"] == "bytes=3-"


async def test_content_is_opened_with_the_key(transport: Transport) -> None:
    """The provider's own path needs it."""
    async with serving(clip) as server:
        assert await read(transport.links.open_content(server.base_url + "/kling", PATH, ACCESS, {})) == (200, b"clip")
    assert [path for _, path, _ in server.asked] == ["/kling" + PATH]
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_key_never_leaves_its_host(transport: Transport, status: int) -> None:
    """A content path that leads to another host is followed there without the key, and on from there too."""
    async with (
        serving(clip) as last,
        serving(redirecting(last.base_url + "/c.mp4")) as cdn,
        serving(redirecting(cdn.base_url + "/b.mp4", status)) as api,
    ):
        opened = transport.links.open_content(api.base_url, PATH, ACCESS, {"Range": "bytes=3-"})
        assert await read(opened) == (200, b"clip")
    assert (api.keys, cdn.keys, last.keys) == ([f"Bearer {KEY}"], [None], [None])
    assert last.asked[0][2]["Range"] == "bytes=3-"


async def test_a_redirect_may_be_relative(transport: Transport) -> None:
    """Such a Location is read against the path that gave it."""

    async def both(request: web.Request) -> web.StreamResponse:
        return await (clip if request.path.endswith("/file") else redirecting("../t-1/file"))(request)

    async with serving(both) as server:
        assert await read(transport.links.open_content(server.base_url, PATH, ACCESS, {})) == (200, b"clip")
    assert [path for _, path, _ in server.asked] == [PATH, "/v1/videos/t-1/file"]
    assert server.keys == [f"Bearer {KEY}", None]


@pytest.mark.parametrize("status", [304, 403, 404, 416, 500])
async def test_what_the_server_says_is_passed_on(transport: Transport, status: int) -> None:
    """Whether a link is dead or a range unknown is for the catcher to read."""

    async def no(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(no) as server:
        assert (await read(transport.links.open_link(server.base_url + "/a.mp4", {}, origin=LOOPBACK)))[0] == status
        assert (await read(transport.links.open_content(server.base_url, PATH, ACCESS, {})))[0] == status


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
BROKEN: Mapping[str, Any] = {
    "closed": says(b""),
    "reset": resets,
    "cut short": says(HEAD + b"Content-Length: 100\r\n\r\nclip"),
    "cut chunk": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\nclip"),
    "no HTTP": says(b"what?\r\n\r\n"),
}


@pytest.mark.parametrize("talk", BROKEN.values(), ids=BROKEN)
async def test_a_download_that_breaks_off_is_told(transport: Transport, talk: Any) -> None:
    """Before the first byte or after it: a DownloadError, for it may be tried again; host and kind, never the link."""
    async with talking(talk) as address:
        for opened in (
            transport.links.open_link(f"http://{address}{SIGNED}", {}, origin=LOOPBACK),
            transport.links.open_content(f"http://{address}", PATH, ACCESS, {}),
        ):
            with pytest.raises(DownloadError) as raised:
                await read(opened)
            assert re.fullmatch(r"the download from 127\.0\.0\.1 broke off: \w+", str(raised.value))


async def test_a_host_that_is_down_is_told(transport: Transport) -> None:
    """So is one that nobody answers at, also behind a redirect."""
    port = closed_port()
    with pytest.raises(DownloadError):
        await read(transport.links.open_link(f"http://127.0.0.1:{port}/a.mp4", {}, origin=LOOPBACK))
    async with serving(redirecting(f"http://127.0.0.1:{port}/b.mp4")) as server:
        with pytest.raises(DownloadError):
            await read(transport.links.open_content(server.base_url, PATH, ACCESS, {}))


async def test_a_circle_of_redirects_has_an_end(transport: Transport) -> None:
    """After a few steps it is given up."""
    async with serving(redirecting("/again.mp4")) as server:
        with pytest.raises(DownloadError):
            await read(transport.links.open_link(server.base_url + "/a.mp4", {}, origin=LOOPBACK))
    assert len(server.asked) < 10


@pytest.mark.parametrize("to", ["", "ftp://127.0.0.1"], ids=["circle", "ftp"])
async def test_no_signed_link_stands_in_a_message(transport: Transport, to: str) -> None:
    """aiohttp quotes the address it was led to; whoever reads run.log must not be able to fetch the clip."""
    async with serving(redirecting(to + "/again.mp4?Signature=s1gned")) as server:
        for opened in (
            transport.links.open_link(server.base_url + "/a.mp4?Signature=s1gned", {}, origin=LOOPBACK),
            transport.links.open_content(server.base_url, PATH, ACCESS, {}),
        ):
            with pytest.raises(DownloadError, match=r"from 127\.0\.0\.1 broke off") as raised:
                await read(opened)
            assert "s1gned" not in str(raised.value)


@pytest.mark.parametrize("keyed", [True, False])
async def test_a_redirect_keeps_the_link_as_signed(transport: Transport, keyed: bool) -> None:
    """A signed address is only good letter by letter: no escape of it is written otherwise on the way."""
    signed = "/clips/a%2Fb.mp4?X-Credential=AK%2F2026&sig=a%2Bb%3D%41"
    async with serving(clip) as cdn, serving(redirecting(cdn.base_url + signed)) as first:
        if keyed:
            opened = transport.links.open_content(first.base_url, PATH, ACCESS, {})
        else:
            opened = transport.links.open_link(first.base_url + "/a.mp4", {}, origin=LOOPBACK)
        assert await read(opened) == (200, b"clip")
    assert [path for _, path, _ in cdn.asked] == [signed]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/a.mp4", "file:///etc/passwd", "http://"])
async def test_a_redirect_to_something_else_is_not_followed(transport: Transport, location: str) -> None:
    """Only http and https are ever opened, whatever a server names."""
    async with serving(redirecting(location)) as server:
        with pytest.raises(DownloadError):
            await read(transport.links.open_link(server.base_url + "/a.mp4", {}, origin=LOOPBACK))
        with pytest.raises(DownloadError):
            await read(transport.links.open_content(server.base_url, PATH, ACCESS, {}))


@pytest.mark.parametrize("own", [BadMedia("not it"), StorageError("no room")])
async def test_our_own_errors_pass_through(transport: Transport, own: Exception) -> None:
    """What the reader of a download finds out is not taken for a fault of the line."""
    async with serving(clip) as server:
        with pytest.raises(type(own), match=str(own)):
            async with transport.links.open_link(server.base_url + "/a.mp4", {}, origin=LOOPBACK):
                raise own


async def test_a_redirect_to_an_address_that_is_none(transport: Transport) -> None:
    """A Location that cannot be an address ends this download, not the run, and is not quoted."""

    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:bad/again.mp4?Signature=s1gned"})

    async with serving(away) as server:
        with pytest.raises(DownloadError, match="an invalid address") as raised:
            async with transport.links.open_content(server.base_url, "/c", ACCESS, {}):
                pass
    assert "s1gned" not in str(raised.value)
