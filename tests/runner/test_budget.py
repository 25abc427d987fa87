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
from batchvid.runner.budget import Budget, Caps
from batchvid.specs import UNPRICED, Price
from tests.builders import ACCEPTED, DIME, SUCCEEDED, at, job_in, started

CAPS = Caps(usd=Decimal("1.00"), clips=7, seconds=40, allow_unpriced=True)
PRICES = [DIME, UNPRICED, Price(usd=Decimal("0.33"), basis="a list"), Price(usd=Decimal("0"), basis="free")]
LENGTHS_S = {"kite": 4.0, "boat": 8.0, "lamp": 5.0, "moon": 10.0}
JOB_IDS = st.sampled_from(sorted(LENGTHS_S))


class Spending(RuleBasedStateMachine):
    """Jobs are bought as the submitter does it: ask, reserve, and settle with every event, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = {job_id: job_in(JobState.PENDING, job_id) for job_id in LENGTHS_S}
        self.reserved: dict[str, Price] = {}
        self.budget = Budget(CAPS)

    def settle(self, job: Job) -> None:
        """As after every event."""
        self.jobs[job.id] = job
        self.budget.settle(job, LENGTHS_S[job.id])

    @rule(job_id=JOB_IDS, price=st.sampled_from(PRICES))
    def reserve(self, job_id: str, price: Price) -> None:
        job = self.jobs[job_id]
        if job.state is JobState.PENDING and job_id not in self.reserved:
            refusal = self.budget.refusal(price, LENGTHS_S[job_id])
            fits = (
                self.usd() + (price.usd or 0) <= Decimal(1)
                and self.clips() + 1 <= 7
                and self.seconds() + LENGTHS_S[job_id] <= 40
            )
            assert (refusal is None) == fits
            if refusal is None:
                self.budget.reserve(job, price, LENGTHS_S[job_id])
                self.reserved[job_id] = price

    @rule(job_id=JOB_IDS)
    def start(self, job_id: str) -> None:
        if job_id in self.reserved:
            self.settle(advance(self.jobs[job_id], started(price=self.reserved.pop(job_id))))

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
        reserved = sum((price.usd or Decimal(0) for price in self.reserved.values()), Decimal(0))
        return reserved + sum((job.committed_usd for job in self.jobs.values()), Decimal(0))

    def clips(self) -> int:
        """How many may have been bought."""
        return len(self.reserved) + sum(job.committed_attempts for job in self.jobs.values())

    def seconds(self) -> float:
        """How long they are together."""
        counts = {job_id: job.committed_attempts + (job_id in self.reserved) for job_id, job in self.jobs.items()}
        return sum(LENGTHS_S[job_id] * count for job_id, count in counts.items())

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
        again = Budget(CAPS, [(job, LENGTHS_S[job.id]) for job in self.jobs.values()])
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
        (Caps(usd=Decimal("0.15")), "budget.usd is 0.15, 0.10 is committed and one more may cost 0.10"),
        (Caps(clips=1), "budget.clips is 1 and all are committed"),
        (Caps(seconds=12), "budget.seconds is 12, 8 are committed, one more takes 8"),
    ],
)
def test_a_refusal_says_which_cap_and_by_how_much(caps: Caps, said: str) -> None:
    """The user can tell from the line what to raise."""
    budget = Budget(caps)
    assert budget.refusal(DIME, 8) is None
    budget.reserve(job_in(JobState.PENDING), DIME, 8)
    assert budget.refusal(DIME, 8) == said


def test_a_cap_may_be_reached_exactly() -> None:
    """Ten dimes are a dollar."""
    budget = Budget(Caps(usd=Decimal("1.00"), clips=10, seconds=40))
    for number in range(10):
        assert budget.refusal(DIME, 4) is None
        budget.reserve(job_in(JobState.PENDING, f"kite-{number}"), DIME, 4)
    assert budget.refusal(Price(usd=Decimal("0.01")), 0) is not None


def test_an_unknown_price_under_a_cap_needs_a_word() -> None:
    """With a cap in USD, what nobody can price is not bought unless the manifest says so."""
    refusal = Budget(Caps(usd=Decimal(5))).refusal(UNPRICED, 8)
    assert refusal is not None
    assert "budget.allow_unpriced" in refusal
    assert Budget(Caps(usd=Decimal(5), allow_unpriced=True)).refusal(UNPRICED, 8) is None
    assert Budget(Caps(clips=5)).refusal(UNPRICED, 8) is None


def test_reserving_and_settling_are_one_purchase() -> None:
    """What was reserved is not counted again when the job says the same, however often."""
    budget, job = Budget(CAPS), job_in(JobState.PENDING)
    budget.reserve(job, DIME, 8)
    for event in (started(), ACCEPTED, SUCCEEDED):
        job = advance(job, event)
        budget.settle(job, 8)
        assert (budget.usd, budget.clips, budget.seconds) == (Decimal("0.10"), 1, 8)


def test_a_second_purchase_of_a_job_counts_on_top() -> None:
    """A failed attempt that may have been charged stays in the sum."""
    budget = Budget(CAPS)
    failed = job_in(JobState.FAILED)
    budget.settle(failed, 8)
    budget.reserve(advance(failed, ev.Reopened(at=at(), reason="retry")), DIME, 8)
    assert (budget.usd, budget.clips, budget.seconds) == (Decimal("0.20"), 2, 16)
