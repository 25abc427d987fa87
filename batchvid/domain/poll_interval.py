"""How often a task may be polled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PollInterval:
    """`every_s` applies until task durations are known. Two polls are never closer together than `refresh_s`."""

    every_s: float
    refresh_s: float
