"""Caps as data: what a manifest and a command line allow, one cap per scope and period. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum


class Period(StrEnum):
    """The period of a cap."""

    ALWAYS = "always"
    """All attempts of the batch, of every run."""
    DAY = "day"
    """Attempts of one calendar day (UTC, as in invoices and quotas), of every run."""
    RUN = "run"
    """Attempts of this run."""


NEXT_STEP = {
    Period.ALWAYS: "Raise it and run again to go on",
    Period.DAY: "Raise it, or run again on another day (UTC), to go on",
    Period.RUN: "Run again to go on",
}
"""What the user can do when a cap is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingLimits:
    """Upper bounds: US dollars, clips, seconds of video. None means no bound."""

    usd: Decimal | None = None
    clips: int | None = None
    seconds: float | None = None


MEASURES = tuple(field.name for field in fields(SpendingLimits))
"""The measures that a cap can limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One set of limits: for a provider, a tag, or (with neither) all clips.

    `prefix` and a measure are the user's key, as in `budget.per_day.usd`. `budget` names the section of the manifest
    whose `allow_unpriced` applies.
    """

    prefix: str
    limits: SpendingLimits
    budget: str = "budget"
    allow_unpriced: bool = False
    period: Period = Period.ALWAYS
    provider: str = ""
    tag: str = ""

    def covers(self, provider: str, tags: Collection[str]) -> bool:
        """Whether an attempt at this provider for a clip with these tags counts under this cap."""
        return self.provider in ("", provider) and (not self.tag or self.tag in tags)
