"""What is wrong with a definition, and where."""

from __future__ import annotations

from dataclasses import dataclass

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a key of a definition; `path` leads to the key."""

    path: KeyPath
    message: str
