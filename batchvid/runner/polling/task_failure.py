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
from batchvid.runner.fallback import REASONS, next_fallback, switch_model
from batchvid.runner.providers.retry_policy import after_failure, with_new_seed


async def record_task_failure(context: RunContext, job: Job, status: Status) -> tuple[Job, float | None]:
    """Record the vendor's verdict; the job after it, and in how many seconds it stands in line again (None: never)."""
    await context.planned.wait()  # before that nobody can say whether it may be bought again
    provider_state, kind = context.provider_state(job), status.kind or FailureKind.MODERATION_SUSPECTED
    retries, moderation_retries = (
        (context.retries, context.moderation_retries) if job.id in context.retryable_ids else (0, 0)
    )
    again_s = after_failure(
        kind,
        job.tasks,
        context.jitter(),
        retries=retries,
        moderation_retries=moderation_retries,
        wait_initial_s=provider_state.provider.wait_initial_s,
    )
    withheld = kind is FailureKind.MODERATION_OUTPUT
    if again_s is not None and not withheld and not provider_state.retries.spend():
        again_s = None
        context.notify_once(
            f"{provider_state.name}: too many tasks failed to buy more of them again by themselves; retry does"
        )
    reason = REASONS.get(kind)
    other = next_fallback(context, job, reason) if again_s is None else None
    if other:
        again_s = 0.0
    charged = status.charged
    if charged is Charged.UNKNOWN:  # the reply says nothing: what is known of the model counts
        charged = charged_on_failure(provider_state.provider, job.spec.request.model, context.models)
    failed = ev.TaskFailed(
        at=utc_now(),
        kind=kind,
        message=f"{status.code}: {status.message}" if status.code else status.message,
        charged=charged,
        retry_at=None if again_s is None else utc_now() + timedelta(seconds=again_s),
    )
    if other and reason:
        return await switch_model(context, job, failed, other, reason), again_s
    if withheld and again_s is not None:
        other_seed = ev.Planned(at=utc_now(), spec=with_new_seed(job.spec))
        return await context.recorder.record(job.id, failed, other_seed), again_s
    return await context.recorder.record(job.id, failed), again_s
