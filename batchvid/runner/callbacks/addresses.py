"""Where a run listens, and the address that it gives out for each attempt. Pure, but for the secret.

The last part of an address is a token: the same beginning for the whole batch, which is hidden like a key, and a part
for the attempt. Both are made from the secret of the batch, so that a later run knows the tasks of an earlier one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from batchvid.catalog.hosts import is_private_host
from batchvid.domain.wire import Request
from batchvid.errors import UsageError

SECRET_BYTES = 32
PART_BYTES = 15  # 20 characters of base64 without padding
EXAMPLE = "--listen 127.0.0.1:8788 --public-url https://tunnel.example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """Where a run listens, and the address under which vendors reach it."""

    host: str
    port: int
    public_url: str


def parse_settings(listen: str | None, public_url: str | None) -> CallbackSettings | None:
    """The settings of `--listen` and `--public-url`; None without them. Raises UsageError."""
    if listen is None and public_url is None:
        return None
    if listen is None or public_url is None:
        raise UsageError(f"--listen and --public-url belong together: {EXAMPLE}")
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname or "", parts.port
        if host != "localhost":
            ip_address(host)
        if port is None or f"//{listen}" != parts.geturl() or parts.path or parts.username is not None:
            raise ValueError
    except ValueError:
        raise UsageError(f"--listen: must be an address of this machine and a port, such as {EXAMPLE}") from None
    return CallbackSettings(host=host, port=port, public_url=_checked(public_url))


def _checked(public_url: str) -> str:
    try:
        parts = urlsplit(public_url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and not parts.query
        usable = usable and not parts.fragment and parts.username is None and not any(map(str.isspace, public_url))
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_private_host(parts.hostname or ""))
    except ValueError:
        usable = is_safe = False
    if not usable or not is_safe:
        raise UsageError(f"--public-url: must be the https:// address under which vendors reach --listen: {EXAMPLE}")
    return public_url.rstrip("/")


class CallbackAddresses:
    """The addresses of one batch."""

    def __init__(self, public_url: str, secret: bytes) -> None:
        self._public_url = public_url
        self._secret = secret
        self.beginning = self._part("batch")
        """The beginning of every token: to be hidden in every text."""

    def token(self, job_id: str, attempt: int) -> str:
        """What the address of this attempt ends with."""
        return self.beginning + self._part(f"attempt {attempt} {job_id}")

    def url(self, job_id: str, attempt: int) -> str:
        """The address for this attempt."""
        return f"{self._public_url}/{self.token(job_id, attempt)}"

    def _part(self, name: str) -> str:
        digest = hmac.digest(self._secret, name.encode(), hashlib.sha256)[:PART_BYTES]
        return base64.urlsafe_b64encode(digest).decode()


def is_carried(request: Request, url: str) -> bool:
    """Whether the request sends the address to the vendor, in its body or in its query."""
    return request.carries(url) or url.rpartition("/")[2] in request.path
