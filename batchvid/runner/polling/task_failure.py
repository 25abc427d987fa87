"""Handles a failed task: the job is bought again, switches to a fallback model, or fails."""

from __future__ import annotations

from datetime import timedelta

from batchvid.catalog.model_policies import charged_on_failure
from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.costs import charged_with, cost_of
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Status
from batchvid.runner.context import RunContext
from batchvid.runner.fallback import REASONS, next_fallback, switch_model
from batchvid.runner.providers.retry_policy import after_failure, with_new_seed


async def record_task_failure(context: RunContext, job: Job, status: Status) -> tuple[Job, float | None]:
    """Record the vendor's verdict. Return the job after it, and the delay before its next submit (None: no submit)."""
    await context.planned.wait()  # only then is known whether the job may be bought again
    provider_state, kind = context.provider_state(job), status.kind or FailureKind.MODERATION_SUSPECTED
    if kind is FailureKind.MODERATION_SUSPECTED and not provider_state.provider.moderates:
        kind = FailureKind.UNAVAILABLE  # a server without any content filter
    retries, moderation_retries = (
        (context.retries, context.moderation_retries) if job.id in context.retryable_ids else (0, 0)
    )
    delay_s = after_failure(
        kind,
        job.tasks,
        context.jitter(),
        retries=retries,
        moderation_retries=moderation_retries,
        wait_initial_s=provider_state.provider.wait_initial_s,
    )
    withheld = kind is FailureKind.MODERATION_OUTPUT
    if delay_s is not None and not withheld and not provider_state.retry_budget.spend():
        delay_s = None
        context.notify_once(
            f"{provider_state.name}: too many tasks failed: no more are bought automatically; batchvid retry buys them"
        )
    reason = REASONS.get(kind)
    other = next_fallback(context, job, reason) if delay_s is None else None
    if other:
        delay_s = 0.0
    charged = charged_with(status.charged, status.actual_usd)
    if charged is Charged.UNKNOWN:  # the reply does not say: use the catalogue
        charged = charged_on_failure(provider_state.provider, job.spec.request.model, context.models)
    failed = ev.TaskFailed(
        at=utc_now(),
        kind=kind,
        message=": ".join(filter(None, (status.code, status.message))),
        charged=charged,
        retry_at=None if delay_s is None else utc_now() + timedelta(seconds=delay_s),
        actual_usd=status.actual_usd,
        cost_usd=cost_of(status.actual_usd),
    )
    if other and reason:
        return await switch_model(context, job, failed, other, reason), delay_s
    if withheld and delay_s is not None:
        other_seed = ev.Planned(at=utc_now(), spec=with_new_seed(job.spec))
        return await context.recorder.record(job.id, failed, other_seed), delay_s
    return await context.recorder.record(job.id, failed), delay_s
