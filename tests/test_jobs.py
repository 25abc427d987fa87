"""The job's life: the table is exactly the one of the design, and no series of events gets around it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batchvid import events as ev
from batchvid.errors import IllegalEvent
from batchvid.failures import Charged, FailureKind
from batchvid.jobs import IN_FLIGHT, PAID_AND_OPEN, TRANSITIONS, Job, JobState, advance
from batchvid.specs import UNPRICED, Price
from tests.builders import ACCEPTED, DIME, LINK, ONE_OF_EACH, SUCCEEDED, at, clip, job_in, planned, spec, started

TABLE = """
Planned         -                                       pending
Planned         pending                                 pending
SubmitStarted   pending                                 submitting
SubmitAccepted  submitting uncertain                    running
SubmitRefused   submitting                              pending failed
SubmitLost      submitting                              uncertain
Progressed      running                                 running
TaskSucceeded   running                                 ready
TaskFailed      running                                 pending failed
LinkExpired     ready                                   running
ClipStored      ready                                   succeeded
GaveUp          pending submitting running ready        failed
Reopened        failed uncertain succeeded              pending
PollResumed     failed                                  running
"""
"""DESIGN.md section 4 and what came since: a plan may change before it is bought, a stored clip be bought anew."""


def table() -> dict[tuple[str, str], set[str]]:
    """Event and state before -> states after, read out of the text above."""
    states = {*(state.value for state in JobState), "-"}
    rows: dict[tuple[str, str], set[str]] = {}
    for line in TABLE.strip().splitlines():
        name, befores, afters = line[:16].strip(), line[16:56].split(), line[56:].split()
        assert states.issuperset([*befores, *afters])
        for before in befores:
            rows[name, before] = set(afters)
    return rows


def test_the_table_is_the_designs() -> None:
    """The package's transitions are those of the design and no others."""
    found = {
        (kind.__name__, "-" if before is None else before.value): {state.value for state in after}
        for kind, row in TRANSITIONS.items()
        for before, after in row.items()
    }
    assert table() == found


def test_every_kind_of_event_has_its_row() -> None:
    """No event is without a place in the life, and none goes by another name in the file than in the code."""
    assert set(TRANSITIONS) == set(ev.KINDS.values())
    assert {name: kind.__name__ for name, kind in ev.KINDS.items()} == {name: name for name in ev.KINDS}
    assert {type(event) for event in ONE_OF_EACH} == set(TRANSITIONS)


@pytest.mark.parametrize("before", [None, *JobState])
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_what_the_table_does_not_allow_raises_and_changes_nothing(event: ev.Event, before: JobState | None) -> None:
    """Each event in each state either leads where the table says, or raises IllegalEvent naming both."""
    job = None if before is None else job_in(before)
    allowed = table().get((type(event).__name__, "-" if before is None else before.value))
    if allowed:
        assert advance(job, event).state.value in allowed
        return
    with pytest.raises(IllegalEvent, match=type(event).__name__):
        advance(job, event)
    assert job == (None if before is None else job_in(before))


def test_a_job_cannot_be_changed_by_hand() -> None:
    """Nothing but `advance` makes a job that differs."""
    with pytest.raises(FrozenInstanceError):
        job_in(JobState.RUNNING).state = JobState.FAILED  # type: ignore[misc]


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_reached(state: JobState) -> None:
    """From a plan there is a way to each state."""
    assert job_in(state).state is state


def test_slots_and_open_money() -> None:
    """A slot is held while a task may run; money is open until the clip is in or given up."""
    assert {JobState.SUBMITTING, JobState.RUNNING} == IN_FLIGHT
    assert {JobState.SUBMITTING, JobState.RUNNING, JobState.READY} == PAID_AND_OPEN


def test_only_a_task_that_is_known_can_be_asked_again() -> None:
    """PollResumed needs a task id: a job that failed before it was ever accepted has none."""
    job = advance(job_in(JobState.PENDING), ev.GaveUp(at=at(), kind=FailureKind.CANCELLED, message="by the user"))
    with pytest.raises(IllegalEvent, match="no task id"):
        advance(job, ev.PollResumed(at=at(9)))
    assert job.state is JobState.FAILED


