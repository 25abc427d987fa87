"""The server that vendors call: what it answers, what it bounds, and that it answers before any work."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from batchvid.catalog import providers
from batchvid.errors import UsageError
from batchvid.net.transport import Transport
from batchvid.runner.callbacks import server
from batchvid.runner.callbacks.addresses import CallbackAddresses, CallbackSettings
from batchvid.runner.callbacks.checks import SignatureCheck
from batchvid.runner.callbacks.receiver import CallbackReceiver
from tests.runner.callbacks.test_signatures import SECRET

BODY = b'{"id": "t-1"}'


@dataclass(kw_only=True)
class Site:
    """A receiver that listens, with what it woke and what it reported."""

    receiver: CallbackReceiver
    base_url: str
    session: aiohttp.ClientSession
    woken: list[str]
    notices: list[str] = field(default_factory=list)

    def url(self, job_id: str = "kite") -> str:
        """The address of a job's first attempt, below whatever path the tunnel has."""
        return f"{self.base_url}/any/path/{self.receiver.addresses.token(job_id, 1)}"

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The answer."""
        async with self.session.post(url, data=io.BytesIO(body), headers=headers) as reply:
            return reply.status, await reply.read()

    async def settle(self) -> None:
        """Wait until nothing is pending."""
        if self.receiver._pending:
            await asyncio.wait(self.receiver._pending)


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """A server that knows the attempt of one job; the parameter holds fields of the provider, and `bounds`."""
    given = dict(getattr(request, "param", {}))
    bounds = given.pop("bounds", server.DEFAULT_BOUNDS)
    row = {"dialect": "ark", "base_url": "http://127.0.0.1:1", **given}
    provider = providers({"own": row})["own"]
    woken, notices = list[str](), list[str]()
    async with Transport() as transport, aiohttp.ClientSession() as session:

        def check_of(_name: str) -> SignatureCheck:
            return SignatureCheck(provider, SECRET if provider.callback_secret_env == "HOOK" else "", transport)

        receiver = CallbackReceiver(CallbackAddresses("http://x", b"secret"), check_of, notices.append)
        receiver.wake = woken.append
        receiver.expect("kite", 1, "own", carried=True)
        settings = CallbackSettings(host="127.0.0.1", port=0, public_url="http://x")
        async with server.serving(receiver, settings, bounds) as port:
            yield Site(
                receiver=receiver, base_url=f"http://127.0.0.1:{port}", session=session, woken=woken, notices=notices
            )


async def test_a_callback_wakes_its_job_and_a_repeated_one_nothing(site: Site) -> None:
    """By its token alone; a burst with one body is one wake-up, and another body another."""
    answers = await asyncio.gather(*(site.post(site.url(), BODY) for _ in range(20)))
    await site.settle()
    assert set(answers) == {(200, b"")}
    assert site.woken == ["kite"]
    await site.post(site.url(), b"anything at all")
    await site.settle()
    assert site.woken == ["kite", "kite"]
    assert site.receiver.counts == {"woke": 2, "repeated": 19}


async def test_an_unknown_token_is_answered_alike(site: Site) -> None:
    """Its sender learns nothing, and its body is not read; nor is what is no POST."""
    for url in (f"{site.base_url}/{'x' * 40}", site.base_url, site.url("other"), site.url()[:-1]):
        assert await site.post(url, BODY * 1000) == (200, b"")
    async with site.session.get(site.url()) as reply:
        assert reply.status == 200
    await site.settle()
    assert not site.woken
    assert site.receiver.counts == {"unknown": 4}


async def test_a_body_is_bounded(site: Site) -> None:
    """By its announced length, and by what arrives in chunks."""
    exact = b"x" * server.DEFAULT_BOUNDS.body_bytes
    assert (await site.post(site.url(), exact))[0] == 200
    assert (await site.post(site.url(), exact + b"x"))[0] == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    try:
        async with site.session.post(site.url(), data=chunks()) as reply:
            assert reply.status == 413
    except aiohttp.ClientError:  # the connection was closed while it was sending
        pass
    await site.settle()
    assert site.woken == ["kite"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"challenge": "c-1"}, {"challenge": "c-1"}),
        ({"challenge": "c-1", "task_id": "t"}, None),
        ({"challenge": 3}, None),
        ({"challenge": "x" * 2000}, None),
    ],
)
async def test_a_challenge_is_echoed_and_wakes_nothing(
    site: Site, body: dict[str, object], answer: dict[str, str] | None
) -> None:
    """As MiniMax sends it; only at a known address."""
    status, text = await site.post(site.url(), json.dumps(body).encode())
    assert (status, json.loads(text) if text else None) == (200, answer)
    assert (await site.post(f"{site.base_url}/unknown", json.dumps(body).encode()))[1] == b""
    await site.settle()
    assert len(site.woken) == (answer is None)


@pytest.mark.parametrize("site", [{"bounds": server.Bounds(connections=5, connection_s=0.3)}], indirect=True)
async def test_slow_senders_hold_nothing_up(site: Site) -> None:
    """Their number and their time are bounded, and a callback still gets in."""
    host, _, port = site.base_url.removeprefix("http://").partition(":")
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(8)]
    for number, (_, writer) in enumerate(slow):
        writer.write(b"POST /x HTTP/1.1\r\nHost" if number % 2 else b"")
    ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in slow), return_exceptions=True), 5)
    assert len(ends) == 8
    for _, writer in slow:
        writer.close()
    assert (await site.post(site.url(), BODY))[0] == 200
    await site.settle()
    assert site.woken == ["kite"]


@pytest.mark.parametrize("site", [{"bounds": server.Bounds(body_s=0.05)}], indirect=True)
async def test_a_body_that_does_not_come_ends(site: Site) -> None:
    """It is waited for a few seconds only."""
    host, _, port = site.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = site.url().removeprefix(site.base_url)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408")
    writer.close()
    assert not site.woken


@pytest.mark.parametrize(
    "site", [{"callback_signature": "standard-webhooks", "callback_secret_env": "HOOK"}], indirect=True
)
async def test_an_invalid_signature_wakes_nothing(site: Site) -> None:
    """It is counted, and reported once."""
    for number in range(3):
        assert (await site.post(site.url(), BODY + b" " * number, {"webhook-id": "m"}))[0] == 200
    await site.settle()
    assert not site.woken
    assert site.receiver.counts == {"invalid": 3}
    assert len(site.notices) == 1
    assert site.notices[0].startswith("a callback for own has no valid signature and is ignored")


@pytest.mark.parametrize("site", [{"callback_signature": "openrouter"}], indirect=True)
async def test_without_a_secret_a_callback_counts_unchecked(site: Site) -> None:
    """It only wakes a poll; what is missing is named once."""
    for body in (b"1", b"2"):
        await site.post(site.url(), body)
    await site.settle()
    assert site.woken == ["kite", "kite"]
    assert site.notices == [
        "callbacks of own are not checked: write callback_secret_env: NAME for providers.own. They only make the task "
        "be polled"
    ]


@pytest.mark.parametrize("site", [{"callback_signature": "fal"}], indirect=True)
async def test_without_the_extra_a_callback_counts_unchecked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs it is named."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    await site.post(site.url(), BODY)
    await site.settle()
    assert site.woken == ["kite"]
    assert site.notices[0].startswith("callbacks of own are not checked: pip install 'batchvid[callbacks]'. They only")


async def test_what_is_no_http_is_no_news(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    """The port is public: nobody who knocks there fills the user's screen."""
    host, _, port = site.base_url.removeprefix("http://").partition(":")
    path = site.url().removeprefix(site.base_url).encode()
    for said in (b"\x16\x03\x01\x00\xff", b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(said)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert (await site.post(site.url(), BODY))[0] == 200
    assert capfd.readouterr() == ("", "")


async def test_only_an_attempt_that_named_its_address_is_waited_for(site: Site) -> None:
    """A job that is bought again elsewhere, without one, is polled as ever; a late call for the first is understood."""
    assert site.receiver.is_expected("kite")
    site.receiver.expect("kite", 2, "other", carried=False)
    assert not site.receiver.is_expected("kite")
    await site.post(site.url(), BODY)
    await site.settle()
    assert site.woken == ["kite"]


async def test_a_port_that_is_taken_is_named(site: Site) -> None:
    """Before anything is bought."""
    port = int(site.base_url.rpartition(":")[2])
    settings = CallbackSettings(host="127.0.0.1", port=port, public_url="http://x")
    with pytest.raises(UsageError, match=f"--listen 127.0.0.1:{port}: nothing can listen there"):
        async with server.serving(site.receiver, settings):
            pass
