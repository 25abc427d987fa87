"""API keys from the environment or a `.env` file, never from the manifest or the command line."""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values, parser
from pydantic import SecretStr
from yarl import URL

from batchvid.catalog import Provider
from batchvid.catalog.authentication import Authentication
from batchvid.errors import UsageError
from batchvid.known_keys import known_keys
from batchvid.net.access import Access, Authenticator, KeyHeader
from batchvid.net.google_tokens import GoogleToken, check_installed
from batchvid.net.signed_tokens import SignedToken

_BEARER = Authentication()
EMULATOR_KEY = "emulator"  # it wants some key, and any will do; never sent to another host

_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))


class Credentials:
    """Keys by precedence: the environment, `.env` of the working folder, `.env` of the manifest's folder.

    `problems` names each `.env` that is damaged, with the line. Its other lines count.
    """

    def __init__(self, manifest_folder: Path | None = None) -> None:
        folders = [manifest_folder, Path.cwd()] if manifest_folder else [Path.cwd()]
        self._values: dict[str, str | None] = {}
        self.problems: list[str] = []
        for file in dict.fromkeys(folder.absolute() / ".env" for folder in folders):
            self._values.update(self._read(file))
        self._values.update((name, value) for name, value in os.environ.items() if value)

    def _read(self, file: Path) -> dict[str, str | None]:
        """The values of one `.env` file, none if it is not there."""
        if not file.is_file():  # a virtual environment may have that name
            return {}
        try:
            data = file.read_bytes()
            text = data.decode(next(encoding for mark, encoding in _MARKS if data.startswith(mark)))
        except (OSError, ValueError) as exc:
            self.problems.append(f"{file} cannot be read: {getattr(exc, 'strerror', None) or 'it is not UTF-8'}")
            return {}
        good = []
        for binding in parser.parse_stream(io.StringIO(text)):
            if binding.error:
                line = binding.original.line
                self.problems.append(f"{file}:{line}: this line cannot be read; write NAME=value")
            else:
                good.append(binding.original.string)
        return dotenv_values(stream=io.StringIO("".join(good)))

    def protect(self, providers: Iterable[Provider]) -> None:
        """Hide the keys of all these providers from now on, also of those that this run does not use."""
        for provider in providers:
            self.has(provider)
            self.has_account(provider)

    def has(self, provider: Provider) -> bool:
        """Whether the provider's key is available."""
        try:
            self._authenticator(provider, proxy="")
        except UsageError:
            return False
        return True

    def of(self, provider: Provider) -> Access:
        """How the provider is reached. Raises UsageError if a variable is unset, or a file or an extra is missing."""
        way = self.way_to(provider)
        return replace(way, authenticator=self._authenticator(provider, way.proxy))

    def has_account(self, provider: Provider) -> bool:
        """Whether the token or key for the provider's account is available."""
        try:
            self.of_account(provider)
        except UsageError:
            return False
        return True

    def of_account(self, provider: Provider) -> Access:
        """How the provider's `account_url` is reached: by its own token, else by the provider's key.

        Raises UsageError as `of` does.
        """
        if provider.account is None or not provider.account.token_env:
            return self.of(provider)
        return replace(self.way_to(provider), style=_BEARER).with_key(self._key(provider, provider.account.token_env))

    def way_to(self, provider: Provider) -> Access:
        """The same without the key. Raises UsageError for a wrong `ca_file` or proxy."""
        tls = tls_context(provider.ca_file, f"provider {provider.name}: ca_file") if provider.ca_file else None
        return Access(style=provider.auth, tls=tls, proxy=self._proxy(provider))

    def callback_secret(self, provider: Provider) -> str:
        """The secret that signs the provider's callbacks; empty without one."""
        secret = self._value(provider.callback_secret_env) if provider.callback_secret_env else ""
        known_keys.add(secret)
        return secret

    def _authenticator(self, provider: Provider, proxy: str) -> Authenticator | None:
        auth = provider.auth
        if auth.type == "jwt":
            access_key, secret = (self._key(provider, name or "") for name in (auth.access_env, auth.secret_env))
            return SignedToken(auth, access_key, SecretStr(secret))
        if auth.type == "google":
            check_installed(provider.name)
            return GoogleToken(provider.name, self._credentials_file(provider), proxy)
        if provider.api_key_env:
            return KeyHeader(auth, self._key(provider, provider.api_key_env))
        return KeyHeader(auth, EMULATOR_KEY) if provider.free else None

    def _key(self, provider: Provider, variable: str) -> str:
        value = self._value(variable)
        if not value:
            raise UsageError(f"provider {provider.name} needs a key: {self._set(variable)}")
        if not value.isascii() or any(c.isspace() for c in value):
            raise UsageError(f"the key in {variable} contains blanks or other characters that are not valid in a key")
        known_keys.add(value)  # no writer shows it from now on
        return value

    def _credentials_file(self, provider: Provider) -> Path | None:
        variable = provider.auth.credentials_env
        if not variable:
            return None
        if not (value := self._value(variable)):
            raise UsageError(f"provider {provider.name} needs a service account's file: {self._set(variable)}")
        file = Path(value)
        if not file.is_file():  # the value is not shown: it may be the content of the file
            raise UsageError(
                f"provider {provider.name}: there is no file at the path in {variable}; it must be the path of the "
                f"JSON file of a service account"
            )
        return file

    def _proxy(self, provider: Provider) -> str:
        """The address of the proxy, also with a user name and a password; empty if there is none."""
        if not provider.proxy_env:
            return provider.proxy
        variable = provider.proxy_env
        if not (value := self._value(variable)):
            raise UsageError(f"provider {provider.name} needs its proxy's address: {self._set(variable)}")
        try:
            url = URL(value)
            usable = url.scheme == "http" and bool(url.host) and url.path in ("", "/") and not url.query_string
        except ValueError:
            usable = False
        if not usable or any(map(str.isspace, value)):
            raise UsageError(f"{variable} must hold an address such as http://user:password@proxy.example.com:3128")
        for secret in (url.password, url.raw_password):
            known_keys.add(secret or "")
        return value

    def _value(self, variable: str) -> str:
        return (self._values.get(variable) or "").strip()

    def _set(self, variable: str) -> str:
        hint = "".join(f"; {problem}" for problem in self.problems)
        return f"set {variable} in the environment or in a .env file{hint}"


def tls_context(ca_file: str, key: str) -> ssl.SSLContext:
    """Trust these certificates beside those of the system. Raises UsageError, which begins with `key`."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])  # as aiohttp's own
    try:
        context.load_verify_locations(cafile=ca_file)
    except FileNotFoundError:
        raise UsageError(f"{key}: there is no file {ca_file}") from None
    except ssl.SSLError:
        raise UsageError(f"{key}: {ca_file} holds no certificate in PEM form") from None
    except OSError as exc:
        raise UsageError(f"{key}: {ca_file}: {exc.strerror}") from None
    return context
