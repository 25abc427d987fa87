"""The public keys with which a vendor signs callbacks: fetched when they are needed, and kept for a day."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import orjson

from batchvid.domain.wire import Request
from batchvid.errors import WireError
from batchvid.net.access import ANONYMOUS
from batchvid.net.transport import Transport
from batchvid.runner.callbacks.signatures import SignedText, public_keys

KEPT_S = 24 * 3600.0
MIN_GAP_S = 60.0  # between two fetches, also after a failure: made-up key ids must not become a flood of requests
FETCH_S = 10.0


class KeySet:
    """The key set of one vendor. `now` is a clock in seconds."""

    def __init__(self, url: str, transport: Transport, now: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._request = Request(method="GET", path=parts.path or "/")
        self._transport = transport
        self._now = now
        self._keys: Mapping[str, bytes] = {}
        self._fetched_at = -math.inf
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def verify(self, signed: SignedText) -> bool | None:
        """Whether one of the vendor's keys made the signature; None if no key is known."""
        if self._is_signed(signed):
            return True
        async with self._fetching:
            if not self._is_signed(signed) and (self._tried_at is None or self._tried_at + MIN_GAP_S <= self._now()):
                await self._fetch()
        return self._is_signed(signed) if self._current else None

    @property
    def _current(self) -> Mapping[str, bytes]:
        """The keys, unless they are too old."""
        return self._keys if self._fetched_at + KEPT_S > self._now() else {}

    def _is_signed(self, signed: SignedText) -> bool:
        keys = self._current
        offered = keys.values() if not signed.key_id else [keys[signed.key_id]] if signed.key_id in keys else []
        return any(is_made_by(key, signed) for key in offered)

    async def _fetch(self) -> None:
        self._tried_at = self._now()
        try:
            reply = await self._transport.send(
                self._origin, self._request, ANONYMOUS, read_timeout_s=FETCH_S, total_timeout_s=FETCH_S
            )
            keys = public_keys(orjson.loads(reply.body)) if reply.status == 200 else {}
        except (WireError, orjson.JSONDecodeError):
            return
        if keys:
            self._keys, self._fetched_at = keys, self._now()


def is_made_by(key: bytes, signed: SignedText) -> bool:
    """Whether the owner of this Ed25519 key made the signature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signed.signature, signed.text)
    except (InvalidSignature, ValueError):
        return False
    return True
