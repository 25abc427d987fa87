"""The ledger: each attempt has its row and its verdict, and the rows add up to what the jobs say, whatever happened."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchvid.domain import events as ev
from batchvid.domain.attempts import NEXT_STATUS, Attempt, AttemptStatus, Sum, build_attempts, sums
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, Price
from batchvid.domain.jobs import Job, advance
from batchvid.errors import IllegalEvent
from batchvid.state.readers import read_attempts
from tests.builders import ACCEPTED, DIME, LINK, STORED, SUCCEEDED, at, clip, life, planned, spec, started, state_file

LOST = ev.SubmitLost(at=at(3), message="reset")
REFUSED = ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60))
GAVE_UP = ev.GaveUp(at=at(200), kind=FailureKind.TIMEOUT, message="no verdict within 3600 s")
REOPENED = ev.Reopened(at=at(300), reason="retry")
ENDED = ev.RehearsalEnded(at=at(350))
RESUMED = ev.PollResumed(at=at(400))
EXPIRED = ev.LinkExpired(at=at(100), message="410")


def failed(charged: Charged, retry_at: Any = None) -> ev.TaskFailed:
    """The vendor broke the task."""
    return ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke", charged=charged, retry_at=retry_at)


def verdicts(*events: ev.Event) -> list[AttemptStatus]:
    """What became of the attempts of a job with these events, each of which must be legal."""
    return [row.status for row in build_attempts(spec(), [entry.event for entry in life(planned(), *events)])]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ((), []),
        ((started(),), ["reserved"]),
        ((started(), ACCEPTED), ["reserved"]),
        ((started(), ACCEPTED, SUCCEEDED), ["spent"]),
        ((started(), ACCEPTED, SUCCEEDED, STORED), ["spent"]),
        ((started(), ACCEPTED, SUCCEEDED, EXPIRED), ["spent"]),
        ((started(), ACCEPTED, SUCCEEDED, EXPIRED, GAVE_UP, RESUMED), ["spent"]),
        ((started(), REFUSED), ["released"]),
        ((started(), REFUSED, GAVE_UP), ["released"]),
        ((started(), REFUSED, started(), ACCEPTED), ["released", "reserved"]),
        ((started(), LOST), ["held"]),
        ((started(), LOST, ACCEPTED), ["reserved"]),
        ((started(), LOST, REOPENED), ["maybe"]),
        ((started(), LOST, REOPENED, GAVE_UP), ["maybe"]),
        ((started(), LOST, REOPENED, started(), ACCEPTED, SUCCEEDED), ["maybe", "spent"]),
        ((started(), GAVE_UP), ["maybe"]),
        ((started(), ACCEPTED, GAVE_UP), ["maybe"]),
        ((started(), ACCEPTED, GAVE_UP, RESUMED), ["reserved"]),
        ((started(), ACCEPTED, GAVE_UP, RESUMED, SUCCEEDED), ["spent"]),
        ((started(), ACCEPTED, failed(Charged.YES)), ["spent"]),
        ((started(), ACCEPTED, failed(Charged.NO)), ["released"]),
        ((started(), ACCEPTED, failed(Charged.UNKNOWN)), ["maybe"]),
        ((started(), ACCEPTED, failed(Charged.UNKNOWN, at(99)), started(), REFUSED), ["maybe", "released"]),
    ],
)
def test_an_attempt_is_settled_by_what_happened(events: tuple[ev.Event, ...], told: list[str]) -> None:
    """Every way that an attempt can go has its verdict, and a later event moves only the last attempt's."""
    assert verdicts(*events) == told


def test_a_row_tells_what_the_attempt_was() -> None:
    """Provider, model, time and price are those of the attempt, also where the job has turned to another since."""
    dear = Price(usd=Decimal("0.40"), basis="a list")
    first = started(provider="office", price=dear, duration_s=4.0, model="house-1")
    second = started(at=at(100), provider="")
    events = [planned(), first, ACCEPTED, failed(Charged.YES, at(99)), second, replace(SUCCEEDED, actual_usd="0.08")]
    one, two = build_attempts(spec(tags=("hero",)), events)
    common: dict[str, Any] = {
        "job": "kite",
        "origin": "https://api.example",
        "tags": ("hero",),
        "status": AttemptStatus.SPENT,
    }
    assert one == Attempt(
        number=1, provider="office", model="house-1", at=at(1), price=dear, seconds=4.0, task_id="t-1", **common
    )
    assert two == Attempt(
        number=2,
        provider="cometapi",
        model="veo3-fast",
        at=at(100),
        price=DIME,
        seconds=8.0,
        actual_usd="0.08",
        **common,
    )


def test_what_is_released_counts_nothing() -> None:
    """A released attempt settles at nothing, also one of unknown price; of the others the unknown stays unknown."""
    (row,) = build_attempts(spec(), [started(price=UNPRICED)])
    assert (row.counts, row.settled_usd) == (True, None)
    assert replace(row, status=AttemptStatus.RELEASED).settled_usd == 0
    assert replace(row, status=AttemptStatus.REHEARSAL).settled_usd == 0
    not_paid = {status for status in AttemptStatus if not replace(row, status=status).counts}
    assert not_paid == {AttemptStatus.RELEASED, AttemptStatus.REHEARSAL}


