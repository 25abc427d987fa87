"""Where the key goes: to the provider's own scheme, host and port, after a refusal; never elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from batchvid.domain.wire import Asset
from batchvid.errors import LinkDead
from batchvid.net.link_client import is_own_link
from tests.builders import MakeClip
from tests.runner.downloads.downloader_harness import open_harness, ready
from tests.runner.downloads.fetch_harness import KEY, Net
from tests.runner.servers import Served, serving

BEARER = f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("link", "origin", "own"),
    [
        ("https://api.example/a.mp4", "https://api.example/v1", True),
        ("https://api.example:443/a.mp4", "https://api.example", True),
        ("https://API.example/a.mp4", "https://api.example", True),
        ("http://api.example/a.mp4", "https://api.example", False),
        ("https://api.example:8443/a.mp4", "https://api.example", False),
        ("https://cdn.api.example/a.mp4", "https://api.example", False),
        ("https://api.example.evil/a.mp4", "https://api.example", False),
        ("https://api.example@evil.example/a.mp4", "https://api.example", False),
        ("https://user:pw@api.example/a.mp4", "https://api.example", False),
        ("https://api.example\\@evil.example/", "https://api.example", False),
        ("no link", "https://api.example", False),
    ],
)
def test_own_means_scheme_host_and_port(link: str, origin: str, own: bool) -> None:
    assert is_own_link(link, origin) is own


class KeyedHost:
    """Serves the clip to whoever has the key, 401 or 403 to others; `moves_to` redirects those with the key."""

    def __init__(self, data: bytes, refusal: int = 401) -> None:
        self.data, self.refusal, self.moves_to = data, refusal, ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != BEARER:
            return web.json_response({"error": "no key"}, status=self.refusal)
        if self.moves_to:
            return web.Response(status=302, headers={"Location": self.moves_to})
        return web.Response(body=self.data)


async def refuse(request: web.Request) -> web.StreamResponse:
    """Another host that wants a key, too."""
    return web.Response(status=401)


def keys_and_paths(server: Served) -> list[tuple[str | None, str]]:
    """What was asked with which key."""
    return [(headers.get("Authorization"), path) for _, path, headers in server.asked]


@pytest.mark.parametrize("refusal", [401, 403])
async def test_a_link_on_the_own_origin(net: Net, clips: MakeClip, refusal: int) -> None:
    async with serving(KeyedHost(clips().read_bytes(), refusal).answer) as server:
        await net.catch(f"{server.base_url}/d/1.mp4", base_url=f"{server.base_url}/v1")
        assert keys_and_paths(server) == [(None, "/d/1.mp4"), (BEARER, "/d/1.mp4")]


async def test_the_user_may_forbid_it(net: Net, clips: MakeClip) -> None:
    async with serving(KeyedHost(clips().read_bytes()).answer) as server:
        with pytest.raises(LinkDead, match="401"):
            await net.catch(f"{server.base_url}/1.mp4", base_url=server.base_url, send_key_to_own_links=False)
        assert server.keys == [None]


async def test_another_port_never_gets_it(net: Net) -> None:
    async with serving(refuse) as own, serving(refuse) as other:
        with pytest.raises(LinkDead, match="401"):
            await net.catch(f"{other.base_url}/1.mp4", base_url=own.base_url)
        assert (other.keys, own.keys) == ([None], [])


async def test_it_does_not_cross_a_redirect(net: Net, clips: MakeClip) -> None:
    """The own server sends the request with the key elsewhere: the key stays."""
    host = KeyedHost(clips().read_bytes())
    async with serving(host.answer) as own, serving(refuse) as other:
        host.moves_to = f"{other.base_url}/moved.mp4"
        with pytest.raises(LinkDead, match="401"):
            await net.catch(f"{own.base_url}/1.mp4", base_url=own.base_url)
        assert other.keys == [None]


async def test_a_redirect_of_the_anonymous_request(net: Net) -> None:
    """A link on the own server leads to another one, which refuses it: the key does not go there."""

    async def moves(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{other.base_url}/moved.mp4"})

    async with serving(refuse) as other, serving(moves) as own:
        with pytest.raises(LinkDead, match="401"):
            await net.catch(f"{own.base_url}/1.mp4", base_url=own.base_url)
        assert set(other.keys) == {None}


@pytest.mark.parametrize("known", ["/v1/videos/t-1/content", "/gateway/v1/videos/t-1/content"])
async def test_a_path_that_the_vendor_named(net: Net, clips: MakeClip, known: str) -> None:
    """It begins at the origin; if that does not know it, below the base URL. The key is sent on request only."""
    host = KeyedHost(clips().read_bytes())

    async def answer(request: web.Request) -> web.StreamResponse:
        return await host.answer(request) if request.path == known else web.Response(status=404)

    async with serving(answer) as server:
        path = Asset(location="/v1/videos/t-1/content", keyed=True, from_origin=True)
        await net.catch("", asset=path, base_url=f"{server.base_url}/gateway")
        tried = [path for _, path in keys_and_paths(server)]
        assert tried[-2:] == [known, known]
        assert tried[0] == "/v1/videos/t-1/content"
        assert server.keys[-1] == BEARER


async def test_the_provider_decides(tmp_path: Path, clips: MakeClip) -> None:
    """`send_key_to_own_links: false` of the manifest reaches the request: the clip stays ready."""
    async with (
        serving(KeyedHost(clips().read_bytes()).answer) as server,
        open_harness(
            tmp_path, ready("kite"), base_url=server.base_url, patience_s=0.0, send_key_to_own_links=False
        ) as at_work,
    ):
        await at_work.fetch({"kite": (f"{server.base_url}/1.mp4",)})
        assert set(server.keys) == {None}
        assert "the link answers 401" in at_work.notices[-1]