def test_a_new_attempt_forgets_the_last_one() -> None:
    """What the bars, the report and the poller read of an attempt is of the open one, never of the one before."""
    failed = job_in(JobState.FAILED)
    again = advance(failed, ev.Reopened(at=at(300), reason="retry"))
    again = advance(again, started(at=at(301), external_id="kite-2"))
    assert (again.attempts, again.external_id, again.submitted_at) == (2, "kite-2", at(301))
    assert (again.task_id, again.model_returned, again.kind, again.message) == ("", "", None, "")
    assert again.accepted_at is again.finished_at is again.retry_at is None
    assert again.committed_usd == 2 * Decimal("0.10")


def test_a_clip_that_is_bought_again_is_not_stored_yet() -> None:
    """The report tells of the open attempt: neither the old clip nor its times stand there any more."""
    again = advance(job_in(JobState.SUCCEEDED), ev.Reopened(at=at(300), reason="regenerate"))
    again = advance(again, started(at=at(301)))
    assert {again.clip, again.stored_at, again.finished_at, again.expires_at, again.progress} == {None}


def test_a_resolved_job_keeps_its_money() -> None:
    """A task found for an uncertain job makes it running, at the price that was held for it."""
    found = advance(job_in(JobState.UNCERTAIN), ACCEPTED)
    assert (found.state, found.task_id, found.message) == (JobState.RUNNING, "t-1", "")
    assert found.committed_usd == Decimal("0.10")


def test_an_abandoned_one_stays_paid_for() -> None:
    """Giving an uncertain job up frees it to be bought again and takes nothing out of the books."""
    abandoned = advance(job_in(JobState.UNCERTAIN), ev.Reopened(at=at(9), reason="resolve --abandon"))
    assert abandoned.state is JobState.PENDING
    assert (abandoned.committed_usd, abandoned.committed_attempts) == (Decimal("0.10"), 1)


def test_dead_links_and_refusals_are_counted() -> None:
    """By them a job is given up. The verdict's time stays the first one, and no link is kept that is dead."""
    job, waiting = job_in(JobState.READY), job_in(JobState.PENDING)
    for count in (1, 2, 3):
        job = advance(job, ev.LinkExpired(at=at(100), message="403"))
        assert (job.dead_links, job.assets, job.expires_at) == (count, (), None)
        job = advance(job, ev.TaskSucceeded(at=at(110), assets=(LINK,)))
        assert (job.dead_links, job.finished_at, job.assets) == (count, SUCCEEDED.at, (LINK,))
        no = ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60))
        waiting = advance(advance(waiting, started()), no)
        assert (waiting.refusals, waiting.committed_attempts) == (count, 0)
    assert advance(advance(waiting, started()), ACCEPTED).refusals == 0


USD = st.sampled_from([DIME, UNPRICED, Price(usd=Decimal(0), basis="free"), Price(usd=Decimal("2.64"), basis="a list")])
RETRY = st.none() | st.integers(0, 3600).map(at)
KIND = st.sampled_from(FailureKind)


