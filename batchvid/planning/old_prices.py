"""Warns about prices that are old. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from batchvid.catalog.price_age import MAX_PRICE_AGE_DAYS, age_days
from batchvid.planning.plan_types import JobPlan

MAX_NAMED = 3


def old_prices(jobs: Iterable[JobPlan], today: date) -> Iterator[str]:
    """One line that names the models whose prices are older than a year; none if there are none."""
    priced = {(job.spec.request.model, job.spec.provider, job.price_as_of) for job in jobs}
    old = [
        f"{model} at {provider} ({as_of})"
        for model, provider, as_of in sorted(priced)
        if (age_days(as_of, today) or 0) > MAX_PRICE_AGE_DAYS
    ]
    more = f" and {len(old) - MAX_NAMED} more" if len(old) > MAX_NAMED else ""
    if old:
        yield (
            f"old prices: {', '.join(old[:MAX_NAMED])}{more}; batchvid models --refresh fetches current ones, and a "
            "price in batchvid.toml replaces them"
        )
