"""The emulator reads keys in the vendors' own places."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from batchvid.emulator import authorization
from batchvid.net.signed_tokens import sign

NOW_S = 1_800_000_000


def asked(**headers: str) -> Any:
    """A request with these headers."""
    return make_mocked_request("GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "bearer", "word", "own"),
    [
        ({"Authorization": "Bearer k"}, "k", "", ""),
        ({"Authorization": "Key id:secret"}, "", "id:secret", ""),
        ({"Authorization": "Key "}, "", "", ""),
        ({"x_goog_api_key": "k"}, "", "", "k"),
        ({"Authorization": "Bearer emulator"}, "emulator", "emulator", "emulator"),
        ({}, "", "", ""),
    ],
)
def test_a_key_counts_in_its_place_only(headers: dict[str, str], bearer: str, word: str, own: str) -> None:
    """But for the rehearsals of batchvid, which have one way for all vendors."""
    request = asked(**headers)
    assert authorization.bearer(request) == bearer
    assert authorization.scheme(request, "Key") == word
    assert authorization.header(request, "x-goog-api-key") == own


@pytest.mark.parametrize(
    ("token", "later_s", "issuer"),
    [
        (sign("access", "secret", NOW_S), 0, "access"),
        (sign("access", "secret", NOW_S), -5, "access"),
        (sign("access", "secret", NOW_S), -6, ""),
        (sign("access", "secret", NOW_S), 1799, "access"),
        (sign("access", "secret", NOW_S), 1800, ""),
        (sign("access", "secret", NOW_S)[:-1], 0, ""),
        ("not.a.token", 0, ""),
        ("a-plain-api-key", 0, "a-plain-api-key"),
    ],
)
def test_a_token_counts_while_it_is_valid(token: str, later_s: int, issuer: str) -> None:
    """Not before, not after, and only if it is signed."""
    assert authorization.jwt(asked(Authorization=f"Bearer {token}"), now_s=NOW_S + later_s) == issuer
