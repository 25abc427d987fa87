"""One task that is being watched, and how it begins to be. When it is asked for again is told in poll_schedule.py."""

from __future__ import annotations

from dataclasses import dataclass

from batchvid.catalog import Deadlines, timeouts_for
from batchvid.catalog.model_policies import find_poll_interval
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.domain.jobs import Job
from batchvid.domain.poll_interval import PollInterval
from batchvid.domain.wire import Phase, Rejected, Request, Response, Status
from batchvid.planning.routing import build_order
from batchvid.runner.context import RunContext
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.providers.provider_state import ProviderState


@dataclass(slots=True)
class TrackedTask:
    """One task being watched. Times are seconds on the event loop's clock; counters are of polls in a row.

    `phase` is what the last poll said, UNKNOWN when it was not answered; `queue_timeout_reported` that the task
    waited for too long.
    `last_seen_running_at` is when it was last seen running (None: not since this run began, so that nothing is
    learned of the time
    before), `not_before` when it may be asked again at the earliest, `follows_price` whether a new price moves its
    next poll.
    """

    job_id: str
    provider_state: ProviderState
    path: str
    request: Request
    submitted_at_s: float
    duration_model: DurationModel
    pace: PollInterval
    deadlines: Deadlines
    last_seen_running_at: float | None
    phase: Phase = Phase.UNSEEN
    queue_timeout_reported: bool = False
    not_before: float = 0.0
    follows_price: bool = True
    unseen: int = 0
    unanswered: int = 0
    unreadable: int = 0
    heard: tuple[bytes, Status | Rejected] | None = None

    def read(self, response: Response, job: Job) -> Status | Rejected:
        """What a reply says. While a task runs it mostly says the very same again, which needs no second reading."""
        if self.heard is None or response.status != 200 or self.heard[0] != response.body:
            self.heard = (response.body, DIALECTS[job.dialect].read_poll(response, job.task_id))
        return self.heard[1]


def track_task(context: RunContext, job: Job, last_seen_running_at: float | None) -> TrackedTask:
    """What it takes to ask for a running job's task; `last_seen_running_at` as a `TrackedTask` has it."""
    provider_state = context.provider_state(job)
    order = build_order(job.spec, model=job.model_sent, external_id=job.external_id)
    age_s = (utc_now() - job.watched_from).total_seconds() if job.watched_from else 0.0
    return TrackedTask(
        job_id=job.id,
        provider_state=provider_state,
        path=provider_state.base_url + job.prefix,
        request=DIALECTS[job.dialect].poll(order, job.task_id),
        submitted_at_s=context.now() - max(age_s, 0.0),
        duration_model=context.duration_model(provider_state.name, job.model_sent),
        pace=find_poll_interval(provider_state.provider, job.spec.request.model, context.models),
        deadlines=timeouts_for(provider_state.provider, job.spec.request.model, context.models),
        last_seen_running_at=last_seen_running_at,
        follows_price=last_seen_running_at is not None,
    )
