"""A model that fails everything is paused, tried by one job at a time, and given up after a known number of probes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.providers.circuit_breaker import Breaker, ProviderHealth
from tests.builders import ACCEPTED, SUCCEEDED, at, job_in

BROKE = ev.TaskFailed(at=at(), kind=FailureKind.UNAVAILABLE, message="broke")
FILTERED = ev.TaskFailed(at=at(), kind=FailureKind.MODERATION_OUTPUT, message="withheld")
OVERDUE = ev.TaskFailed(at=at(), kind=FailureKind.TIMEOUT, message="cancelled")
LOST = ev.SubmitLost(at=at(), message="reset")
GAVE_UP = ev.GaveUp(at=at(), kind=FailureKind.TIMEOUT, message="no verdict")
RATE = ev.SubmitRefused(at=at(), kind=FailureKind.RATE, message="slow down")


def job(number: int = 0) -> Job:
    """A job that is out."""
    return replace(
        job_in(JobState.RUNNING), model_sent="veo", spec=replace(job_in(JobState.RUNNING).spec, id=f"k{number}")
    )


class Provider(RuleBasedStateMachine):
    """Jobs go as the breaker lets them, and work, fail or end without a word in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(opens_after=2, max_probes=3, wait_initial_s=1.0)
        self.now = 0.0
        self.out: set[str] = set()
        self.since_open: set[str] = set()
        self.number = 0

    @rule(later_s=st.floats(0, 40))
    def wait(self, later_s: float) -> None:
        self.now += later_s

    @precondition(lambda self: self.breaker.allows(self.now))
    @rule()
    def send(self) -> None:
        self.number += 1
        job_id = f"k{self.number}"
        if self.breaker.next_available_at is not None:
            assert self.now >= self.breaker.next_available_at
            self.since_open.add(job_id)
        self.breaker.record_start(job_id)
        self.out.add(job_id)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), how=st.sampled_from(["worked", "failed", "record_neutral"]))
    def end(self, data: st.DataObject, how: str) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.out)))
        self.out.discard(job_id)
        self.since_open.discard(job_id)
        if how == "worked":
            self.breaker.record_success()
            self.since_open.clear()
        elif how == "failed":
            self.breaker.failed(job_id, self.now, 1.0)
        else:
            self.breaker.record_neutral(job_id)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        """While it is open no more than one job is out that was sent since then, and that is the probe."""
        assert self.since_open <= {self.breaker.probe}

    @invariant()
    def given_up_for_good_only_after_all_probes(self) -> None:
        """It is over exactly when the last probe failed, and then it lets nobody."""
        assert self.breaker.probes <= self.breaker.max_probes
        assert self.breaker.over is (self.breaker.probes == self.breaker.max_probes)
        if self.breaker.over:
            assert not self.breaker.allows(self.now + 1e9)


TestProvider = Provider.TestCase


def test_probes_wait_longer_each_time() -> None:
    """The wait doubles from probe to probe; the vendor's own wish stands above it."""
    breaker, now, waits = Breaker(opens_after=1, max_probes=5, wait_initial_s=2.0), 100.0, []
    breaker.failed("a", now, 1.0)
    for number in range(4):
        assert breaker.next_available_at is not None
        waits.append(breaker.next_available_at - now)
        now = breaker.next_available_at
        breaker.record_start(f"p{number}")
        breaker.failed(f"p{number}", now, 1.0, 7.0 if number == 2 else None)
    assert waits == [2, 4, 8, 7]


@given(st.integers(1, 6), st.integers(1, 6))
def test_a_provider_that_never_works_ends_after_a_known_number(opens_after: int, max_probes: int) -> None:
    """So many failures and so many probes, and not one call more."""
    breaker, now, calls = Breaker(opens_after=opens_after, max_probes=max_probes), 0.0, 0
    while not breaker.over:
        now = max(now, breaker.next_available_at or 0.0)
        assert breaker.allows(now)
        calls += 1
        breaker.record_start(str(calls))
        breaker.failed(str(calls), now, 0.5)
    assert calls == opens_after + max_probes


def refuse(health: ProviderHealth, number: int = 0, now: float = 0.0) -> None:
    """A paid call that met nobody."""
    health.refused(job(number), now, 1.0, None)


def test_one_model_says_nothing_of_another() -> None:
    """A model that a gateway lost is paused; its other models go on."""
    health = ProviderHealth(2.0)
    refuse(health)
    assert (health.allows("veo", 0.0), health.allows("kling", 0.0)) == (False, True)
    assert health.available_in({"veo", "kling"}, 0.0) == 2.0
    assert health.available_in({"kling"}, 0.0) is None


def test_a_probe_that_is_accepted_lets_everybody() -> None:
    """And nobody waits for the clock any more."""
    health = ProviderHealth(2.0)
    refuse(health)
    health.record_start("k1", "veo")
    assert (health.allows("veo", 9.0), health.available_in({"veo"}, 9.0)) == (False, None)
    assert health.on_event(ACCEPTED, job(1), 9.0, 1.0)
    assert health.allows("veo", 9.0)
    assert not health.on_event(ACCEPTED, job(2), 9.0, 1.0)


@pytest.mark.parametrize("event", [LOST, GAVE_UP, RATE, OVERDUE], ids=lambda event: type(event).__name__)
def test_a_probe_that_ends_without_a_word_makes_room(event: ev.Event) -> None:
    """Neither for nor against: another one may go."""
    health = ProviderHealth(2.0)
    refuse(health)
    health.record_start("k1", "veo")
    health.on_event(event, job(1), 9.0, 1.0)
    assert health.allows("veo", 9.0)
    health.record_start("k2", "veo")
    assert not health.allows("veo", 9.0)


def test_tasks_that_all_break_pause_the_model() -> None:
    """Five in a row without one clip, though every call is accepted; three probes more end it."""
    health = ProviderHealth(2.0)
    for number in range(5):
        assert health.allows("veo", 0.0)
        health.on_event(ACCEPTED, job(number), 0.0, 1.0)
        health.on_event(BROKE, job(number), 0.0, 1.0)
    assert not health.allows("veo", 29.0)
    now = 30.0
    for number in range(3):
        assert not health.is_over("veo")
        assert health.allows("veo", now)
        health.record_start(f"k{number}", "veo")
        health.on_event(ACCEPTED, job(number), now, 1.0)
        assert not health.allows("veo", now + 1e6)
        health.on_event(BROKE, job(number), now, 1.0)
        now += 300.0
    assert health.is_over("veo")


@pytest.mark.parametrize("event", [SUCCEEDED, FILTERED], ids=["a clip", "a content filter"])
def test_a_task_that_was_worked_on_speaks_for_its_provider(event: ev.Event) -> None:
    """A clip, or a refusal of what it shows: the row of broken ones is broken off."""
    health = ProviderHealth(2.0)
    for number in range(12):
        health.on_event(event if number % 4 == 3 else BROKE, job(number), 0.0, 1.0)
        assert health.allows("veo", 0.0)


def test_a_job_that_was_never_sent_says_nothing() -> None:
    """Cancelled before it was bought, or planned anew: nobody is let or stopped by it."""
    health = ProviderHealth(2.0)
    assert not health.on_event(GAVE_UP, job_in(JobState.PENDING), 0.0, 1.0)
    assert health.allows("", 0.0)
