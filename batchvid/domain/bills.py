"""Compares what the vendor's own bill says with what each attempt counts as. Pure.

A bill is a list of charges and refunds by task id. It is joined on the task id only: words prove nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from batchvid.domain.attempts import Attempt, AttemptStatus
from batchvid.domain.costs import cost_of
from batchvid.domain.events import CostBilled
from batchvid.domain.jobs import Job

OPEN_QUESTIONS = (AttemptStatus.HELD, AttemptStatus.MAYBE)
"""Attempts of which it is unknown whether they were charged: they are shown first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillEntry:
    """One line of a bill: so many US dollars for a task, below zero for a refund."""

    task_id: str
    usd: Decimal
    model: str = ""


class BillSource(StrEnum):
    """Where the amount of a row comes from."""

    BILL = "bill"
    """The account's own pages, or an invoice."""
    REPLY = "reply"
    """The reply to a submit or a poll."""
    NONE = ""
    """The vendor names no amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledAttempt:
    """An attempt, and what the vendor charged for it in the end: None where nothing says so."""

    attempt: Attempt
    billed_usd: Decimal | None
    source: BillSource

    @property
    def is_open(self) -> bool:
        """Whether it may have been charged, and nobody knows."""
        return self.attempt.status in OPEN_QUESTIONS

    @property
    def difference_usd(self) -> Decimal | None:
        """How much more than it counts as was charged; None where one of the two is unknown."""
        counted = self.attempt.settled_usd
        return None if self.billed_usd is None or counted is None else self.billed_usd - counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The sums of a model or a day: `counted_usd` and `billed_usd` only of attempts where both are known."""

    name: str
    attempts: int = 0
    unbilled: int = 0
    counted_usd: Decimal = Decimal(0)
    billed_usd: Decimal = Decimal(0)

    @property
    def difference_usd(self) -> Decimal:
        """How much more was charged than counted."""
        return self.billed_usd - self.counted_usd


def compare(attempts: Iterable[Attempt], entries: Iterable[BillEntry]) -> list[BilledAttempt]:
    """Every attempt that was sent to a provider with its bill; those that may have been charged come first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        sums[entry.task_id] += entry.usd
    rows = [_join(row, sums) for row in attempts if row.status is not AttemptStatus.REHEARSAL]
    return sorted(rows, key=lambda row: (not row.is_open, row.attempt.at))


def by_model(rows: Iterable[BilledAttempt]) -> list[Difference]:
    """The differences of each model."""
    return _grouped(rows, lambda row: row.model)


def by_day(rows: Iterable[BilledAttempt]) -> list[Difference]:
    """The differences of each UTC day on which the paid call was sent."""
    return _grouped(rows, lambda row: f"{row.at:%Y-%m-%d}")


def costs_above(rows: Iterable[BilledAttempt], at: datetime) -> list[tuple[str, CostBilled]]:
    """The events, by job, for attempts that the bill charges more than they count as. A lower bill may not be final."""
    return [(row.attempt.job, _event(row.attempt, row.billed_usd, at)) for row in rows if _counts_more(row)]


def cost_while_running(job: Job, actual_usd: str, at: datetime) -> CostBilled | None:
    """The event for an unfinished task whose reply names more than its attempt counts as; None otherwise.

    A lower cost may be a part of it: what the attempt counts as stays in force until the task has ended.
    """
    cost, counted = cost_of(actual_usd), job.counted_usd
    if cost is None or job.is_rehearsal or (counted is not None and cost <= counted):
        return None
    return CostBilled(
        at=at,
        attempt=job.attempts,
        actual_usd=actual_usd,
        cost_usd=cost,
        extra_usd=cost - (counted or 0),
        was_unpriced=counted is None,
    )


def describe(row: BilledAttempt) -> str:
    """The line for a person about an attempt that the bill charges more than it counted as."""
    attempt = row.attempt
    before = "an unknown amount" if attempt.settled_usd is None else f"${attempt.settled_usd:f}"
    return (
        f"{attempt.job} (task {attempt.task_id}): {attempt.provider} charged ${row.billed_usd:f}, it counted as "
        f"{before}: ${row.billed_usd:f} counts under every cap from now on"
    )


def _counts_more(row: BilledAttempt) -> bool:
    if row.source is not BillSource.BILL or not row.billed_usd or row.billed_usd <= 0:
        return False
    counted = row.attempt.settled_usd
    return counted is None or row.billed_usd > counted


def _event(row: Attempt, billed_usd: Decimal | None, at: datetime) -> CostBilled:
    billed = billed_usd or Decimal(0)
    return CostBilled(
        at=at,
        attempt=row.number,
        actual_usd=f"{billed:f}",
        cost_usd=billed,
        extra_usd=billed - (row.settled_usd or 0),
        was_unpriced=row.settled_usd is None,
        was_released=row.status is AttemptStatus.RELEASED,
    )


def _join(row: Attempt, sums: Mapping[str, Decimal]) -> BilledAttempt:
    if row.task_id and row.task_id in sums:
        return BilledAttempt(attempt=row, billed_usd=sums[row.task_id], source=BillSource.BILL)
    if row.cost_usd is not None:
        return BilledAttempt(attempt=row, billed_usd=row.cost_usd, source=BillSource.REPLY)
    return BilledAttempt(attempt=row, billed_usd=None, source=BillSource.NONE)


def _grouped(rows: Iterable[BilledAttempt], name_of: Callable[[Attempt], str]) -> list[Difference]:
    groups: dict[str, list[BilledAttempt]] = defaultdict(list)
    for row in rows:
        groups[name_of(row.attempt)].append(row)
    return [_sum(name, groups[name]) for name in sorted(groups)]


def _sum(name: str, rows: list[BilledAttempt]) -> Difference:
    known = [row for row in rows if row.difference_usd is not None]
    return Difference(
        name=name,
        attempts=len(rows),
        unbilled=len(rows) - len(known),
        counted_usd=sum((row.attempt.settled_usd or Decimal(0) for row in known), Decimal(0)),
        billed_usd=sum((row.billed_usd or Decimal(0) for row in known), Decimal(0)),
    )
