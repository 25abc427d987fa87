"""How a provider's API is reached: the headers that authenticate a call, its private CA, its proxy. Sends nothing.

No other code knows how a provider authenticates. All of it is for the provider's own origin only.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

from yarl import URL

from batchvid.catalog.authentication import Authentication

_NONE: Mapping[str, str] = MappingProxyType({})


class Authenticator(Protocol):
    """Makes the headers that authenticate a call."""

    async def headers(self) -> Mapping[str, str]:
        """The headers for the next call.

        Raises NotSent if there is no valid token now, NotAuthenticated if another try does not help.
        """


class KeyHeader:
    """A key in a header: `Authorization: Bearer KEY`, `Authorization: Key KEY`, `x-api-key: KEY`."""

    def __init__(self, style: Authentication, key: str) -> None:
        self._headers = {style.header: f"{style.word} {key}".strip()}

    async def headers(self) -> Mapping[str, str]:
        """The header."""
        return self._headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one provider is reached. `style` is how its keys are sent; `proxy` may hold a user name and a password."""

    style: Authentication = field(default_factory=Authentication)
    authenticator: Authenticator | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    proxy: str = field(default="", repr=False)

    @property
    def has_key(self) -> bool:
        """Whether calls are authenticated."""
        return self.authenticator is not None

    @property
    def is_direct(self) -> bool:
        """Whether nothing but the headers differs from a call to any public server."""
        return self.tls is None and not self.proxy

    async def headers(self) -> Mapping[str, str]:
        """The headers that authenticate the next call. Raises NotSent, NotAuthenticated."""
        return _NONE if self.authenticator is None else await self.authenticator.headers()

    def with_key(self, key: str) -> Access:
        """The same with this key in the provider's header, or with none if it is empty."""
        return replace(self, authenticator=KeyHeader(self.style, key) if key else None)

    def connection(self) -> dict[str, Any]:
        """The arguments of aiohttp for a request to the provider's own origin."""
        found: dict[str, Any] = {"ssl": self.tls or True}
        if self.proxy:
            found["proxy"] = URL(self.proxy)  # aiohttp sends its user and password to the proxy only
        return found


ANONYMOUS = Access()
"""Calls without a key."""


def bearer(key: str) -> Access:
    """Calls with this key as a bearer; without a key, anonymous ones."""
    return ANONYMOUS.with_key(key)
