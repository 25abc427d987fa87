"""How a provider authenticates, as data: what may be written, and that no key is ever shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from batchvid.catalog import providers
from batchvid.catalog.authentication import Authentication
from batchvid.errors import UsageError

JWT = {"type": "jwt", "access_env": "KLING_ACCESS_KEY", "secret_env": "KLING_SECRET_KEY"}
OWN = {"dialect": "kling", "base_url": "https://gw.example.com"}
KEYS = ["sk-abc", "AIzaSyD4x9Q1w2e3r4t5y6u7i8o9p0aBcDeFg", "0123456789abcdef0123456789abcdef"]


@pytest.mark.parametrize(
    ("auth", "header", "word"),
    [
        ({}, "Authorization", "Bearer"),
        ({"scheme": "Key"}, "Authorization", "Key"),
        ({"header": "Authorization", "scheme": ""}, "Authorization", ""),
        ({"header": "x-goog-api-key"}, "x-goog-api-key", ""),
        ({"header": "X-Key", "scheme": "Token"}, "X-Key", "Token"),
    ],
)
def test_a_header_other_than_authorization_has_no_word(auth: dict[str, Any], header: str, word: str) -> None:
    """`Bearer` belongs to `Authorization`; a word that is written counts anywhere."""
    found = Authentication.model_validate(auth)
    assert (found.header, found.word) == (header, word)


@pytest.mark.parametrize(
    ("auth", "problem"),
    [
        ({"header": "Content-Type"}, "another purpose"),
        ({"header": "x key"}, "name of a header"),
        ({"scheme": "Bearer token"}, "word before the key"),
        ({"type": "jwt", "access_env": "A"}, "needs access_env and secret_env: write {type: jwt"),
        ({"type": "google", "header": "x-key"}, "type: google has no header: write {type: google}"),
        ({"access_env": "A"}, "type: header has no access_env"),
        ({**JWT, "credentials_env": "A"}, "type: jwt has no credentials_env"),
        ({"type": "basic"}, "'header', 'jwt' or 'google'"),
        ({"key": "x"}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_is_refused(auth: dict[str, Any], problem: str) -> None:
    """With what may stand there."""
    with pytest.raises(ValidationError) as raised:
        Authentication.model_validate(auth)
    assert problem in str(raised.value)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("place", ["header", "scheme", "access_env", "secret_env", "credentials_env"])
def test_a_key_in_the_place_of_a_name_is_never_shown(place: str, key: str) -> None:
    """It is recognized, and the message does not repeat it."""
    kind = "header" if place in ("header", "scheme") else "google" if place == "credentials_env" else "jwt"
    with pytest.raises(UsageError) as raised:
        providers({"own": {**OWN, "auth": {**(JWT if kind == "jwt" else {"type": kind}), place: key}}})
    assert "looks like the key itself" in str(raised.value)
    assert key not in str(raised.value)


def test_an_override_replaces_the_other_way_to_authenticate() -> None:
    """A token needs no api_key_env, and a key that the user names replaces a token."""
    tokens = providers({"cometapi": {"auth": JWT}})["cometapi"]
    assert (tokens.api_key_env, tokens.key_variables) == ("", ("KLING_ACCESS_KEY", "KLING_SECRET_KEY"))
    keyed = providers({"own": {**OWN, "api_key_env": "GW_KEY", "auth": {"scheme": "Key"}}})["own"]
    assert (keyed.auth.word, keyed.key_variables) == ("Key", ("GW_KEY",))
    assert providers({"own": {**OWN, "auth": {"type": "google"}}})["own"].has_key
    with pytest.raises(UsageError, match="type: jwt reads no api_key_env"):
        providers({"own": {**OWN, "api_key_env": "GW_KEY", "auth": JWT}})
    with pytest.raises(UsageError, match="proxy and proxy_env"):
        providers({"own": {**OWN, "proxy": "http://p.example.com:1", "proxy_env": "PROXY"}})


def test_a_token_is_as_secret_as_a_key_on_the_way() -> None:
    """Also a token does not cross a public network unencrypted."""
    plain = providers({"own": {**OWN, "base_url": "http://gw.example.com", "auth": JWT}})["own"]
    assert "unencrypted" in plain.http_problem
