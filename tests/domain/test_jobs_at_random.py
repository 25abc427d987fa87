"""The job's life under any series of events: nothing gets around the table, and the books agree at every step."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, Price
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import IllegalEvent
from tests.builders import DIME, LINK, at, clip, planned, spec, started
from tests.domain.test_jobs import table

USD = st.sampled_from([DIME, UNPRICED, Price(usd=Decimal(0), basis="free"), Price(usd=Decimal("2.64"), basis="a list")])
RETRY = st.none() | st.integers(0, 3600).map(at)
KIND = st.sampled_from(FailureKind)


class Life(RuleBasedStateMachine):
    """Plays events at random against one job, keeping its own short books of what was paid."""

    def __init__(self) -> None:
        super().__init__()
        self.job: Job | None = None
        self.open: Price = UNPRICED
        self.counted: list[Price] = []
        self.may_give_a_clip = self.was_stored = False
        self.refusals = self.dead_links = self.tasks = 0
        self.second = 0

    def play(self, event: ev.Event) -> bool:
        """One event, legal or not; whether it was legal."""
        before = self.job
        row = table().get((type(event).__name__, "-" if before is None else before.state.value))
        try:
            after = advance(before, event)
        except IllegalEvent:
            assert row is None or (isinstance(event, ev.PollResumed) and not self.may_give_a_clip)
            assert self.job is before
            return False
        assert row is not None
        assert after.state.value in row
        self.job = after
        return True

    def give_back(self) -> None:
        """The vendor says that the last attempt cost nothing."""
        self.counted.remove(self.open)

    def now(self) -> Any:
        """Time goes on."""
        self.second += 1
        return at(self.second)

    @rule(number=st.integers(0, 3))
    def plan(self, number: int) -> None:
        self.play(planned(spec(prompt=f"kite {number}")))

    @rule(price=USD, seconds=st.none() | st.sampled_from([4.0, 8.0]))
    def start(self, price: Price, seconds: float | None) -> None:
        if self.play(started(at=self.now(), price=price, duration_s=seconds)):
            self.open, self.dead_links = price, 0
            self.counted.append(self.open)
            self.may_give_a_clip = False

    @rule()
    def accept(self) -> None:
        if self.play(ev.SubmitAccepted(at=self.now(), task_id=f"t-{self.second}")):
            self.refusals = 0
            self.tasks += 1
            self.may_give_a_clip = True

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
        self.play(ev.SubmitLost(at=self.now(), message="reset", looked_up="the provider does not know it"))

    @rule(share=st.none() | st.floats(0, 1))
    def progress(self, share: float | None) -> None:
        self.play(ev.Progressed(at=self.now(), vendor_status="running", progress=share))

    @rule()
    def succeed(self) -> None:
        self.play(ev.TaskSucceeded(at=self.now(), assets=(LINK,), expires_at=self.now() + timedelta(hours=1)))

    @rule(kind=KIND, charged=st.sampled_from(Charged), retry_at=RETRY)
    def fail(self, kind: FailureKind, charged: Charged, retry_at: Any) -> None:
        if self.play(ev.TaskFailed(at=self.now(), kind=kind, message="", charged=charged, retry_at=retry_at)):
            self.may_give_a_clip = False
            if charged is Charged.NO:
                self.give_back()

    @rule(dead=st.booleans())
    def expire(self, dead: bool) -> None:
        if self.play(ev.LinkExpired(at=self.now(), message="410", dead=dead)):
            self.dead_links += dead

    @rule()
    def store(self) -> None:
        if self.play(ev.ClipStored(at=self.now(), clip=clip())):
            self.was_stored = True

    @rule(kind=KIND)
    def give_up(self, kind: FailureKind) -> None:
        self.play(ev.GaveUp(at=self.now(), kind=kind, message="enough"))

    @rule()
    def reopen(self) -> None:
        if self.play(ev.Reopened(at=self.now(), reason="retry")):
            self.refusals = 0
            self.may_give_a_clip = False

    @rule()
    def resume(self) -> None:
        if self.play(ev.PollResumed(at=self.now())):
            self.dead_links = 0

    @rule()
    def relocate(self) -> None:
        if self.play(ev.Relocated(at=self.now(), origin="https://new.example")):
            assert self.job is not None
            assert self.job.origin == "https://new.example"

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
        assert self.job.tasks == self.tasks <= self.job.attempts
        assert self.job.unpriced_attempts == sum(price.usd is None for price in self.counted)

    @invariant()
    def a_state_has_what_it_needs(self) -> None:
        """A running or ready job has a task, and whoever was stored once keeps a clip."""
        if self.job is None:
            return
        if self.job.state in (JobState.RUNNING, JobState.READY, JobState.SUCCEEDED):
            assert self.job.task_id
            assert self.job.accepted_at
        assert (self.job.clip is not None) == self.was_stored
        assert (self.job.assets != ()) == (self.job.state is JobState.READY)
        assert self.job.state is not JobState.FAILED or self.job.kind is not None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=60, deadline=None, database=None)
