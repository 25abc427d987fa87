"""The caps: never crossed by any order of reserving and settling, and what was given back may be spent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchvid import events as ev
from batchvid.failures import Charged, FailureKind
from batchvid.jobs import Job, JobState, advance
from batchvid.runner.budget import Budget, Caps, Refusal
from batchvid.specs import UNPRICED, Price
from tests.builders import ACCEPTED, DIME, SUCCEEDED, at, job_in, started

CAPS = Caps(usd=Decimal("1.00"), clips=7, seconds=40, allow_unpriced=True)
PRICES = [DIME, UNPRICED, Price(usd=Decimal("0.33"), basis="a list"), Price(usd=Decimal("0"), basis="free")]
LENGTHS_S = st.sampled_from([4.0, 5.0, 8.0, 10.0, None])
JOB_IDS = st.sampled_from(["boat", "kite", "lamp", "moon"])


class Spending(RuleBasedStateMachine):
    """Jobs are bought as the submitter does it: ask, reserve, and settle with every event, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = {job_id: job_in(JobState.PENDING, job_id) for job_id in ("boat", "kite", "lamp", "moon")}
        self.reserved: dict[str, tuple[Price, float | None]] = {}
        self.budget = Budget(CAPS)

    def settle(self, job: Job) -> None:
        """As after every event."""
        self.jobs[job.id] = job
        self.budget.settle(job)

    @rule(job_id=JOB_IDS, price=st.sampled_from(PRICES), duration_s=LENGTHS_S)
    def reserve(self, job_id: str, price: Price, duration_s: float | None) -> None:
        job = self.jobs[job_id]
        if job.state is JobState.PENDING and job_id not in self.reserved:
            refusal = self.budget.refusal(price, duration_s)
            fits = (
                self.usd() + (price.usd or 0) <= Decimal(1)
                and self.clips() + 1 <= 7
                and duration_s is not None
                and self.seconds() + duration_s <= 40
            )
            assert (refusal is None) == fits
            if refusal is None:
                self.budget.reserve(job, price, duration_s)
                self.reserved[job_id] = (price, duration_s)

    @rule(job_id=JOB_IDS)
    def start(self, job_id: str) -> None:
        if job_id in self.reserved:
            price, duration_s = self.reserved.pop(job_id)
            self.settle(advance(self.jobs[job_id], started(price=price, duration_s=duration_s)))

    @rule(job_id=JOB_IDS)
    def give_up_before_it_started(self, job_id: str) -> None:
        if job_id in self.reserved:
            del self.reserved[job_id]
            self.settle(advance(self.jobs[job_id], ev.GaveUp(at=at(), kind=FailureKind.INVALID, message="gone")))

    @rule(job_id=JOB_IDS, retry=st.booleans())
    def refuse(self, job_id: str, retry: bool) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            no = ev.SubmitRefused(at=at(), kind=FailureKind.RATE, message="", retry_at=at(9) if retry else None)
            self.settle(advance(self.jobs[job_id], no))

    @rule(job_id=JOB_IDS, charged=st.sampled_from(Charged))
    def fail(self, job_id: str, charged: Charged) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            running = advance(self.jobs[job_id], ACCEPTED)
            no = ev.TaskFailed(at=at(), kind=FailureKind.UNAVAILABLE, message="", charged=charged, retry_at=at(9))
            self.settle(advance(running, no))

    @rule(job_id=JOB_IDS)
    def lose(self, job_id: str) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            self.settle(advance(self.jobs[job_id], ev.SubmitLost(at=at(), message="reset")))

    @rule(job_id=JOB_IDS)
    def reopen(self, job_id: str) -> None:
        if self.jobs[job_id].state in (JobState.FAILED, JobState.UNCERTAIN):
            self.settle(advance(self.jobs[job_id], ev.Reopened(at=at(), reason="retry")))

    def usd(self) -> Decimal:
        """What may have been spent, by the jobs and the open reservations."""
        reserved = sum((price.usd or Decimal(0) for price, _ in self.reserved.values()), Decimal(0))
        return reserved + sum((job.committed_usd for job in self.jobs.values()), Decimal(0))

    def clips(self) -> int:
        """How many may have been bought."""
        return len(self.reserved) + sum(job.committed_attempts for job in self.jobs.values())

    def seconds(self) -> float:
        """How long they are together, each attempt with the length that it was bought with."""
        reserved = sum(duration_s or 0.0 for _, duration_s in self.reserved.values())
        return reserved + sum(job.committed_s for job in self.jobs.values())

    @invariant()
    def no_cap_is_crossed(self) -> None:
        """What the budget counts is what may be billed, and none of it is over a cap."""
        assert (self.budget.usd, self.budget.clips, self.budget.seconds) == (self.usd(), self.clips(), self.seconds())
        assert self.usd() <= Decimal(1)
        assert self.clips() <= 7
        assert self.seconds() <= 40

    @invariant()
    def the_next_run_counts_the_same(self) -> None:
        """A budget made from the jobs on disk is the one of this run, but for what is not written down yet."""
        again = Budget(CAPS, self.jobs.values())
        assert again.clips == self.clips() - len(self.reserved)
        if not self.reserved:
            assert (again.usd, again.seconds) == (self.usd(), self.seconds())


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=80, stateful_step_count=50, deadline=None, database=None)


