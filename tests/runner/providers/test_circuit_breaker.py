"""A model that always fails is paused, tried by one job at a time, and stopped after a known number of probes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.providers.circuit_breaker import BreakerState, CircuitBreaker, ProviderHealth
from batchvid.runner.providers.retry_policy import RetryPolicy
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
    """Jobs start when the breaker allows it, and succeed, fail or end without a verdict in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(max_failures=2, policy=RetryPolicy(1.0, attempts=3))
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
        if self.breaker.state(self.now) is not BreakerState.CLOSED:
            assert self.breaker.state(self.now) is BreakerState.HALF_OPEN
            assert self.breaker.retry_at is not None
            assert self.now >= self.breaker.retry_at
            self.since_open.add(job_id)
        self.breaker.record_start(job_id)
        self.out.add(job_id)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), how=st.sampled_from(["success", "failure", "neutral"]))
    def end(self, data: st.DataObject, how: str) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.out)))
        self.out.discard(job_id)
        self.since_open.discard(job_id)
        if how == "success":
            self.breaker.record_success()
            self.since_open.clear()
        elif how == "failure":
            self.breaker.record_failure(job_id, self.now, 1.0)
        else:
            self.breaker.record_neutral(job_id)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        """While it is open no more than one job is out that was sent since then, and that is the probe."""
        assert self.since_open <= {self.breaker.probe}

    @invariant()
    def stopped_only_after_all_probes(self) -> None:
        """It is stopped exactly when the last probe failed, and then no job may start."""
        assert self.breaker.failed_probes <= 3
        assert self.breaker.stopped is (self.breaker.failed_probes == 3)
        if self.breaker.stopped:
            assert self.breaker.state(self.now + 1e9) is BreakerState.OPEN
            assert not self.breaker.allows(self.now + 1e9)


TestProvider = Provider.TestCase


def test_probes_wait_longer_each_time() -> None:
    """The wait doubles from probe to probe; the vendor's Retry-After takes precedence."""
    policy = RetryPolicy(2.0, attempts=5)
    breaker, now, waits = CircuitBreaker(max_failures=1, policy=policy), 100.0, []
    breaker.record_failure("a", now, 1.0)
    for number in range(4):
        assert breaker.retry_at is not None
        waits.append(breaker.retry_at - now)
        now = breaker.retry_at
        breaker.record_start(f"p{number}")
        breaker.record_failure(f"p{number}", now, 1.0, 7.0 if number == 2 else None)
    assert waits == [2, 4, 8, 7]


@given(st.integers(1, 6), st.integers(1, 6))
def test_a_provider_that_never_works_ends_after_a_known_number(max_failures: int, max_probes: int) -> None:
    """So many failures and so many probes, and not one call more."""
    policy = RetryPolicy(attempts=max_probes)
    breaker, now, calls = CircuitBreaker(max_failures=max_failures, policy=policy), 0.0, 0
    while not breaker.stopped:
        now = max(now, breaker.retry_at or 0.0)
        assert breaker.allows(now)
        calls += 1
        breaker.record_start(str(calls))
        breaker.record_failure(str(calls), now, 0.5)
    assert calls == max_failures + max_probes


def refuse(health: ProviderHealth, number: int = 0, now: float = 0.0) -> None:
    """A paid call without a connection."""
    health.record_refusal(job(number), now, 1.0, None)


def test_one_model_says_nothing_of_another() -> None:
    """A model that a gateway lost is paused; other models continue."""
    health = ProviderHealth(2.0)
    refuse(health)
    assert (health.allows("veo", 0.0), health.allows("kling", 0.0)) == (False, True)
    assert health.available_in({"veo", "kling"}, 0.0) == 2.0
    assert health.available_in({"kling"}, 0.0) is None


def test_an_accepted_probe_closes_the_breaker() -> None:
    """All jobs may start, without waiting for the clock."""
    health = ProviderHealth(2.0)
    refuse(health)
    health.record_start("k1", "veo")
    assert (health.allows("veo", 9.0), health.available_in({"veo"}, 9.0)) == (False, None)
    assert health.on_event(ACCEPTED, job(1), 9.0, 1.0)
    assert health.allows("veo", 9.0)
    assert not health.on_event(ACCEPTED, job(2), 9.0, 1.0)


@pytest.mark.parametrize("event", [LOST, GAVE_UP, RATE, OVERDUE], ids=lambda event: type(event).__name__)
def test_a_probe_without_a_verdict_makes_room(event: ev.Event) -> None:
    """It counts neither for nor against: another probe may start."""
    health = ProviderHealth(2.0)
    refuse(health)
    health.record_start("k1", "veo")
    health.on_event(event, job(1), 9.0, 1.0)
    assert health.allows("veo", 9.0)
    health.record_start("k2", "veo")
    assert not health.allows("veo", 9.0)


def test_tasks_that_all_break_pause_the_model() -> None:
    """Five in a row without a clip, although every call is accepted; three more probes stop it."""
    health = ProviderHealth(2.0)
    for number in range(5):
        assert health.allows("veo", 0.0)
        health.on_event(ACCEPTED, job(number), 0.0, 1.0)
        health.on_event(BROKE, job(number), 0.0, 1.0)
    assert not health.allows("veo", 29.0)
    now = 30.0
    for number in range(3):
        assert not health.is_stopped("veo")
        assert health.allows("veo", now)
        health.record_start(f"k{number}", "veo")
        health.on_event(ACCEPTED, job(number), now, 1.0)
        assert not health.allows("veo", now + 1e6)
        health.on_event(BROKE, job(number), now, 1.0)
        now += 300.0
    assert health.is_stopped("veo")


@pytest.mark.parametrize("event", [SUCCEEDED, FILTERED], ids=["a clip", "a content filter"])
def test_a_processed_task_counts_for_its_provider(event: ev.Event) -> None:
    """A clip, or a refusal of its content, ends the row of failures."""
    health = ProviderHealth(2.0)
    for number in range(12):
        health.on_event(event if number % 4 == 3 else BROKE, job(number), 0.0, 1.0)
        assert health.allows("veo", 0.0)


def test_a_job_that_was_never_sent_says_nothing() -> None:
    """Cancelled before it was bought, or planned again: no breaker changes."""
    health = ProviderHealth(2.0)
    assert not health.on_event(GAVE_UP, job_in(JobState.PENDING), 0.0, 1.0)
    assert health.allows("", 0.0)
