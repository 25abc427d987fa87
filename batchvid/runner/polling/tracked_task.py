"""One task that is being watched, and how it begins to be. When it is asked for again is told in cadence.py."""

from __future__ import annotations

from dataclasses import dataclass

from batchvid.catalog import Deadlines, deadlines_of
from batchvid.catalog.model_policies import Pace, pace_of
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Phase, Refused, Request, Response, Status
from batchvid.planning.routing import order_of
from batchvid.runner.context import RunContext
from batchvid.runner.estimation.duration_model import Law
from batchvid.runner.providers.provider_state import Lane


@dataclass(slots=True)
class Watch:
    """One task being watched. Times are seconds on the event loop's clock; counters are of polls in a row.

    `phase` is what the last poll said, UNKNOWN when it was not answered; `stalled` that the task waited for too long.
    `seen_at` is when it was last seen running (None: not since this run began, so that nothing is learned of the time
    before), `not_before` when it may be asked again at the earliest, `retimed` whether a new price moves its next poll.
    """

    job_id: str
    lane: Lane
    path: str
    request: Request
    born_at: float
    law: Law
    pace: Pace
    deadlines: Deadlines
    seen_at: float | None
    phase: Phase = Phase.UNSEEN
    stalled: bool = False
    not_before: float = 0.0
    retimed: bool = True
    unseen: int = 0
    unanswered: int = 0
    unreadable: int = 0
    heard: tuple[bytes, Status | Refused] | None = None

    def read(self, response: Response, job: Job) -> Status | Refused:
        """What a reply says. While a task runs it mostly says the very same again, which needs no second reading."""
        if self.heard is None or response.status != 200 or self.heard[0] != response.body:
            self.heard = (response.body, DIALECTS[job.dialect].read_poll(response, job.task_id))
        return self.heard[1]


def watch_of(context: RunContext, job: Job, seen_at: float | None) -> Watch:
    """What it takes to ask for a running job's task; `seen_at` as a `Watch` has it."""
    lane = context.lane(job)
    order = order_of(job.spec, model=job.model_sent, external_id=job.external_id)
    age_s = (utc_now() - job.watched_from).total_seconds() if job.watched_from else 0.0
    return Watch(
        job_id=job.id,
        lane=lane,
        path=lane.base_url + job.prefix,
        request=DIALECTS[job.dialect].poll(order, job.task_id),
        born_at=context.now() - max(age_s, 0.0),
        law=context.law(lane.name, job.model_sent),
        pace=pace_of(lane.provider, job.spec.model, context.models),
        deadlines=deadlines_of(lane.provider, job.spec.model, context.models),
        seen_at=seen_at,
        retimed=seen_at is not None,
    )
