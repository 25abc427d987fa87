"""Tokens of a Google service account, or of the machine's own Google credentials. Needs the extra `vertex`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from batchvid.errors import MissingExtra, NotAuthenticated, NotSent
from batchvid.known_keys import known_keys
from batchvid.redaction import redact

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TOKEN_S = 30.0  # how long a new token may take
CALL_S = 20.0  # one call for it
INSTALL = "pip install 'batchvid[vertex]'"


def check_installed(name: str) -> None:
    """Raise MissingExtra if google-auth is not installed."""
    try:
        found = find_spec("google.auth.transport.requests") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise MissingExtra(f"provider {name} needs google-auth", INSTALL)


class GoogleToken:
    """An OAuth token, renewed in a thread before it ends. `file` is a service account's; None: application default."""

    def __init__(self, name: str, file: Path | None, proxy: str = "") -> None:
        self._name = name
        self._file = file
        self._proxy = proxy
        self._credentials: Any = None
        self._renewing = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """The header with a valid token, and that of the project whose quota counts."""
        async with self._renewing:
            try:
                async with asyncio.timeout(TOKEN_S):
                    return await asyncio.to_thread(self._headers)
            except TimeoutError as exc:
                raise NotSent(f"nothing was sent to {self._name}: no token from Google in {TOKEN_S:.0f} s") from exc

    def _headers(self) -> dict[str, str]:
        from google.auth.credentials import TokenState
        from google.auth.exceptions import GoogleAuthError, TransportError

        try:
            if self._credentials is None:
                self._credentials = self._load()
            state = self._credentials.token_state
            if state is not TokenState.FRESH:
                try:
                    self._credentials.refresh(self._transport())
                except GoogleAuthError:
                    if state is TokenState.INVALID:
                        raise
            known_keys.add(self._credentials.token)
            headers: dict[str, str] = {}
            self._credentials.apply(headers)
            return headers
        except (OSError, ValueError, KeyError) as exc:  # a file that is gone or is none of Google's
            raise NotAuthenticated(
                f"nothing was sent to {self._name}: {self._file or 'the Google credentials'} cannot be used: "
                f"{redact(str(exc))}"
            ) from None
        except GoogleAuthError as exc:
            may_help = isinstance(exc, TransportError) or getattr(exc, "retryable", False)
            kind = NotSent if may_help else NotAuthenticated
            message = redact(str(exc.args[0] if exc.args else exc))
            raise kind(f"nothing was sent to {self._name}: Google gives no token: {message}") from None

    def _load(self) -> Any:
        import google.auth
        from google.oauth2.service_account import Credentials

        if self._file is not None:
            load: Any = Credentials.from_service_account_file  # it has no types
            return load(str(self._file), scopes=SCOPES)
        found, _ = google.auth.default(scopes=SCOPES, request=self._transport())
        return found

    def _transport(self) -> Any:
        import requests
        from google.auth.transport.requests import Request

        session = requests.Session()
        if self._proxy:
            session.proxies = {"http": self._proxy, "https": self._proxy}
        return partial(Request(session), timeout=CALL_S)
