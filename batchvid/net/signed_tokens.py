"""Tokens that the client signs: JSON Web Tokens with HMAC-SHA256, as Kling documents them for its pair of keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import orjson
from pydantic import SecretStr

from batchvid.catalog.authentication import Authentication
from batchvid.clock import utc_now
from batchvid.known_keys import known_keys

LIFETIME_S = 1800
NOT_BEFORE_S = -5  # for a server whose clock is behind
RENEWED_AFTER = timedelta(seconds=LIFETIME_S - 300)


class SignedToken:
    """A token for a pair of an access key and a secret; a new one is made before it ends."""

    def __init__(
        self, style: Authentication, access_key: str, secret: SecretStr, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._style = style
        self._access_key = access_key
        self._secret = secret
        self._now = now
        self._made_at: datetime | None = None
        self._headers: Mapping[str, str] = {}

    async def headers(self) -> Mapping[str, str]:
        """The header with a token that is valid for some minutes at least."""
        now = self._now()
        if self._made_at is None or not self._made_at <= now < self._made_at + RENEWED_AFTER:  # a clock can be set back
            token = sign(self._access_key, self._secret.get_secret_value(), int(now.timestamp()))
            known_keys.add(token)
            self._headers = {self._style.header: f"{self._style.word} {token}".strip()}
            self._made_at = now
        return self._headers


def sign(access_key: str, secret: str, now_s: int) -> str:
    """A token of this issuer. Kling allows half an hour."""
    claims = {"iss": access_key, "exp": now_s + LIFETIME_S, "nbf": now_s + NOT_BEFORE_S}
    text = b".".join(_base64url(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return b".".join((text, _base64url(hmac.digest(secret.encode(), text, hashlib.sha256)))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