def test_without_caps_everything_fits() -> None:
    """A manifest that sets no budget is not held up, also by a price that nobody knows."""
    budget = Budget(Caps())
    assert budget.refusal(UNPRICED, 1e9) is None
    assert budget.refusal(Price(usd=Decimal(10**9)), 0) is None


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        (Caps(usd=Decimal("0.15")), "budget.usd is 0.15: 0.10 are committed, one more may cost 0.10"),
        (Caps(clips=1), "budget.clips is 1, and all are committed"),
        (Caps(seconds=12), "budget.seconds is 12: 8 are committed, one more takes 8"),
    ],
)
def test_a_refusal_says_which_cap_and_by_how_much(caps: Caps, said: str) -> None:
    """The user can tell from the line what to raise."""
    budget = Budget(caps)
    assert budget.refusal(DIME, 8) is None
    budget.reserve(job_in(JobState.PENDING), DIME, 8)
    assert budget.refusal(DIME, 8) == Refusal(said, of_cap=True)


def test_a_cap_may_be_reached_exactly() -> None:
    """Ten dimes are a dollar."""
    budget = Budget(Caps(usd=Decimal("1.00"), clips=10, seconds=40))
    for number in range(10):
        assert budget.refusal(DIME, 4) is None
        budget.reserve(job_in(JobState.PENDING, f"kite-{number}"), DIME, 4)
    assert budget.refusal(Price(usd=Decimal("0.01")), 0) is not None


def test_an_unknown_price_under_a_cap_needs_a_word() -> None:
    """With a cap in USD, what nobody can price is not bought unless the manifest says so; others may be."""
    budget = Budget(Caps(usd=Decimal(5)))
    refusal = budget.refusal(UNPRICED, 8)
    assert refusal is not None
    assert "budget.allow_unpriced" in refusal.reason
    assert not refusal.of_cap
    assert budget.refusal(DIME, 8) is None
    assert Budget(Caps(usd=Decimal(5), allow_unpriced=True)).refusal(UNPRICED, 8) is None
    assert Budget(Caps(clips=5)).refusal(UNPRICED, 8) is None


def test_an_unknown_length_fits_under_no_cap_of_seconds() -> None:
    """What nobody can measure is not bought under such a cap: the job's own trouble, others go on."""
    budget = Budget(Caps(seconds=40))
    refusal = budget.refusal(DIME, None)
    assert refusal is not None
    assert "budget.seconds needs duration_s" in refusal.reason
    assert not refusal.of_cap
    assert budget.refusal(DIME, 40) is None
    assert Budget(Caps(usd=Decimal(5), clips=5)).refusal(DIME, None) is None


def test_reserving_and_settling_are_one_purchase() -> None:
    """What was reserved is not counted again when the job says the same, however often."""
    budget, job = Budget(CAPS), job_in(JobState.PENDING)
    budget.reserve(job, DIME, 8)
    for event in (started(), ACCEPTED, SUCCEEDED):
        job = advance(job, event)
        budget.settle(job)
        assert (budget.usd, budget.clips, budget.seconds) == (Decimal("0.10"), 1, 8)


def test_a_second_purchase_of_a_job_counts_on_top() -> None:
    """A failed attempt that may have been charged stays in the sum."""
    budget = Budget(CAPS)
    failed = job_in(JobState.FAILED)
    budget.settle(failed)
    budget.reserve(advance(failed, ev.Reopened(at=at(), reason="retry")), DIME, 8)
    assert (budget.usd, budget.clips, budget.seconds) == (Decimal("0.20"), 2, 16)


def test_each_attempt_counts_with_its_own_length() -> None:
    """A job that was bought at eight seconds and is bought again at four has cost twelve, not twice four."""
    failed = job_in(JobState.FAILED)
    budget = Budget(Caps(seconds=20), [failed, job_in(JobState.FAILED, "boat")])
    again = advance(failed, ev.Reopened(at=at(), reason="retry"))
    assert budget.refusal(DIME, 5) is not None
    assert budget.refusal(DIME, 4) is None
    budget.reserve(again, DIME, 4)
    assert budget.seconds == 20
    budget.settle(advance(again, started(duration_s=4.0)))
    assert budget.seconds == 20
