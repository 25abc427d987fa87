"""The vendor's bill beside what the attempts count as: how it is joined, summed up, and counted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from batchvid.domain import events as ev
from batchvid.domain.attempts import Attempt, AttemptStatus, build_attempts
from batchvid.domain.bills import BillEntry, BillSource, by_day, by_model, compare, costs_above
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.jobs import Job, advance
from tests.builders import ACCEPTED, SUCCEEDED, at, planned, spec, started

FAILED = ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke")
FREE = replace(FAILED, charged=Charged.NO)


def attempts(*events: ev.Event) -> list[Attempt]:
    return build_attempts(spec(), [started(), ACCEPTED, *events])


def bill(usd: str, task_id: str = "t-1") -> BillEntry:
    return BillEntry(task_id=task_id, usd=Decimal(usd))


def test_what_may_be_charged_comes_first() -> None:
    """An attempt that failed with an unknown charge stands before the others, with its bill."""
    spent = replace(attempts(SUCCEEDED)[0], job="boat", task_id="t-2", at=at(-60))
    rows = compare([spent, *attempts(FAILED)], [bill("0.10"), bill("-0.10"), bill("0.12", "t-2"), bill("9", "t-9")])
    assert [(row.attempt.job, row.is_open, row.billed_usd) for row in rows] == [
        ("kite", True, Decimal("0.00")),
        ("boat", False, Decimal("0.12")),
    ]
    assert [row.difference_usd for row in rows] == [Decimal("-0.10"), Decimal("0.02")]
    (model,), (day,) = by_model(rows), by_day(rows)
    assert (model.attempts, model.unbilled, model.difference_usd) == (2, 0, Decimal("-0.08"))
    assert day.name == f"{at():%Y-%m-%d}"


def test_a_cost_in_the_reply_stands_in_for_a_bill() -> None:
    """Without a bill the reply's cost is shown, and counts no second time; without either nothing is known."""
    (row,) = compare(attempts(replace(SUCCEEDED, actual_usd="0.3", cost_usd=Decimal("0.3"))), [])
    assert (row.source, row.billed_usd, costs_above([row], at())) == (BillSource.REPLY, Decimal("0.3"), [])
    (row,) = compare(attempts(SUCCEEDED), [])
    assert (row.source, row.billed_usd, row.difference_usd) == (BillSource.NONE, None, None)


@pytest.mark.parametrize("end", [SUCCEEDED, FAILED, FREE, None])
def test_a_higher_bill_counts_in_both_books(end: ev.Event | None) -> None:
    """The job's total and the attempts' agree before and after, also where the attempt counted as not paid."""
    events = [planned(), started(), ACCEPTED, *([end] if end else [])]
    job: Job | None = None
    for event in events:
        job = advance(job, event)
    assert job is not None
    ((name, billed),) = costs_above(compare(build_attempts(spec(), events), [bill("0.30")]), at(999))
    after, rows = advance(job, billed), build_attempts(spec(), [*events, billed])
    assert (name, after.state) == (job.id, job.state)
    assert after.committed_usd == sum(row.settled_usd or 0 for row in rows) == Decimal("0.30")
    assert after.committed_attempts == sum(row.counts for row in rows) == 1
    assert costs_above(compare(rows, [bill("0.30")]), at(999)) == []


def test_an_earlier_attempt_is_billed() -> None:
    """A bill of the first of two attempts counts for that one, and the job's total has both."""
    retried = replace(FAILED, retry_at=at(100))
    again = [started(at=at(110)), replace(ACCEPTED, at=at(111), task_id="t-2")]
    events = [planned(), started(), ACCEPTED, retried, *again]
    ((_, billed),) = costs_above(compare(build_attempts(spec(), events), [bill("0.30"), bill("0.05", "t-2")]), at(999))
    job: Job | None = None
    for event in (*events, billed):
        job = advance(job, event)
    rows = build_attempts(spec(), [*events, billed])
    assert job is not None
    assert job.committed_usd == sum(row.settled_usd or 0 for row in rows) == Decimal("0.40")
    assert (job.cost_usd, [row.status for row in rows]) == (None, [AttemptStatus.MAYBE, AttemptStatus.RESERVED])
