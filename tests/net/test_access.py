"""How a provider is reached: each kind of header, tokens, a private CA and a proxy, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from pydantic import SecretStr

from batchvid.catalog import Provider, providers
from batchvid.catalog.authentication import Authentication
from batchvid.domain.wire import Request
from batchvid.errors import DownloadError, NotSent, UsageError
from batchvid.known_keys import known_keys
from batchvid.net.access import Access
from batchvid.net.credentials import Credentials
from batchvid.net.signed_tokens import SignedToken
from batchvid.net.transport import Transport
from tests.runner.servers import Served, serving

POLL = Request(method="GET", path="/v1/videos/t-1")
KEY = "a-long-enough-key-1"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """The client of one run."""
    async with Transport() as opened:
        yield opened


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """The variables of a user."""
    for name, value in {
        "THE_KEY": KEY,
        "ACCESS": "access-key-1234",
        "SECRET": "secret-key-5678",
        "PROXY_USER": "http://me:p%40ss-word-1@127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Credentials()


def own(base_url: str, **row: Any) -> Provider:
    """A provider of the user's own."""
    return providers({"own": {"dialect": "kling", "base_url": base_url, **row}})["own"]


async def fine(_request: web.Request) -> web.Response:
    """A friendly reply."""
    return web.json_response({"id": "t-1"})


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"scheme": "Key"}, "Authorization", f"Key {KEY}"),
        ({"scheme": ""}, "Authorization", KEY),
        ({"header": "x-goog-api-key"}, "x-goog-api-key", KEY),
    ],
)
async def test_the_key_is_sent_as_the_row_states(
    transport: Transport, keys: Credentials, auth: dict[str, str], header: str, value: str
) -> None:
    """To the API, to its content and to own links that refuse; never along a redirect, never to another host."""

    async def guarded(request: web.Request) -> web.Response:
        if request.headers.get(header) != value:
            return web.Response(status=403)
        if request.path.endswith("away"):
            return web.Response(status=302, headers={"Location": cdn.base_url + "/b.mp4"})
        return web.Response(body=b"clip")

    async def on_cdn(request: web.Request) -> web.Response:
        return web.Response(body=b"clip", status=403 if request.headers.get(header) else 200)

    async with serving(on_cdn) as cdn, serving(guarded) as api:
        access = keys.of(own(api.base_url, api_key_env="THE_KEY", auth=auth))
        assert (await transport.send(api.base_url, POLL, access)).status == 200
        for opened in (
            transport.links.open_content(api.base_url, "/content", access, {}),
            transport.links.open_own_link(api.base_url + "/a.mp4", access, {}, origin=api.base_url),
            transport.links.open_content(api.base_url, "/away", access, {}),
            transport.links.open_own_link(cdn.base_url + "/a.mp4", access, {}, origin=api.base_url),
        ):
            async with opened as reply:
                assert (reply.status, await reply.read()) == (200, b"clip")
        wrong = access.with_key("another")
        assert (await transport.send(api.base_url, POLL, wrong)).status == 403
    assert [headers.get(header) for _, _, headers in cdn.asked] == [None, None]
    assert all(header == "Authorization" or "Authorization" not in headers for _, _, headers in api.asked)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, after a check of its signature with the secret."""
    text, _, signature = token.rpartition(".")
    digest = hmac.new(b"secret-key-5678", text.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == signature
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in text.split("."))
    assert head == {"alg": "HS256", "typ": "JWT"}
    return dict(claims)


async def test_a_token_is_signed_and_renewed_before_it_ends(keys: Credentials) -> None:
    """As Kling documents it: issuer, half an hour, five seconds back. It is hidden like a key."""
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    style = Authentication(type="jwt", access_env="ACCESS", secret_env="SECRET")
    signed = SignedToken(style, "access-key-1234", SecretStr("secret-key-5678"), lambda: now)
    first = (await signed.headers())["Authorization"].removeprefix("Bearer ")
    at = int(now.timestamp())
    assert claims_of(first) == {"iss": "access-key-1234", "exp": at + 1800, "nbf": at - 5}
    assert first not in known_keys.hide(f"the vendor repeats {first}")
    now += timedelta(minutes=24)
    assert (await signed.headers())["Authorization"] == f"Bearer {first}"
    now += timedelta(minutes=2)
    later = (await signed.headers())["Authorization"].removeprefix("Bearer ")
    assert claims_of(later)["exp"] == at + 26 * 60 + 1800
    now -= timedelta(hours=1)  # the clock was set back: that token would not be valid yet
    assert claims_of((await signed.headers())["Authorization"].removeprefix("Bearer "))["nbf"] < now.timestamp()


async def test_a_pair_of_keys_is_read_from_its_variables(
    transport: Transport, keys: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing one is named; no repr shows a secret."""
    provider_row = {"auth": {"type": "jwt", "access_env": "ACCESS", "secret_env": "SECRET"}}
    async with serving(fine) as server:
        access = keys.of(own(server.base_url, **provider_row))
        await transport.send(server.base_url, POLL, access)
    assert claims_of((server.keys[0] or "").removeprefix("Bearer "))["iss"] == "access-key-1234"
    assert "secret-key" not in f"{access!r}{access.authenticator!r}"
    monkeypatch.delenv("SECRET")
    with pytest.raises(UsageError, match="needs a key: set SECRET in the environment"):
        Credentials().of(own("https://gw.example.com", **provider_row))


