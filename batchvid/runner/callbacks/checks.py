"""Whether a callback is its vendor's: which scheme a provider has, with which secret or key set."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

from batchvid.catalog import Provider
from batchvid.net.transport import Transport
from batchvid.runner.callbacks.key_sets import KeySet
from batchvid.runner.callbacks.signatures import (
    Headers,
    atlas_text,
    check_stamped,
    check_standard_webhook,
    fal_text,
)

INSTALL = "pip install 'batchvid[callbacks]'"
KEY_SETS = {
    "fal": "https://rest.fal.ai/.well-known/jwks.json",
    "atlas": "https://api.atlascloud.ai/api/v1/webhooks/jwks.json",
}
_STAMPED = {"openrouter": ("x-openrouter-signature", b","), "llmgateway": ("x-llmgateway-signature", b".")}
_SIGNED_TEXT = {"fal": fal_text, "atlas": atlas_text}


def missing_for_check(provider: Provider, secret: str) -> str:
    """What to do so that the signatures of a provider can be checked; empty if they can be, or if it does not sign."""
    if provider.callback_signature in KEY_SETS:
        return "" if find_spec("cryptography") else INSTALL
    if provider.callback_signature == "none" or secret:
        return ""
    variable = provider.callback_secret_env
    return f"set {variable}" if variable else f"write callback_secret_env: NAME for providers.{provider.name}"


class SignatureCheck:
    """The check for one provider. `unchecked` says why its callbacks count unchecked; empty if they are checked."""

    def __init__(
        self, provider: Provider, secret: str, transport: Transport, now: Callable[[], float] = time.time
    ) -> None:
        self._scheme = provider.callback_signature
        self._secret = secret
        self._now = now
        self._key_set: KeySet | None = None
        how = missing_for_check(provider, secret)
        self.unchecked = f"callbacks of {provider.name} are not checked: {how}" if how else ""
        if self._scheme in KEY_SETS and not how:
            self._key_set = KeySet(provider.callback_keys_url or KEY_SETS[self._scheme], transport, now)

    async def is_valid(self, headers: Headers, body: bytes) -> bool | None:
        """Whether the vendor signed this; None where it does not sign, or where nothing here can check it."""
        if self._scheme == "none" or self.unchecked:
            return None
        if self._key_set is not None:
            signed = _SIGNED_TEXT[self._scheme](headers, body, self._now())
            return False if signed is None else await self._key_set.verify(signed)
        if self._scheme in _STAMPED:
            header, separator = _STAMPED[self._scheme]
            return check_stamped(headers.get(header, ""), body, self._secret, self._now(), separator)
        return check_standard_webhook(headers, body, self._secret, self._now())
