"""How much of one spending limit is used, and how many planned clips it allows. A pure value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CapUse:
    """One limit of the budget or of the command line, alone: of `planned` clips that count under it, `allowed` fit.

    `key` is the user's key, as in `budget.per_day.usd`; `used` is what is committed under it already.
    """

    key: str
    limit: str
    used: str
    planned: int
    allowed: int
