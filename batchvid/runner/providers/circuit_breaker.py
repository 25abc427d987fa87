"""Whether a model at a provider works at all: paused when everything fails, tried by one job, given up in the end.

Pure: it is told the time and what happened. It knows no money: what may be bought is asked for elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.runner.providers.retry_policy import WAIT_INITIAL_S, backoff_s

TASKS_SLOWER = (
    15.0  # a broken task costs minutes and perhaps money: half a minute where a refused call waits two seconds
)
SAYS_NOTHING = frozenset({FailureKind.TIMEOUT, FailureKind.CANCELLED})
"""Ends of a task that speak neither for nor against its provider: it was us who ended it."""


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Closed while things work; open after `opens_after` failures in a row, until one job, the probe, has worked.

    A probe goes out after a wait that doubles from `wait_initial_s` (seconds) on; after `max_probes` of them failed it
    is `over`. What was under way when it opened counts for nothing if it fails, and closes it if it works.
    """

    opens_after: int
    max_probes: int
    wait_initial_s: float = WAIT_INITIAL_S
    failures: int = 0
    probes: int = 0
    next_available_at: float | None = None
    probe: str = ""
    over: bool = False

    def allows(self, now: float) -> bool:
        """Whether one more job may go."""
        return self.next_available_at is None or (not self.over and not self.probe and now >= self.next_available_at)

    def record_start(self, job_id: str) -> None:
        """Note that a job that was let went: while it is open that is the probe."""
        if self.next_available_at is not None:
            self.probe = job_id

    def record_success(self) -> None:
        """Something worked, if only late: everything may go again."""
        self.failures, self.probes, self.next_available_at, self.probe, self.over = 0, 0, None, "", False

    def record_neutral(self, job_id: str) -> None:
        """The job ended without a word on the provider; if it was the probe, another one may go."""
        if self.probe == job_id:
            self.probe = ""

    def failed(self, job_id: str, now: float, jitter: float, requested_s: float | None = None) -> None:
        """The job met a provider that does not work; `requested_s` is the provider's own wish for a pause."""
        if self.next_available_at is not None and self.probe != job_id:
            return
        if self.next_available_at is None:
            self.failures += 1
            if self.failures < self.opens_after:
                return
        else:
            self.probes += 1
            self.probe = ""
            self.over = self.probes >= self.max_probes
        wait_s = backoff_s(self.probes, jitter, first_s=self.wait_initial_s) if requested_s is None else requested_s
        self.next_available_at = now + wait_s


class ProviderHealth:
    """A provider's models: whether their paid calls are answered, and whether their tasks give clips.

    A refused call was not paid and is tried again soon; a broken task may have been, so five in a row pause the
    model, and three probes in vain end it. `wait_initial_s` is the provider's.
    """

    def __init__(self, wait_initial_s: float = WAIT_INITIAL_S) -> None:
        self._first_wait_s = wait_initial_s
        self._calls: dict[str, Breaker] = {}
        self._tasks: dict[str, Breaker] = {}

    def allows(self, model: str, now: float) -> bool:
        """Whether a job of this model may go."""
        return all(breaker.allows(now) for breaker in self._of(model))

    def is_over(self, model: str) -> bool:
        """Whether this model is given up here for the rest of the run."""
        return any(breaker.over for breaker in self._of(model))

    def available_in(self, models: Iterable[str], now: float) -> float | None:
        """Seconds until a probe of one of these may go, None when that is up to an event."""
        until = (
            max(breaker.next_available_at or now for breaker in self._of(model))
            for model in models
            if not any(breaker.probe or breaker.over for breaker in self._of(model))
        )
        return min((at - now for at in until if at > now), default=None)

    def record_start(self, job_id: str, model: str) -> None:
        """Note that a job that was let is on its way."""
        for breaker in self._of(model):
            breaker.record_start(job_id)

    def refused(self, job: Job, now: float, jitter: float, requested_s: float | None) -> None:
        """The provider answered a paid call with "unavailable", or could not be reached at all."""
        calls, tasks = self._of(job.model_sent)
        calls.failed(job.id, now, jitter, requested_s)
        tasks.record_neutral(job.id)

    def on_event(self, event: ev.Event, job: Job, now: float, jitter: float) -> bool:
        """Learn from what happened to a job, but for its refusals; whether others may go now that could not before."""
        if not job.model_sent:  # nothing was ever sent for it
            return False
        calls, tasks = self._of(job.model_sent)
        waited = calls.next_available_at is not None or tasks.next_available_at is not None
        match event:
            case ev.SubmitAccepted():
                calls.record_success()
            case ev.TaskSucceeded():
                tasks.record_success()
            case ev.TaskFailed(kind=FailureKind.UNAVAILABLE):
                tasks.failed(job.id, now, jitter)
                return tasks.over
            case ev.TaskFailed(kind=kind) if kind not in SAYS_NOTHING:
                tasks.record_success()
            case ev.SubmitRefused(kind=FailureKind.UNAVAILABLE):
                return False
            case ev.SubmitRefused() | ev.SubmitLost() | ev.TaskFailed() | ev.GaveUp():
                self.record_neutral(job.id, job.model_sent)
            case _:
                return False
        return waited

    def record_neutral(self, job_id: str, model: str) -> None:
        """The job came back without having been sent."""
        for breaker in self._of(model):
            breaker.record_neutral(job_id)

    def _of(self, model: str) -> tuple[Breaker, Breaker]:
        if model not in self._calls:
            first_s = self._first_wait_s
            self._calls[model] = Breaker(opens_after=1, max_probes=7, wait_initial_s=first_s)
            self._tasks[model] = Breaker(opens_after=5, max_probes=3, wait_initial_s=first_s * TASKS_SLOWER)
        return self._calls[model], self._tasks[model]