class Life(RuleBasedStateMachine):
    """Plays events at random against one job, keeping its own short books of what was paid."""

    def __init__(self) -> None:
        super().__init__()
        self.job: Job | None = None
        self.open_price: Price = UNPRICED
        self.open_counts = False  # whether the last attempt is in the books
        self.counted: list[Price] = []
        self.refusals = self.dead_links = 0
        self.second = 0

    def play(self, event: ev.Event) -> bool:
        """One event, legal or not; whether it was legal."""
        before = self.job
        row = table().get((type(event).__name__, "-" if before is None else before.state.value))
        try:
            after = advance(before, event)
        except IllegalEvent:
            no_task = isinstance(event, ev.PollResumed) and before is not None and not before.task_id
            assert row is None or no_task
            assert self.job is before
            return False
        assert row is not None
        assert after.state.value in row
        self.job = after
        return True

    def give_back(self) -> None:
        """The vendor says that the last attempt cost nothing."""
        self.counted.remove(self.open_price)
        self.open_counts = False

    def now(self) -> Any:
        """Time goes on."""
        self.second += 1
        return at(self.second)

    @rule(number=st.integers(0, 3))
    def plan(self, number: int) -> None:
        self.play(planned(spec(prompt=f"kite {number}")))

    @rule(price=USD)
    def start(self, price: Price) -> None:
        if self.play(started(at=self.now(), price=price)):
            self.open_price, self.open_counts, self.dead_links = price, True, 0
            self.counted.append(price)

    @rule()
    def accept(self) -> None:
        if self.play(ev.SubmitAccepted(at=self.now(), task_id=f"t-{self.second}")):
            self.refusals = 0

    @rule(kind=KIND, retry_at=RETRY)
    def refuse(self, kind: FailureKind, retry_at: Any) -> None:
        if self.play(ev.SubmitRefused(at=self.now(), kind=kind, message="no", retry_at=retry_at)):
            self.give_back()
            self.refusals += 1
            assert self.job
            assert (self.job.state is JobState.PENDING) == (retry_at is not None)

    @rule()
    def lose(self) -> None:
        self.play(ev.SubmitLost(at=self.now(), message="reset"))

    @rule(share=st.none() | st.floats(0, 1))
    def progress(self, share: float | None) -> None:
        self.play(ev.Progressed(at=self.now(), word="running", progress=share))

    @rule()
    def succeed(self) -> None:
        self.play(ev.TaskSucceeded(at=self.now(), assets=(LINK,), expires_at=self.now() + timedelta(hours=1)))

    @rule(kind=KIND, charged=st.sampled_from(Charged), retry_at=RETRY)
    def fail(self, kind: FailureKind, charged: Charged, retry_at: Any) -> None:
        if (
            self.play(ev.TaskFailed(at=self.now(), kind=kind, message="", charged=charged, retry_at=retry_at))
            and charged is Charged.NO
        ):
            self.give_back()

    @rule()
    def expire(self) -> None:
        if self.play(ev.LinkExpired(at=self.now(), message="410")):
            self.dead_links += 1

    @rule()
    def store(self) -> None:
        self.play(ev.ClipStored(at=self.now(), clip=clip()))

    @rule(kind=KIND)
    def give_up(self, kind: FailureKind) -> None:
        self.play(ev.GaveUp(at=self.now(), kind=kind, message="enough"))

    @rule()
    def reopen(self) -> None:
        if self.play(ev.Reopened(at=self.now(), reason="retry")):
            self.refusals = 0

    # the session asks again only for tasks without a verdict; one that was given back has had its verdict
    @precondition(lambda self: self.open_counts or self.job is None or not self.job.task_id)
    @rule()
    def resume(self) -> None:
        if self.play(ev.PollResumed(at=self.now())):
            self.dead_links = 0

    @invariant()
    def patience_is_counted(self) -> None:
        """Refusals in a row and dead links of an attempt decide when a job is given up: none is lost or kept."""
        if self.job is not None:
            assert (self.job.refusals, self.job.dead_links) == (self.refusals, self.dead_links)

    @invariant()
    def the_books_agree(self) -> None:
        """What the job says is committed is the sum of the attempts not given back, and is never negative."""
        if self.job is None:
            return
        assert self.job.committed_usd == sum((price.usd or Decimal(0) for price in self.counted), Decimal(0))
        assert self.job.committed_attempts == len(self.counted) <= self.job.attempts
        assert self.job.unpriced_attempts == sum(price.usd is None for price in self.counted)

    @invariant()
    def a_state_has_what_it_needs(self) -> None:
        """A running or ready job has a task, a stored one a clip, and nothing waits with a clip."""
        if self.job is None:
            return
        if self.job.state in (JobState.RUNNING, JobState.READY, JobState.SUCCEEDED):
            assert self.job.task_id
            assert self.job.accepted_at
        assert (self.job.clip is not None) == (self.job.state is JobState.SUCCEEDED)
        assert (self.job.assets != ()) == (self.job.state is JobState.READY)
        assert self.job.state is not JobState.FAILED or self.job.kind is not None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=60, deadline=None, database=None)