@dataclass
class Tls:
    """A private CA: its file, and the server side of a connection."""

    ca_file: Path
    server: ssl.SSLContext


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """A CA that no system knows."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return Tls(tmp_path / "ca.pem", context)


async def clip(_request: web.Request) -> web.Response:
    """Some bytes."""
    return web.Response(body=b"clip")


async def test_a_private_ca_is_trusted_for_its_provider_only(transport: Transport, keys: Credentials, tls: Tls) -> None:
    """For calls, content, own links and the provider's store; without the setting nothing is sent."""
    async with serving(clip, tls.server) as api, serving(clip, tls.server) as store:
        provider = own(api.base_url, api_key_env="THE_KEY", ca_file=str(tls.ca_file))
        access, without = keys.of(provider), keys.of(own(api.base_url, api_key_env="THE_KEY"))
        with pytest.raises(NotSent, match="certificate verify failed"):
            await transport.send(api.base_url, POLL, without)
        assert (await transport.send(api.base_url, POLL, access)).body == b"clip"
        for opened in (
            transport.links.open_content(api.base_url, "/content", access, {}),
            transport.links.open_own_link(api.base_url + "/a.mp4", access, {}, origin=api.base_url),
            transport.links.open_own_link(store.base_url + "/a.mp4", access, {}, origin=api.base_url),
        ):
            async with opened as reply:
                assert await reply.read() == b"clip"
        for opened in (
            transport.links.open_own_link(api.base_url + "/a.mp4", without, {}, origin=api.base_url),
            transport.links.open_content(api.base_url, "/content", without, {}),
        ):
            with pytest.raises(DownloadError):
                async with opened:
                    pass
    assert len(api.asked) == 3


def test_a_wrong_ca_file_is_named(keys: Credentials, tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "none.pem").write_text("no certificate", "utf-8")
    for name, problem in {"missing.pem": "there is no file", "none.pem": "holds no certificate in PEM form"}.items():
        with pytest.raises(UsageError, match=problem):
            keys.of(own("https://gw.example.com", ca_file=str(tmp_path / name)))


@dataclass
class Proxy:
    """A proxy: its address, and the first lines and the headers of what it was asked."""

    base_url: str
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@asynccontextmanager
async def proxying(status: int = 200) -> AsyncIterator[Proxy]:
    """An HTTP proxy on loopback: CONNECT and absolute addresses, or a refusal with this status."""
    open_ends: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ends.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            raw = await reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode().strip().split("\r\n")
            proxy.asked.append((first, dict(line.split(": ", 1) for line in lines)))
            if status != 200:
                writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                return
            method, target, _ = first.split(" ")
            place = target if method == "CONNECT" else target.removeprefix("http://").partition("/")[0]
            host, _, port = place.partition(":")
            to_reader, to_writer = await asyncio.open_connection(host, int(port))
            open_ends.append(to_writer)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                to_writer.write(raw.replace(f"http://{place}".encode(), b"", 1))
            await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy = Proxy(f"http://{host}:{port}")
    try:
        yield proxy
    finally:
        server.close()
        for writer in open_ends:
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def test_calls_go_through_the_proxy_and_links_elsewhere_do_not(
    transport: Transport, keys: Credentials, tls: Tls
) -> None:
    """A tunnel for https, so that the proxy sees no key; its user is sent to the proxy alone."""
    async with serving(clip, tls.server) as api, serving(clip) as cdn, proxying() as proxy:
        access = keys.of(own(api.base_url, api_key_env="THE_KEY", ca_file=str(tls.ca_file), proxy=proxy.base_url))
        assert (await transport.send(api.base_url, POLL, access)).body == b"clip"
        for url in (api.base_url, cdn.base_url):
            opened = transport.links.open_own_link(url + "/a.mp4", access, {}, origin=api.base_url)
            async with opened as reply:
                assert await reply.read() == b"clip"
    assert {line.split(" ")[:2] == ["CONNECT", api.base_url[8:]] for line, _ in proxy.asked} == {True}
    assert not any("Authorization" in headers for _, headers in proxy.asked)
    assert len(cdn.asked) == 1
    assert len(api.asked) == 2


