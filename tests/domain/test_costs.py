"""A cost in a vendor's reply in the place of the estimate: what it counts as, and what is reported."""

from __future__ import annotations

from decimal import Decimal

import pytest

from batchvid.domain import events as ev
from batchvid.domain.attempts import AttemptStatus, build_attempts
from batchvid.domain.costs import charged_with, cost_of, describe_cost, usd_of_units
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, Price
from batchvid.domain.jobs import Job, advance
from tests.builders import ACCEPTED, DIME, LINK, at, planned, spec, started

FREE = Price(usd=Decimal(0), basis="free")


def finished(cost: str, seconds: float = 90) -> ev.TaskSucceeded:
    """A finished task whose reply names that cost."""
    return ev.TaskSucceeded(at=at(seconds), assets=(LINK,), actual_usd=cost, cost_usd=cost_of(cost))


def failed(cost: str, charged: Charged) -> ev.TaskFailed:
    """A failed task whose reply names that cost."""
    kind = FailureKind.MODERATION_OUTPUT
    charged = charged_with(charged, cost)
    return ev.TaskFailed(at=at(90), kind=kind, message="", charged=charged, actual_usd=cost, cost_usd=cost_of(cost))


def after(*happened: ev.Event) -> Job:
    """The job after these events."""
    job = advance(None, planned())
    for event in happened:
        job = advance(job, event)
    return job


@pytest.mark.parametrize(
    ("reply", "counts"),
    [
        ("0.31", "0.31"),
        ("1000", "1000"),
        ("1e3", "1000"),
        ("0.30000000000000004", "0.3000000001"),
        ("1e400", "1000000000"),
        ("Infinity", "1000000000"),
        ("", None),
        ("0", None),
        ("0.00", None),
        ("-1", None),
        ("-Infinity", None),
        ("NaN", None),
        ("sNaN", None),
        ("free", None),
    ],
)
def test_a_cost_counts_where_it_can_be_one(reply: str, counts: str | None) -> None:
    """A positive number counts, up to a bound; nothing else replaces the estimate."""
    found = cost_of(reply)
    assert (None if found is None else f"{found:f}") == counts


@pytest.mark.parametrize(("cost", "committed"), [("0.04", "0.04"), ("1000", "1000"), ("0", "0.10"), ("-5", "0.10")])
def test_a_job_and_its_ledger_row_follow_the_cost(cost: str, committed: str) -> None:
    """Below the estimate the difference is released, above it counts, and nonsense leaves the estimate."""
    events = [started(), ACCEPTED, finished(cost)]
    job, (row,) = after(*events), build_attempts(spec(), events)
    assert job.committed_usd == job.counted_usd == row.settled_usd == Decimal(committed)
    assert (job.actual_usd, row.actual_usd) == (cost, cost)
    assert row.price == DIME


def test_a_cost_makes_an_unknown_price_known() -> None:
    """An attempt without a price is no longer of unknown price once its reply names the cost."""
    job = after(started(price=UNPRICED), ACCEPTED, finished("0.31"))
    assert (job.committed_usd, job.unpriced_attempts, job.committed_attempts) == (Decimal("0.31"), 0, 1)


def test_the_last_cost_of_a_task_counts_once() -> None:
    """A second poll of the same task, for a new link, may name the cost again, another one, or none."""
    expired = ev.LinkExpired(at=at(100), message="403")
    again = [started(), ACCEPTED, finished("0.31"), expired]
    assert after(*again, finished("0.31", 110)).committed_usd == Decimal("0.31")
    assert after(*again, finished("0.35", 110)).committed_usd == Decimal("0.35")
    assert after(*again, finished("", 110)).committed_usd == Decimal("0.31")
    assert after(*again, finished("", 110)).actual_usd == "0.31"


def test_earlier_attempts_keep_their_cost() -> None:
    """The next attempt is reserved at its price, beside what the first one cost."""
    retried = ev.Reopened(at=at(300), reason="retry")
    job = after(started(), ACCEPTED, failed("0.25", Charged.UNKNOWN), retried, started(at=at(301)))
    assert (job.committed_usd, job.counted_usd, job.actual_usd) == (Decimal("0.35"), Decimal("0.10"), "")


@pytest.mark.parametrize(
    ("charged", "cost", "status", "committed"),
    [
        (Charged.UNKNOWN, "0.25", AttemptStatus.SPENT, "0.25"),
        (Charged.YES, "0.25", AttemptStatus.SPENT, "0.25"),
        (Charged.NO, "0.25", AttemptStatus.MAYBE, "0.25"),
        (Charged.NO, "0", AttemptStatus.RELEASED, "0"),
        (Charged.UNKNOWN, "0", AttemptStatus.MAYBE, "0.10"),
        (Charged.YES, "nan", AttemptStatus.SPENT, "0.10"),
    ],
)
def test_the_cost_of_a_failed_task_counts(charged: Charged, cost: str, status: AttemptStatus, committed: str) -> None:
    """A cost means that it was charged; beside a "not charged" it is a contradiction, and counts."""
    events = [started(), ACCEPTED, failed(cost, charged)]
    (row,) = build_attempts(spec(), events)
    assert (row.status, row.settled_usd) == (status, Decimal(committed))
    assert after(*events).committed_usd == Decimal(committed)


def test_events_from_before_costs_counted_keep_their_totals() -> None:
    """An older state file has the vendor's cost beside the price that was counted."""
    events = [started(), ACCEPTED, ev.TaskSucceeded(at=at(90), assets=(), actual_usd="0.31")]
    (row,) = build_attempts(spec(), events)
    assert after(*events).committed_usd == row.settled_usd == Decimal("0.10")


@pytest.mark.parametrize(
    ("price", "cost", "words"),
    [
        (DIME, "0.31", "charged $0.31, the estimate was $0.10: $0.31 counts"),
        (DIME, "1000", "more than 1000 times as much"),
        (FREE, "0.31", "charged $0.31, the estimate was $0: "),
        (DIME, "-4", "a cost of -4 USD, which cannot be: the estimate of $0.10 counts"),
        (DIME, "nan", "cannot be"),
    ],
)
def test_a_cost_above_the_estimate_or_without_sense_is_reported(price: Price, cost: str, words: str) -> None:
    """With both amounts, and with what counts."""
    assert words in describe_cost(price, cost)


@pytest.mark.parametrize(
    ("price", "cost"),
    [(DIME, ""), (DIME, "0.10"), (DIME, "0.05"), (DIME, "0"), (UNPRICED, "7"), (UNPRICED, "-7"), (FREE, "-1")],
)
def test_what_the_estimate_covers_is_not_reported(price: Price, cost: str) -> None:
    """Nor is a cost without an estimate beside it."""
    assert describe_cost(price, cost) == ""


@pytest.mark.parametrize(
    ("units", "usd"),
    [
        ({"credits": "60"}, "0.60"),
        ({"credits": "0"}, "0.00"),
        ({"credits": "1e1"}, "0.1"),
        ({"credits": "many"}, ""),
        ({"credits": "NaN"}, ""),
        ({"units": "3"}, ""),
        ({}, ""),
    ],
)
def test_units_of_the_vendor_are_worth_what_the_provider_states(units: dict[str, str], usd: str) -> None:
    """A unit without a worth, and what is no number, is no cost."""
    assert usd_of_units(units, {"credits": Decimal("0.01")}) == usd
    assert usd_of_units(units, {}) == ""
