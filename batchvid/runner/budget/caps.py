"""Caps as data: what a manifest and a command line allow to be spent, one cap a scope and a period. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum


class Period(StrEnum):
    """What a cap counts together."""

    ALWAYS = "always"
    """All attempts of the batch, whichever run made them."""
    DAY = "day"
    """Those of one calendar day (UTC, as invoices and quotas are told), whichever run made them."""
    RUN = "run"
    """Those of this run."""


WAY_ON = {
    Period.ALWAYS: "Raise it and run again to go on",
    Period.DAY: "Raise it, or run again on another day (UTC), to go on",
    Period.RUN: "Run again to go on",
}
"""What to do about a cap that is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingLimits:
    """Upper bounds: US dollars, clips, seconds of video. None means no bound."""

    usd: Decimal | None = None
    clips: int | None = None
    seconds: float | None = None


MEASURES = tuple(field.name for field in fields(SpendingLimits))
"""What can be capped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One set of limits: for a provider, a tag, or (with neither) all clips.

    `prefix` before a measure is how the user wrote it, as in `budget.per_day.usd`; `budget` names the part of the
    manifest whose `allow_unpriced` counts.
    """

    prefix: str
    limits: SpendingLimits
    budget: str = "budget"
    allow_unpriced: bool = False
    period: Period = Period.ALWAYS
    provider: str = ""
    tag: str = ""

    def covers(self, provider: str, tags: Collection[str]) -> bool:
        """Whether an attempt at this provider, for a clip with these tags, counts here."""
        return self.provider in ("", provider) and (not self.tag or self.tag in tags)
