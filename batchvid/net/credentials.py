"""API keys from the environment or a `.env` file, never from the manifest or the command line."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

from dotenv import dotenv_values, parser
from pydantic import SecretStr

from batchvid.catalog import Provider
from batchvid.errors import UsageError
from batchvid.known_keys import known_keys

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
            hint = "".join(f"; {problem}" for problem in self.problems)
            raise UsageError(
                f"provider {provider.name} needs a key: set {provider.api_key_env} in the environment or in a .env "
                f"file{hint}"
            )
        if not value.isascii() or any(c.isspace() for c in value):
            raise UsageError(
                f"the key in {provider.api_key_env} contains blanks or other characters that are not valid in a key"
            )
        known_keys.add(value)  # no writer shows it from now on
        return SecretStr(value)
