"""Key sets: fetched when they are needed, kept for a day, and at most once a minute."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batchvid.net.transport import Transport
from batchvid.runner.callbacks.key_sets import KEPT_S, MIN_GAP_S, KeySet
from batchvid.runner.callbacks.signatures import SignedText
from tests.runner.callbacks.test_signatures import PAIR, PUBLIC
from tests.runner.servers import Served, serving

TEXT = b"a text"


@dataclass(kw_only=True)
class Vendor:
    """A vendor's key set, the client's view of it, and a clock."""

    keys: KeySet
    served: Served
    rows: list[dict[str, Any]]
    now: float = 1000.0
    status: int = 200

    @property
    def fetches(self) -> int:
        """How often the set was fetched."""
        return len(self.served.asked)

    async def verify(self, key_id: str = "", signature: bytes | None = None) -> bool | None:
        """The verdict on a signature of the vendor's."""
        signed = PAIR.sign(TEXT) if signature is None else signature
        return await self.keys.verify(SignedText(text=TEXT, signature=signed, key_id=key_id))


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """A vendor on loopback with one key."""
    x = base64.urlsafe_b64encode(PUBLIC).decode()

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"keys": found.rows}, status=found.status)

    async with serving(answer) as served, Transport() as transport:
        keys = KeySet(f"{served.base_url}/.well-known/jwks.json", transport, lambda: found.now)
        rows = [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x}]
        found = Vendor(keys=keys, served=served, rows=rows)
        yield found


async def test_a_set_is_fetched_once_and_again_after_a_day() -> None:
    """By the address as it is."""
    async with vendor() as at:
        for key_id in ("k1", "", "k1"):
            assert await at.verify(key_id) is True
        assert [path for _, path, _ in at.served.asked] == ["/.well-known/jwks.json"]
        at.now += KEPT_S
        assert await at.verify("k1") is True
        assert at.fetches == 2


async def test_made_up_key_ids_fetch_at_most_once_a_minute() -> None:
    """A flood of them is no flood of requests; a new key is found after that minute."""
    async with vendor() as at:
        for number in range(20):
            assert await at.verify(f"made-up-{number}") is False
        assert await at.verify(signature=b"x" * 64) is False
        assert at.fetches == 1
        at.rows.append({**at.rows[0], "kid": "k2"})
        at.now += MIN_GAP_S - 1
        assert await at.verify("k2") is False
        at.now += 1
        assert await at.verify("k2") is True
        assert at.fetches == 2


async def test_a_failure_is_remembered_for_a_minute() -> None:
    """Without a key nothing can be checked, which is no verdict; known keys stay."""
    async with vendor() as at:
        at.status = 503
        assert [await at.verify("k1") for _ in range(5)] == [None] * 5
        assert at.fetches == 1
        at.status = 200
        at.now += MIN_GAP_S
        assert await at.verify("k1") is True
        at.status, at.now = 503, at.now + MIN_GAP_S
        assert await at.verify("k2") is False
        assert await at.verify("k1") is True
        assert at.fetches == 3