def test_seconds_count_and_are_released_like_money() -> None:
    """Each attempt counts the seconds it bought; one that the vendor does not charge counts none."""
    first = [started(duration_s=8.0), ACCEPTED, failed(Charged.UNKNOWN, at(99))]
    second = [*first, started(at=at(301), duration_s=4.0), ACCEPTED]
    released = [*second, failed(Charged.NO)]
    counted = [
        sum(row.seconds or 0.0 for row in build_attempts(spec(), events) if row.counts)
        for events in (first, second, released, [started(duration_s=None)])
    ]
    assert counted == [8.0, 12.0, 8.0, 0.0]


def test_the_sums_are_by_verdict() -> None:
    """Each verdict has its attempts, their prices and how many have none."""
    rows = build_attempts(spec(), [started(), REFUSED, started(), LOST, REOPENED, started(price=UNPRICED), LOST])
    assert sums(rows) == {
        AttemptStatus.RESERVED: Sum(),
        AttemptStatus.HELD: Sum(1, Decimal(0), 1),
        AttemptStatus.SPENT: Sum(),
        AttemptStatus.MAYBE: Sum(1, Decimal("0.10"), 0),
        AttemptStatus.RELEASED: Sum(1, Decimal(0), 0),
        AttemptStatus.REHEARSAL: Sum(),
    }


def test_the_state_file_gives_the_ledger(tmp_path: Path) -> None:
    """In the manifest's order, whole or of single jobs; a job that was never sent has no row."""
    lives = [
        life(planned(spec("kite")), started(), REFUSED, started(at=at(70)), ACCEPTED, SUCCEEDED),
        life(planned(spec("moon"))),
        life(planned(spec("boat")), started(), LOST),
    ]
    path = state_file(tmp_path / "state.sqlite3", *lives)
    rows = [(row.job, row.number, row.status.value) for row in read_attempts(path)]
    assert rows == [("kite", 1, "released"), ("kite", 2, "spent"), ("boat", 1, "held")]
    assert [row.job for row in read_attempts(path, ["boat", "moon"])] == ["boat"]


PRICES = st.sampled_from(
    [DIME, UNPRICED, Price(usd=Decimal(0), basis="free"), Price(usd=Decimal("2.64"), basis="a list")]
)
RETRY = st.none() | st.just(at(60))
COSTS = st.none() | st.sampled_from([Decimal("0.03"), Decimal("0.10"), Decimal(1000)])
EVENTS = st.one_of(
    st.builds(
        started,
        price=PRICES,
        duration_s=st.sampled_from([None, 4.0, 8.0]),
        rehearsal=st.booleans(),
        origin=st.sampled_from(["https://api.example", "embedded"]),
    ),
    st.sampled_from([ACCEPTED, replace(ACCEPTED, rehearsal=True), LOST, replace(LOST, rehearsal=True)]),
    st.builds(
        ev.SubmitRefused,
        at=st.just(at(3)),
        kind=st.sampled_from(FailureKind),
        message=st.just(""),
        retry_at=RETRY,
        rehearsal=st.booleans(),
    ),
    st.builds(ev.TaskSucceeded, at=st.just(at(90)), assets=st.just((LINK,)), cost_usd=COSTS),
    st.builds(
        lambda event, cost: replace(event, cost_usd=cost), st.builds(failed, st.sampled_from(Charged), RETRY), COSTS
    ),
    st.sampled_from([EXPIRED, ev.ClipStored(at=at(95), clip=clip()), GAVE_UP, REOPENED, RESUMED, ENDED, planned()]),
)


class Books(RuleBasedStateMachine):
    """One job lives through any legal series of events; its ledger is made anew after each."""

    def __init__(self) -> None:
        super().__init__()
        self.job: Job = advance(None, planned())
        self.events: list[ev.Event] = [planned()]

    @rule(some=st.lists(EVENTS, min_size=1, max_size=8))
    def happen(self, some: list[ev.Event]) -> None:
        for event in some:
            try:
                self.job = advance(self.job, event)
            except IllegalEvent:
                continue
            self.events.append(event)

    @invariant()
    def the_ledger_adds_up_to_the_job(self) -> None:
        """Money, attempts and unpriced ones: the rows that count are what the job says is committed."""
        rows = build_attempts(self.job.spec, self.events)
        counting = [row for row in rows if row.counts]
        assert len(rows) == self.job.attempts
        assert len(counting) == self.job.committed_attempts
        assert sum((row.settled_usd or Decimal(0) for row in rows), Decimal(0)) == self.job.committed_usd
        assert sum(row.settled_usd is None for row in counting) == self.job.unpriced_attempts

    @invariant()
    def what_tells_nothing_may_be_left_out(self) -> None:
        """The events that the ledger asks for give the same rows as all of them."""
        told = [event for event in self.events if type(event) in NEXT_STATUS]
        assert build_attempts(self.job.spec, told) == build_attempts(self.job.spec, self.events)

    @invariant()
    def a_stored_clip_is_paid_for(self) -> None:
        """Of a job that has its clip the last attempt is spent, and only earlier ones may be held or open: none is."""
        rows = build_attempts(self.job.spec, self.events)
        assert [row for row in rows[:-1] if row.status in (AttemptStatus.RESERVED, AttemptStatus.HELD)] == []
        if self.job.rehearsal:
            assert rows[-1].status is AttemptStatus.REHEARSAL
            return
        if self.job.state == "succeeded":
            assert rows[-1].status is AttemptStatus.SPENT
        if self.job.state == "uncertain":
            assert rows[-1].status is AttemptStatus.HELD
        if self.job.state in ("submitting", "running"):
            assert rows[-1].status in (AttemptStatus.RESERVED, AttemptStatus.SPENT)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=15, deadline=None, database=None)
