"""Where a vendor's link may lead: by the very address that is connected to, however it is written or found out."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from batchvid.errors import DownloadError, LinkRefused
from batchvid.net.access import bearer
from batchvid.net.address_filter import is_public, may_fetch
from batchvid.net.transport import Transport
from tests.runner.servers import Served, serving

AFAR = "https://1.1.1.1"  # a provider in the public network; nothing is ever sent to it here
HOME = "http://127.0.0.1"
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("0.0.0.0", "0.1.2.3", "192.0.0.1", "198.18.0.1", "240.0.0.1", "255.255.255.255", "224.0.0.1", "239.1.2.3"),
    *("::1", "::", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::127.0.0.1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::"),
]
LINK_LOCAL = ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%lo", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]
NO_ADDRESS = ["2130706433", "127.1", "0x7f000001", "0177.0.0.1", "localhost", "", "1.1.1.1.1", "01.1.1.1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_always_be_fetched_from(address: str) -> None:
    """Whoever the provider is; an IPv4 address dressed as IPv6 is judged as what it is."""
    for private in (True, False):
        assert may_fetch(address, origin_is_private=private, allow=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_only_from_home(address: str) -> None:
    """A vendor's word must not make this machine ask its own network; a server in that network may name its own."""
    assert not may_fetch(address, origin_is_private=False, allow=False)
    assert may_fetch(address, origin_is_private=True, allow=False)
    assert may_fetch(address, origin_is_private=False, allow=True)


@pytest.mark.parametrize("address", LINK_LOCAL)
def test_where_clouds_keep_their_keys_only_by_leave(address: str) -> None:
    """A server at home may be a gateway that passes a vendor's words on: link-local needs the user's own word."""
    for private in (True, False):
        assert not may_fetch(address, origin_is_private=private, allow=False)
        assert may_fetch(address, origin_is_private=private, allow=True)


@pytest.mark.parametrize("address", NO_ADDRESS)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    """The system reads `2130706433` and `127.1` as loopback: no notation that we do not read alike gets through."""
    for private in (True, False):
        assert not may_fetch(address, origin_is_private=private, allow=False)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_dress(address: ipaddress.IPv4Address) -> None:
    """Mapped, translated or tunnelled: the IPv6 form of an IPv4 address is exactly as public as that is."""
    number = int(address)
    for dressed in (0xFFFF << 32 | number, (0x64FF9B << 96) | number, 0x2002 << 112 | number << 80):
        assert is_public(ipaddress.IPv6Address(dressed)) == is_public(address)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """The client of one run."""
    async with Transport() as opened:
        yield opened


async def clip(_request: web.Request) -> web.Response:
    """Some bytes."""
    return web.Response(body=b"clip", content_type="video/mp4")


async def fetched(transport: Transport, link: str, origin: str, allow_private: bool = False) -> bytes:
    """The body behind a link of a provider at `origin`."""
    async with transport.links.open_link(link, {}, origin=origin, allow_private=allow_private) as reply:
        return await reply.read()


def named(server: Served, host: str) -> str:
    """A signed link to the server under another name."""
    return server.base_url.replace("127.0.0.1", host) + "/a.mp4?Signature=s1gned"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_link_of_a_public_provider_does_not_lead_here(transport: Transport, host: str) -> None:
    """By number or by name: nothing is asked; the message names the host and the word that would allow it."""
    async with serving(clip) as server:
        with pytest.raises(LinkRefused, match=r"which is a private address: .*allow_private_links: true") as raised:
            await fetched(transport, named(server, host), AFAR)
        assert server.asked == []
        assert "s1gned" not in str(raised.value)
        assert await fetched(transport, named(server, host), AFAR, allow_private=True) == b"clip"


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_another_way_of_writing_an_address(transport: Transport, host: str) -> None:
    """Whatever the system would read as 127.0.0.1 leads nowhere either."""
    async with serving(clip) as server:
        with pytest.raises(DownloadError):
            await fetched(transport, named(server, host), AFAR)
        assert server.asked == []


@pytest.mark.parametrize("origin", [HOME, "http://localhost:8000/v1", "http://[::1]:9", "http://10.0.0.7"])
async def test_a_provider_at_home_may_name_its_neighbours(transport: Transport, origin: str) -> None:
    """Who is in a private network itself, by number or by name, serves its clips from there."""
    async with serving(clip) as server:
        assert await fetched(transport, named(server, "localhost"), origin) == b"clip"


async def test_a_provider_that_nobody_knows_is_taken_as_public(transport: Transport) -> None:
    """A name server that does not answer gives no leave."""
    async with serving(clip) as server:
        for origin in ("https://nowhere.invalid", ""):
            with pytest.raises(LinkRefused):
                await fetched(transport, named(server, "127.0.0.1"), origin)
        assert server.asked == []


async def test_a_connection_of_one_provider_is_not_anothers(transport: Transport) -> None:
    """The line to a private host that is still open from a provider at home serves nobody else's link."""
    async with serving(clip) as server:
        link = named(server, "127.0.0.1")
        assert await fetched(transport, link, HOME) == b"clip"
        with pytest.raises(LinkRefused):
            await fetched(transport, link, AFAR)
        assert len(server.asked) == 1


@pytest.mark.parametrize("keyed", [True, False])
async def test_a_redirect_is_held_to_the_same(transport: Transport, keyed: bool) -> None:
    """Also from the provider's own content route: where it sends us is a stranger's word, and gets no key."""

    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})

    async with serving(away) as server:
        if keyed:
            opened = transport.links.open_content(server.base_url, "/v1/videos/t-1/content", bearer("sk-the-key"), {})
        else:
            opened = transport.links.open_link(named(server, "127.0.0.1"), {}, origin=HOME)
        with pytest.raises(LinkRefused, match=r"169\.254\.169\.254"):
            await opened.__aenter__()
        assert len(server.asked) == 1