async def test_the_user_of_a_proxy_is_named_to_the_proxy_only(
    transport: Transport, keys: Credentials, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tunnel and in a plain call; the provider sees its own key."""
    async with serving(fine) as api, serving(fine, tls.server) as safe_api, proxying() as proxy:
        monkeypatch.setenv("PROXY_USER", proxy.base_url.replace("//", "//me:p%40ss-word-1@"))
        row = {"api_key_env": "THE_KEY", "proxy_env": "PROXY_USER", "ca_file": str(tls.ca_file)}
        for base_url in (api.base_url, safe_api.base_url):
            access = Credentials().of(own(base_url, **row))
            assert (await transport.send(base_url, POLL, access)).status == 200
    assert [line.split(" ")[0] for line, _ in proxy.asked] == ["GET", "CONNECT"]
    assert proxy.asked[0][0].startswith(f"GET {api.base_url}/")
    for _, headers in proxy.asked:
        assert base64.b64decode(headers["Proxy-Authorization"].split(" ")[1]) == b"me:p@ss-word-1"
    assert safe_api.keys == [f"Bearer {KEY}"]
    assert "Proxy-Authorization" not in safe_api.asked[0][2]
    assert "ss-word" not in f"{access!r}"
    assert "p@ss-word-1" not in known_keys.hide("the proxy repeats p@ss-word-1")


@pytest.mark.parametrize("status", [407, 502])
async def test_a_proxy_that_opens_no_tunnel_sent_nothing(
    transport: Transport, keys: Credentials, tls: Tls, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paid call is then safe to send again."""
    paid = Request(method="POST", path="/v1/videos", json={})
    async with serving(clip, tls.server) as api, proxying(status) as proxy:
        monkeypatch.setenv("PROXY_USER", proxy.base_url.replace("//", "//me:p%40ss-word-1@"))
        access = Credentials().of(own(api.base_url, ca_file=str(tls.ca_file), proxy_env="PROXY_USER"))
        with pytest.raises(NotSent, match=f"through its proxy: it answers HTTP {status}") as raised:
            await transport.send(api.base_url, paid, access)
    assert "ss-word" not in str(raised.value)
    assert not api.asked
    access = keys.of(own("https://gw.example.com", proxy=proxy.base_url))  # which is gone now
    with pytest.raises(NotSent, match="through its proxy"):
        await transport.send("https://gw.example.com", paid, access)


def test_the_address_of_a_proxy_is_checked_and_not_shown(keys: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the value nor the password."""
    assert keys.of(own("https://gw.example.com", proxy_env="PROXY_USER")).proxy.startswith("http://me:")
    monkeypatch.setenv("PROXY_USER", "me:hidden-word@proxy")
    with pytest.raises(UsageError, match="PROXY_USER must hold an address such as") as raised:
        Credentials().of(own("https://gw.example.com", proxy_env="PROXY_USER"))
    assert "hidden-word" not in str(raised.value)
    with pytest.raises(UsageError, match="set NO_SUCH"):
        Credentials().of(own("https://gw.example.com", proxy_env="NO_SUCH"))


def test_calls_without_a_key_say_so() -> None:
    """A server of the user's own may need none."""
    access = Credentials().of(own("http://127.0.0.1:1"))
    assert not access.has_key
    assert access.is_direct
    assert isinstance(access, Access)
    assert Served("x").keys == []
