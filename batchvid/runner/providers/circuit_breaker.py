"""Circuit breakers: a model that fails repeatedly is paused, tried by one job at a time, and finally stopped. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.runner.providers.retry_policy import WAIT_INITIAL_S, RetryPolicy

TASKS_SLOWER = 15.0  # a failed task costs minutes and perhaps money: half a minute, where a refused call waits 2 s
NEUTRAL = frozenset({FailureKind.TIMEOUT, FailureKind.CANCELLED})
"""Outcomes that we caused ourselves. They do not count for or against the provider."""


class BreakerState(StrEnum):
    """The usual three states of a circuit breaker."""

    CLOSED = "closed"
    """Jobs may start."""
    OPEN = "open"
    """No job may start."""
    HALF_OPEN = "half-open"
    """One job may start: the probe."""


@dataclass(slots=True, kw_only=True)
class CircuitBreaker:
    """Opens after `max_failures` in a row, and closes when a job succeeds.

    While open it becomes half-open after each wait of `policy`. `policy.attempts` failed probes stop it: it stays open.
    A job that started before it opened does not count if it fails, and closes it if it succeeds.
    """

    max_failures: int
    policy: RetryPolicy
    failures: int = 0
    failed_probes: int = 0
    retry_at: float | None = None
    probe: str = ""

    @property
    def stopped(self) -> bool:
        """Whether the last probe failed."""
        return self.failed_probes >= self.policy.attempts

    def state(self, now: float) -> BreakerState:
        """The state at this time."""
        if self.retry_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self.stopped or now < self.retry_at else BreakerState.HALF_OPEN

    def allows(self, now: float) -> bool:
        """Whether one more job may start."""
        state = self.state(now)
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self.probe)

    def record_start(self, job_id: str) -> None:
        """A job starts. Unless the breaker is closed, it is the probe."""
        if self.retry_at is not None:
            self.probe = job_id

    def record_success(self) -> None:
        """A job succeeded, even one that started long ago: the breaker closes."""
        self.failures, self.failed_probes, self.retry_at, self.probe = 0, 0, None, ""

    def record_neutral(self, job_id: str) -> None:
        """The job ended without a verdict on the provider. If it was the probe, another job may start."""
        if self.probe == job_id:
            self.probe = ""

    def record_failure(self, job_id: str, now: float, jitter: float, retry_after_s: float | None = None) -> None:
        """The job failed because of the provider; `retry_after_s` is the pause that the provider requests."""
        if self.retry_at is not None and self.probe != job_id:
            return
        if self.retry_at is None:
            self.failures += 1
            if self.failures < self.max_failures:
                return
        else:
            self.failed_probes += 1
            self.probe = ""
        wait_s = self.policy.backoff_s(self.failed_probes, jitter) if retry_after_s is None else retry_after_s
        self.retry_at = now + wait_s


class ProviderHealth:
    """Two circuit breakers for each model of a provider: one for its paid calls, one for its tasks.

    A refused call was not paid, so it is retried soon. A failed task may have been paid: five in a row pause the model,
    and three failed probes stop it. `wait_initial_s` is the provider's.
    """

    def __init__(self, wait_initial_s: float = WAIT_INITIAL_S) -> None:
        self._wait_initial_s = wait_initial_s
        self._calls: dict[str, CircuitBreaker] = {}
        self._tasks: dict[str, CircuitBreaker] = {}

    def allows(self, model: str, now: float) -> bool:
        """Whether a job of this model may start."""
        return all(breaker.allows(now) for breaker in self._breakers(model))

    def is_stopped(self, model: str) -> bool:
        """Whether this model is stopped here for the rest of the run."""
        return any(breaker.stopped for breaker in self._breakers(model))

    def available_in(self, models: Iterable[str], now: float) -> float | None:
        """Seconds until one of these models may be probed, None when that depends on an event."""
        times = (
            max(breaker.retry_at or now for breaker in self._breakers(model))
            for model in models
            if not any(breaker.probe or breaker.stopped for breaker in self._breakers(model))
        )
        return min((at - now for at in times if at > now), default=None)

    def record_start(self, job_id: str, model: str) -> None:
        """A job of this model starts."""
        for breaker in self._breakers(model):
            breaker.record_start(job_id)

    def record_refusal(self, job: Job, now: float, jitter: float, retry_after_s: float | None) -> None:
        """A paid call was refused as unavailable, or there was no connection."""
        calls, tasks = self._breakers(job.model_sent)
        calls.record_failure(job.id, now, jitter, retry_after_s)
        tasks.record_neutral(job.id)

    def on_event(self, event: ev.Event, job: Job, now: float, jitter: float) -> bool:
        """Count an event of a job, except for its refusals. Returns whether jobs that could not start now may."""
        if not job.model_sent:  # it was never sent
            return False
        calls, tasks = self._breakers(job.model_sent)
        was_open = calls.retry_at is not None or tasks.retry_at is not None
        match event:
            case ev.SubmitAccepted():
                calls.record_success()
            case ev.TaskSucceeded():
                tasks.record_success()
            case ev.TaskFailed(kind=FailureKind.UNAVAILABLE):
                tasks.record_failure(job.id, now, jitter)
                return tasks.stopped
            case ev.TaskFailed(kind=kind) if kind not in NEUTRAL:
                tasks.record_success()
            case ev.SubmitRefused(kind=FailureKind.UNAVAILABLE):
                return False
            case ev.SubmitRefused() | ev.SubmitLost() | ev.TaskFailed() | ev.GaveUp():
                self.record_neutral(job.id, job.model_sent)
            case _:
                return False
        return was_open

    def record_neutral(self, job_id: str, model: str) -> None:
        """The job returned without having been sent."""
        for breaker in self._breakers(model):
            breaker.record_neutral(job_id)

    def _breakers(self, model: str) -> tuple[CircuitBreaker, CircuitBreaker]:
        if model not in self._calls:
            calls = RetryPolicy(self._wait_initial_s, attempts=7)
            tasks = RetryPolicy(self._wait_initial_s * TASKS_SLOWER, attempts=3)
            self._calls[model] = CircuitBreaker(max_failures=1, policy=calls)
            self._tasks[model] = CircuitBreaker(max_failures=5, policy=tasks)
        return self._calls[model], self._tasks[model]
