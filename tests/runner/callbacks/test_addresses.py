"""The addresses of callbacks: which may be stated, and that one tells nothing about another."""

from __future__ import annotations

import pytest

from batchvid.domain.wire import Part, Request
from batchvid.errors import UsageError
from batchvid.known_keys import KnownKeys
from batchvid.runner.callbacks.addresses import CallbackAddresses, CallbackSettings, is_carried, parse_settings

ADDRESSES = CallbackAddresses("https://tunnel.example.com/cb", b"the secret of a batch")


@pytest.mark.parametrize(
    ("listen", "public_url", "problem"),
    [
        ("127.0.0.1:8788", None, "belong together"),
        (None, "https://t.example.com", "belong together"),
        ("8788", "https://t.example.com", "--listen: must be an address"),
        ("tunnel.example.com:8788", "https://t.example.com", "--listen: must be an address"),
        ("127.0.0.1", "https://t.example.com", "--listen: must be an address"),
        ("127.0.0.1:99999", "https://t.example.com", "--listen: must be an address"),
        ("127.0.0.1:8788/x", "https://t.example.com", "--listen: must be an address"),
        ("127.0.0.1:8788", "http://t.example.com", "--public-url: must be the https://"),
        ("127.0.0.1:8788", "t.example.com", "--public-url: must be the https://"),
        ("127.0.0.1:8788", "https://u:p@t.example.com", "--public-url: must be the https://"),
        ("127.0.0.1:8788", "https://t.example.com/?a=b", "--public-url: must be the https://"),
    ],
)
def test_settings_that_do_not_fit_are_refused(listen: str | None, public_url: str | None, problem: str) -> None:
    """With an example of both options."""
    with pytest.raises(UsageError, match=problem):
        parse_settings(listen, public_url)


def test_settings_are_read() -> None:
    """An address of this machine, and what vendors see of it; a private one may be plain HTTP."""
    assert parse_settings(None, None) is None
    found = parse_settings("[::1]:8788", "https://t.example.com/cb/")
    assert found == CallbackSettings(host="::1", port=8788, public_url="https://t.example.com/cb")
    assert parse_settings("localhost:1", "http://gpu-box:8788") is not None


def test_each_attempt_has_its_own_address_which_a_later_run_knows() -> None:
    """The same secret makes the same addresses; they share a beginning, which is hidden everywhere."""
    url = ADDRESSES.url("kite", 1)
    assert url == CallbackAddresses("https://tunnel.example.com/cb", b"the secret of a batch").url("kite", 1)
    assert url.startswith(f"https://tunnel.example.com/cb/{ADDRESSES.beginning}")
    others = {ADDRESSES.token("kite", 2), ADDRESSES.token("kite1", 1), ADDRESSES.token("kit", 1)}
    others |= {CallbackAddresses("https://tunnel.example.com/cb", b"another").token("kite", 1)}
    assert len(others) == 4
    assert ADDRESSES.token("kite", 1) not in others
    keys = KnownKeys()
    keys.add(ADDRESSES.beginning)
    assert ADDRESSES.token("kite", 1) not in keys.hide(f"callback_url {url} is not valid")


@pytest.mark.parametrize(
    ("request_", "carried"),
    [
        (Request(method="POST", path="/v1", json={"options": {"callback_url": ADDRESSES.url("a", 1)}}), True),
        (Request(method="POST", path=f"/m?fal_webhook=https%3A%2F%2Fx%2F{ADDRESSES.token('a', 1)}", json={}), True),
        (Request(method="POST", path="/v1", json={"webhook_config": {"uris": [ADDRESSES.url("a", 1)]}}), True),
        (Request(method="POST", path="/v1", parts=(Part(name="c", value=ADDRESSES.url("a", 1).encode()),)), True),
        (Request(method="POST", path="/v1", json={"prompt": "a kite"}), False),
    ],
)
def test_it_is_known_whether_a_request_names_its_address(request_: Request, carried: bool) -> None:
    """Only then is a callback expected, so that the task is polled less often."""
    assert is_carried(request_, ADDRESSES.url("a", 1)) is carried
