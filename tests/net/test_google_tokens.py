"""Google's OAuth tokens: of a service account, against a token server on loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batchvid.catalog import providers
from batchvid.dialects.common.outcome_rules import classify_missing_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Request
from batchvid.errors import MissingExtra, NotAuthenticated, NotSent, UsageError
from batchvid.known_keys import known_keys
from batchvid.net.access import Access
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from tests.runner.servers import closed_port, serving

TOKEN = "ya29.a-token-of-google-1234567890"
SUBMIT = Request(method="POST", path="/v1/submit", json={})


def account(folder: Path, token_uri: str) -> Path:
    """The file of a service account with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    row = {
        "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": pem,
        "client_email": "me@p.iam.gserviceaccount.com", "client_id": "1", "token_uri": token_uri,
    }  # fmt: skip
    (folder / "account.json").write_text(json.dumps(row), "utf-8")
    return folder / "account.json"


def access_of(monkeypatch: pytest.MonkeyPatch, value: str) -> Access:
    """How a Vertex provider is reached whose variable has this value; without one, by the machine's default."""
    monkeypatch.setenv("VERTEX_ACCOUNT", value)
    auth = {"type": "google", **({"credentials_env": "VERTEX_ACCOUNT"} if value else {})}
    row = {"dialect": "veo", "base_url": "https://vertex.example.com", "auth": auth}
    return Credentials().of(providers({"vertex": row})["vertex"])


@pytest.mark.parametrize("is_default", [False, True])
async def test_a_token_is_fetched_once_and_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_default: bool
) -> None:
    """The paid call carries it; a token that is still valid is used again. Of a file, or of the machine's default."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
        return web.json_response({})

    async with serving(answer) as server, Transport() as transport:
        file = str(account(tmp_path, f"{server.base_url}/token"))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
        access = access_of(monkeypatch, "" if is_default else file)
        for _ in range(2):
            await transport.send(server.base_url, SUBMIT, access)
    assert [path for _, path, _ in server.asked] == ["/token", "/v1/submit", "/v1/submit"]
    assert server.keys[1:] == [f"Bearer {TOKEN}"] * 2
    assert TOKEN not in known_keys.hide(f"they repeat {TOKEN}")
    assert TOKEN not in f"{access!r}{access.authenticator!r}"


@pytest.mark.parametrize(
    ("reply", "expected", "kind"),
    [
        ({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, NotAuthenticated, FailureKind.AUTH),
        (None, NotSent, FailureKind.UNAVAILABLE),
    ],
)
async def test_without_a_token_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Any, expected: type[Exception], kind: FailureKind
) -> None:
    """A refused account stops the provider; a server that is not reached is waited for."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(reply, status=400)

    async with serving(answer) as server, Transport() as transport:
        uri = f"{server.base_url}/token" if reply else f"http://127.0.0.1:{closed_port()}/token"
        access = access_of(monkeypatch, str(account(tmp_path, uri)))
        with pytest.raises(expected, match="nothing was sent to vertex: Google gives no token") as raised:
            await transport.send(server.base_url, SUBMIT, access)
    assert not any(path == "/v1/submit" for _, path, _ in server.asked)
    assert isinstance(raised.value, NotSent)
    verdict = classify_missing_reply(raised.value)
    assert isinstance(verdict, Rejected)
    assert verdict.kind is kind


async def test_a_file_of_something_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its content."""
    (tmp_path / "x.json").write_text('{"secret": "hidden-word"}', "utf-8")
    with pytest.raises(NotAuthenticated, match=r"x\.json cannot be used") as raised:
        await access_of(monkeypatch, str(tmp_path / "x.json")).headers()
    assert "hidden-word" not in str(raised.value)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, not the content of the file, belongs into the variable; the extra is named with its line."""
    with pytest.raises(UsageError, match="no file at the path in VERTEX_ACCOUNT") as raised:
        access_of(monkeypatch, '{"private_key": "hidden-word"}')
    assert "hidden-word" not in str(raised.value)
    monkeypatch.setitem(sys.modules, "google.auth.transport.requests", None)
    with pytest.raises(MissingExtra, match=r"provider vertex needs google-auth: pip install 'batchvid\[vertex\]'"):
        access_of(monkeypatch, "x")
