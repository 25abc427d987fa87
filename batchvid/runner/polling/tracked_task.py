"""One task that is polled. poll_schedule.py decides when it is polled next."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from batchvid.catalog import Deadlines, timeouts_for
from batchvid.catalog.model_policies import find_poll_interval
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.dialects.dialect import PollMany
from batchvid.domain.costs import usd_of_units
from batchvid.domain.jobs import Job
from batchvid.domain.poll_interval import PollInterval
from batchvid.domain.wire import Phase, Rejected, Request, Response, Status
from batchvid.planning.routing import submitted_generation
from batchvid.runner.context import RunContext
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.providers.provider_state import ProviderState

MAX_JOINT_FAILURES = 3  # polls in a row without an answer; then only a poll of the task alone shows whose fault it is
CALLBACK_DELAY_S = 2.0  # between the end of a task and the poll that its callback causes, at most
MAX_KEPT_BYTES = 64 * 1024  # of a reply that is compared with the next one


@dataclass(slots=True)
class TrackedTask:
    """A task in flight. Times are seconds on the event loop's clock; counters are of polls in a row.

    `phase` is that of the last poll, UNKNOWN after a failed one. `queue_timeout_reported`: the queue timeout was
    handled. `last_seen_running_at` is None until this run has seen the task; time before that teaches the duration
    model nothing. `not_before` is the earliest next poll. `follows_cost`: a new poll cost moves the next poll.
    `follow_up` is the request that a finished task still needs; it is sent instead of the next poll. `before_follow_up`
    is the status that named it. `poll_many` polls it together with others, None where the wire format cannot, or where
    a reply for several did not name it. `called` is the last call, for people.
    `expects_callback`: the vendor has an address to call. `was_called`: it has called since the last poll that was
    scheduled. `called_during_poll`: it called while a poll was pending. `woken_at` is when the last callback had the
    task polled, `is_woken` whether that poll is the next one. `is_rare`: its next poll is late, because a callback is
    expected.
    """

    job_id: str
    provider_state: ProviderState
    path: str
    request: Request
    submitted_at_s: float
    duration_model: DurationModel
    poll_interval: PollInterval
    deadlines: Deadlines
    last_seen_running_at: float | None
    phase: Phase = Phase.UNSEEN
    queue_timeout_reported: bool = False
    not_before: float = 0.0
    follows_cost: bool = True
    unseen: int = 0
    unanswered: int = 0
    last_reply: tuple[bytes, Status | Rejected] | None = None
    follow_up: Request | None = None
    expects_callback: bool = False
    was_called: bool = False
    called_during_poll: bool = False
    woken_at: float = -math.inf
    is_woken: bool = False
    is_rare: bool = False
    poll_many: PollMany | None = None
    called: str = ""
    before_follow_up: Status | None = None

    @property
    def next_request(self) -> Request:
        """What is sent next: the poll, or what a finished task still needs."""
        return self.follow_up.relative_to(self.request) if self.follow_up else self.request

    def note_follow_up(self, status: Status | None) -> None:
        """Send the request that this status names instead of the next poll; None if the next one is a poll again."""
        self.follow_up, self.before_follow_up = (status.follow_up if status else None), status

    def verdict_without_follow_up(self) -> Status | None:
        """The status that stands although the request that it named was refused: of a failed task."""
        before = self.before_follow_up
        return replace(before, follow_up=None) if before is not None and before.phase is Phase.FAILED else None

    @property
    def is_joinable(self) -> bool:
        """Whether it may be polled together with others."""
        return self.poll_many is not None and self.follow_up is None and self.unanswered < MAX_JOINT_FAILURES

    def joins(self, other: TrackedTask, now: float) -> bool:
        """Whether one call may poll this task together with another: at once, in the same wire format and place."""
        return (
            self.is_joinable
            and self.poll_many is other.poll_many
            and self.path == other.path
            and self.not_before <= now
        )

    def learn(self, phase: Phase, now: float) -> None:
        """Update the duration model with what a poll shows."""
        if phase is Phase.UNSEEN:
            return
        if self.last_seen_running_at is not None:
            ended = phase in (Phase.SUCCEEDED, Phase.FAILED)
            observe = self.duration_model.ended if ended else self.duration_model.survived
            from_s, to_s = max(self.last_seen_running_at - self.submitted_at_s, 0.0), now - self.submitted_at_s
            if ended and self.is_woken and to_s - from_s > CALLBACK_DELAY_S:  # a callback comes right after the end
                self.duration_model.survived(from_s, to_s - CALLBACK_DELAY_S)
                from_s = to_s - CALLBACK_DELAY_S
            observe(from_s, to_s)
        self.last_seen_running_at = now

    def read(self, response: Response, job: Job) -> Status | Rejected:
        """Parse a reply to `next_request`. Most replies equal the last one and are not parsed again."""
        dialect = DIALECTS[job.dialect]
        if self.follow_up is not None and dialect.read_result is not None:
            status = dialect.read_result(response, job.task_id, prompt=job.spec.request.prompt)
            if isinstance(status, Status) and self.before_follow_up is not None and not status.actual_usd:
                status = replace(status, actual_usd=self.before_follow_up.actual_usd)
            return self.completed(status)
        if self.last_reply is None or response.status != 200 or self.last_reply[0] != response.body:
            status = dialect.read_poll(response, job.task_id, prompt=job.spec.request.prompt)
            status = self.completed(status)
            if len(response.body) > MAX_KEPT_BYTES:  # it may hold a clip
                return status
            self.last_reply = (response.body, status)
        return self.last_reply[1]

    def completed(self, status: Status | Rejected) -> Status | Rejected:
        """The status with what its provider knows: the scheme of its links, its route, and the worth of its units."""
        if isinstance(status, Rejected):
            return status
        status = status.at_route(self.path)
        usd = status.actual_usd or usd_of_units(status.vendor_metadata, self.provider_state.provider.unit_usd)
        return status if usd == status.actual_usd else replace(status, actual_usd=usd)


def track_task(context: RunContext, job: Job, last_seen_running_at: float | None) -> TrackedTask:
    """Build the tracked task of a running job; for `last_seen_running_at` see `TrackedTask`."""
    provider_state = context.provider_state(job)
    age_s = (utc_now() - job.watched_from).total_seconds() if job.watched_from else 0.0
    return TrackedTask(
        job_id=job.id,
        provider_state=provider_state,
        path=provider_state.base_url + job.prefix,
        request=DIALECTS[job.dialect].poll(submitted_generation(job), job.task_id),
        submitted_at_s=context.now() - max(age_s, 0.0),
        duration_model=context.duration_model(provider_state.name, job.model_sent),
        poll_interval=find_poll_interval(provider_state.provider, job.spec.request.model, context.models),
        deadlines=timeouts_for(provider_state.provider, job.spec.request.model, context.models),
        last_seen_running_at=last_seen_running_at,
        follows_cost=last_seen_running_at is not None,
        expects_callback=context.callbacks is not None and context.callbacks.is_expected(job.id),
        poll_many=DIALECTS[job.dialect].poll_many,
    )
