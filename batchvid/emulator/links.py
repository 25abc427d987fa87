"""Signed links to clips, as a vendor's CDN issues them: unguessable, and valid for a limited time. No HTTP."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Literal

PREFIX = "/_cdn"
_LINK = re.compile(PREFIX + r"/[0-9a-f]+/([^/?]+)\.mp4")
LinkStatus = Literal["good", "forged", "expired", "spent"]


class Links:
    """Creates and checks links. `ttl_s`: seconds until a link expires."""

    def __init__(self, secret: bytes, ttl_s: float) -> None:
        self._secret, self._ttl_s = secret, ttl_s
        self._spent: set[str] = set()

    def make(self, base_url: str, task_id: str, now: float) -> str:
        """Create a new link, different from every other one to the same clip."""
        token, expires = secrets.token_hex(12), f"{now + self._ttl_s:.3f}"
        sig = self._sign(token, task_id, expires)
        return f"{base_url}{PREFIX}/{token}/{task_id}.mp4?expires={expires}&sig={sig}"

    def status(self, token: str, task_id: str, expires: str, sig: str, now: float) -> LinkStatus:
        """Whether the link still opens the clip."""
        if not hmac.compare_digest(sig.encode(), self._sign(token, task_id, expires).encode()):
            return "forged"
        if now >= float(expires):
            return "expired"
        return "spent" if token in self._spent else "good"

    @staticmethod
    def task_id(url: str) -> str:
        """The task of the clip that the link leads to; empty for a foreign link. The signature is not checked."""
        found = _LINK.search(url)
        return found[1] if found else ""

    def spend(self, token: str) -> None:
        """Mark a link that is valid once as used."""
        self._spent.add(token)

    def _sign(self, token: str, task_id: str, expires: str) -> str:
        return hmac.digest(self._secret, f"{token}|{task_id}|{expires}".encode(), "sha256").hex()[:32]
