"""The console that tables are printed on, and sums as texts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console

from batchvid.domain.job_spec import Price
from batchvid.domain.jobs import Job

if TYPE_CHECKING:
    from batchvid.planning.plan_types import JobPlan

PIPE_COLUMNS = 400  # wider than any table: one line per row for scripts


def console_for_people() -> Console:
    """The console for tables; lines are not folded in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)


def seconds_of(jobs: Sequence[JobPlan]) -> str:
    """The billed seconds that are known, and how many clips have an unknown length."""
    known = [job.duration_s for job in jobs if job.duration_s is not None]
    unknown = len(jobs) - len(known)
    total = f"{sum(known):g}" if known else ""
    return " + ".join(filter(None, (total, f"{unknown} x unknown" if unknown else "")))


def price_of(jobs: Sequence[JobPlan | Job]) -> str:
    """The maximum price of these jobs."""
    return sum_of([job.price for job in jobs])


def sum_of(prices: Sequence[Price]) -> str:
    """The sum of the known prices, and how many are unknown."""
    known = [price.usd for price in prices if price.usd is not None]
    unknown = len(prices) - len(known)
    total = f"${sum(known, Decimal(0)):.2f}" if known or not unknown else ""
    return " + ".join(filter(None, (total, f"{unknown} x unknown" if unknown else "")))
