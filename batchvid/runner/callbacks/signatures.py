"""Checks the signatures of callbacks, on raw bytes. Pure; the facts are in docs/how-to/callbacks.md.

Every check compares in constant time, and refuses a time that is more than five minutes away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_AGE_S = 300
MAX_SIGNATURES = 16
_TIME = re.compile(r"[0-9]{1,12}")

Headers = Mapping[str, str]  # by names in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedText:
    """What a vendor signed with a key pair. `key_id` is empty where the vendor does not name its key."""

    text: bytes
    signature: bytes
    key_id: str = ""


def is_recent(stated: str, now_s: float) -> bool:
    """Whether a time in seconds since 1970 is at most five minutes away."""
    return bool(_TIME.fullmatch(stated)) and abs(now_s - int(stated)) <= MAX_AGE_S


def check_standard_webhook(headers: Headers, body: bytes, secret: str, now_s: float) -> bool:
    """Standard Webhooks, as of Replicate, Gemini and Kling's new API: `v1,<base64>`, several while a secret changes.

    The secret is base64 after `whsec_`; one that is no base64 counts as it is.
    """
    stated, event_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not event_id or not is_recent(stated, now_s):
        return False
    text = b".".join((event_id.encode(), stated.encode(), body))
    digest = hmac.digest(_standard_key(secret), text, hashlib.sha256)
    offers = headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
    found = [_base64(value) for version, _, value in (offer.partition(",") for offer in offers) if version == "v1"]
    return _any_equal(digest, found)


def check_stamped(value: str, body: bytes, secret: str, now_s: float, separator: bytes) -> bool:
    """`t=<seconds>,v1=<hex>` over the time, a separator and the body.

    OpenRouter separates them by a comma, LLMGateway by a dot.
    """
    pairs = [pair.strip().partition("=") for pair in value.split(",")[:MAX_SIGNATURES]]
    times = [text for name, _, text in pairs if name == "t"]
    if len(times) != 1 or not is_recent(times[0], now_s):
        return False
    digest = hmac.digest(secret.encode(), times[0].encode() + separator + body, hashlib.sha256)
    return _any_equal(digest, [_hex(text) for name, _, text in pairs if name == "v1"])


def fal_text(headers: Headers, body: bytes, now_s: float) -> SignedText | None:
    """What fal signs with Ed25519: request id, user id, time, SHA-256 of the body, on lines. None: no such headers."""
    names = ("request-id", "user-id", "timestamp", "signature")
    request_id, user_id, stated, signature = (headers.get(f"x-fal-webhook-{name}", "") for name in names)
    if not request_id or not user_id or not is_recent(stated, now_s):
        return None
    lines = (request_id, user_id, stated, hashlib.sha256(body).hexdigest())
    return SignedText(text="\n".join(lines).encode(), signature=_hex(signature))


def atlas_text(headers: Headers, body: bytes, now_s: float) -> SignedText | None:
    """What Atlas Cloud signs with Ed25519: time, a dot, the body. Its older header with an HMAC does not count."""
    prefix = "x-atlascloud-webhook"
    stated, key_id = headers.get(f"{prefix}-timestamp", ""), headers.get(f"{prefix}-key-id", "")
    value = headers.get(f"{prefix}-signature-ed25519") or headers.get(f"{prefix}-signature", "")
    if not key_id or not is_recent(stated, now_s):
        return None
    signature = _base64(value.rpartition("=")[2] if value.startswith("v1=") else value)
    return SignedText(text=stated.encode() + b"." + body, signature=signature, key_id=key_id)


def public_keys(document: Any) -> dict[str, bytes]:
    """The Ed25519 keys of a JSON Web Key Set, by id. fal pads `x`, which the standard does not."""
    rows = document.get("keys") if isinstance(document, Mapping) else None
    found: dict[str, bytes] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, Mapping) or row.get("kty") != "OKP" or row.get("crv") != "Ed25519":
            continue
        key = _base64(str(row.get("x", "")))
        if len(key) == 32:
            found[str(row.get("kid", number))] = key
    return found


def _standard_key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    return _base64(text) or secret.encode()


def _any_equal(digest: bytes, found: Iterable[bytes]) -> bool:
    """Whether one of them is the digest; every one is compared, whatever the others are."""
    return sum(hmac.compare_digest(digest, one) for one in found) > 0


def _base64(text: str) -> bytes:
    """The bytes of base64 in either alphabet, padded or not; empty for anything else."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return b""
