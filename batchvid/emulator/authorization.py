"""Reads the caller's key from a request, in each vendor's own place. Each returns an empty text without one.

The 401 is the vendor's: a route raises it where `EmulatorService.owner_of` finds no owner.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import orjson
from aiohttp import web

REHEARSAL_KEY = "emulator"
"""The provider `emulator` sends it as a bearer on every route, whatever the vendor wants: it is accepted everywhere."""


def scheme(request: web.Request, word: str) -> str:
    """The key of `Authorization: WORD KEY`."""
    first, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if first == word or is_rehearsal(request) else ""


def bearer(request: web.Request) -> str:
    """The key of `Authorization: Bearer KEY`."""
    return scheme(request, "Bearer")


def header(request: web.Request, name: str) -> str:
    """The key in a header of its own, such as `x-goog-api-key`."""
    return REHEARSAL_KEY if is_rehearsal(request) else request.headers.get(name, "").strip()


def jwt(request: web.Request, *, now_s: float | None = None) -> str:
    """The issuer of a JSON Web Token that is valid now; the secret is not known here, so any signature counts.

    A bearer that is no token of three parts is a plain API key, which Kling takes too.
    """
    token = bearer(request)
    parts = token.split(".")
    if len(parts) != 3:
        return token
    now_s = time.time() if now_s is None else now_s
    head, claims = _decoded(parts[0]), _decoded(parts[1])
    begins, ends, issuer = claims.get("nbf", 0), claims.get("exp", 0), claims.get("iss", "")
    is_signed = head.get("alg") == "HS256" and len(parts[2]) == 43  # 32 bytes
    is_valid = is_signed and begins <= now_s < ends <= now_s + 1830
    return str(issuer) if is_valid else ""


def is_rehearsal(request: web.Request) -> bool:
    """Whether batchvid's provider `emulator` calls."""
    return request.headers.get("Authorization") == f"Bearer {REHEARSAL_KEY}"


def _decoded(part: str) -> dict[str, Any]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
