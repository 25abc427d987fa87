"""Writes a file whole or not at all; restricts a file to its owner."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def restrict_to_owner(path: Path) -> None:
    """Let only the owner read and write the file; one that does not exist, or of another owner, stays as it is."""
    with contextlib.suppress(OSError):
        path.chmod(0o600)


def write_atomic(path: Path, content: str | bytes, *, is_private: bool = False) -> None:
    """Replace the file's content, whole or not at all. Raises OSError.

    Only the owner can read a private file.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # another process may write the same file
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:
            if is_private:
                restrict_to_owner(part)
            # a lone surrogate in a message must not lose the report
            file.write(content.encode("utf-8", "replace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
