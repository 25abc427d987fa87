"""API keys from the environment or a `.env` file, never from the manifest or the command line."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from batchvid.catalog import Provider
from batchvid.errors import UsageError
from batchvid.known_keys import known_keys


class Credentials:
    """Keys by precedence: the environment, `.env` of the working folder, `.env` of the manifest's folder."""

    def __init__(self, manifest_folder: Path | None = None) -> None:
        folders = [manifest_folder, Path.cwd()] if manifest_folder else [Path.cwd()]
        self._values: dict[str, str | None] = {}
        for folder in folders:
            try:
                self._values.update(dotenv_values(folder / ".env"))
            except (OSError, ValueError) as exc:
                raise UsageError(f"{folder / '.env'} cannot be read: {exc}") from None
        self._values.update((name, value) for name, value in os.environ.items() if value)

    def has(self, provider: Provider) -> bool:
        """Whether the provider's key is available."""
        try:
            self.of(provider)
        except UsageError:
            return False
        return True

    def of(self, provider: Provider) -> SecretStr:
        """The provider's key; empty if it needs none. Raises UsageError if the variable is unset."""
        if not provider.api_key_env:
            return SecretStr("emulator" if provider.free else "")  # it requires a key and accepts any
        value = (self._values.get(provider.api_key_env) or "").strip()
        if not value:
            raise UsageError(
                f"provider {provider.name} needs a key: set {provider.api_key_env} in the environment or in a .env file"
            )
        if not value.isascii() or any(c.isspace() for c in value):
            raise UsageError(
                f"the key in {provider.api_key_env} contains blanks or other characters that are not valid in a key"
            )
        known_keys.add(value)  # no writer shows it from now on
        return SecretStr(value)
