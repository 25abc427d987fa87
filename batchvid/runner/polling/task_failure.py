"""What becomes of a job whose task failed: bought again, turned to another model, or failed."""

from __future__ import annotations

from datetime import timedelta

from batchvid.catalog.model_policies import charged_on_failure
from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Status
from batchvid.runner.context import RunContext
from batchvid.runner.fallback import REASONS, other_model, turn
from batchvid.runner.providers.retry_policy import after_failure, rerolled


async def end_failed(context: RunContext, job: Job, status: Status) -> tuple[Job, float | None]:
    """Record the vendor's verdict; the job after it, and in how many seconds it stands in line again (None: never)."""
    await context.planned.wait()  # before that nobody can say whether it may be bought again
    lane, kind = context.lane(job), status.kind or FailureKind.MODERATION_SUSPECTED
    retries, rerolls = (context.retries, context.rerolls) if job.id in context.rebuys else (0, 0)
    first_s = lane.provider.first_wait_s
    again_s = after_failure(kind, job.tasks, retries, context.jitter(), rerolls=rerolls, first_s=first_s)
    withheld = kind is FailureKind.MODERATION_OUTPUT
    if again_s is not None and not withheld and not lane.retries.spend():
        again_s = None
        context.tell_once(f"{lane.name}: too many tasks failed to buy more of them again by themselves; retry does")
    reason = REASONS.get(kind)
    other = other_model(context, job, reason) if again_s is None else None
    if other:
        again_s = 0.0
    charged = status.charged
    if charged is Charged.UNKNOWN:  # the reply says nothing: what is known of the model counts
        charged = charged_on_failure(lane.provider, job.spec.model, context.models)
    failed = ev.TaskFailed(
        at=utc_now(),
        kind=kind,
        message=f"{status.code}: {status.message}" if status.code else status.message,
        charged=charged,
        retry_at=None if again_s is None else utc_now() + timedelta(seconds=again_s),
    )
    if other and reason:
        return await turn(context, job, failed, other, reason), again_s
    if withheld and again_s is not None:
        other_seed = ev.Planned(at=utc_now(), spec=rerolled(job.spec))
        return await context.recorder.record(job.id, failed, other_seed), again_s
    return await context.recorder.record(job.id, failed), again_s
