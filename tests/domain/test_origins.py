"""Two ways to write one address, and addresses that only look alike."""

from __future__ import annotations

import pytest

from batchvid.domain.origins import path_below, same_origin


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://127.0.0.1:4000", "http://localhost:4000", True),
        ("http://[::1]:4000/", "http://LOCALHOST:4000", True),
        ("https://gw.example", "https://gw.example:443/", True),
        ("http://127.0.0.1:80/v", "http://127.0.0.1/v/", True),
        ("embedded", "embedded", True),
        ("http://127.0.0.1:4000", "http://localhost:4001", False),
        ("http://127.0.0.1:4000", "https://localhost:4000", False),
        ("http://127.0.0.2:4000", "http://localhost:4000", False),
        ("https://gw.example/a", "https://gw.example/b", False),
        ("https://gw.example", "https://user@gw.example", False),
        ("https://gw.example", "https://localhost", False),
        ("http://h:x", "http://h:y", False),
        ("embedded", "", False),
    ],
)
def test_same_origin(one: str, other: str, same: bool) -> None:
    """Names of this machine, default ports, letter case and a last slash make no difference; all else does."""
    assert same_origin(one, other) is same
    assert same_origin(other, one) is same


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://gw.example/fal/m/requests/1/status?logs=0", "/m/requests/1/status?logs=0"),
        ("/fal/m/requests/1", "/m/requests/1"),
        ("https://other.example/fal/m/requests/1", ""),
        ("http://gw.example/fal/m/requests/1", ""),
        ("https://gw.example/falx/m/requests/1", ""),
        ("https://gw.example/fal/../admin", ""),
        ("https://gw.example/fal/a b", ""),
        ("https://[bad", ""),
        ("", ""),
    ],
)
def test_path_below(address: str, path: str) -> None:
    """An address counts only on the route's own origin and below its path: polls carry the key."""
    assert path_below("https://gw.example/fal", address) == path
