"""What follows a refused submit: the job waits, moves to a fallback model, or fails; its provider may stop."""

from __future__ import annotations

from datetime import timedelta

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Rejected
from batchvid.runner.context import RunContext
from batchvid.runner.fallback import REASONS, next_fallback, switch_model
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, after_refusal


async def record_refusal(
    context: RunContext, provider_state: ProviderState, job: Job, refusal: Rejected
) -> tuple[Job, float | None]:
    """Records the refusal. Returns the job after it, and the delay before its next submit (None: no submit)."""
    delay_s = after_refusal(
        refusal, job.refusals, context.jitter(), wait_initial_s=provider_state.provider.wait_initial_s
    )
    if refusal.kind in STOPS_PROVIDER:
        delay_s, notice = 0.0, _stop(provider_state, refusal)
    elif refusal.kind is FailureKind.UNAVAILABLE:
        delay_s, notice = _record_outage(context, provider_state, job, refusal, delay_s)
    elif delay_s is not None:
        delay_s, notice = _pause(context, provider_state, job, refusal, delay_s)
    else:
        notice = ""
    reason = REASONS.get(refusal.kind)
    other = next_fallback(context, job, reason) if delay_s is None else None
    if other:
        delay_s = 0.0
    retry_at = None if delay_s is None else utc_now() + timedelta(seconds=delay_s)
    message = describe_refusal(refusal)
    event = ev.SubmitRefused(
        at=utc_now(), kind=refusal.kind, message=message, retry_at=retry_at, request_id=refusal.request_id
    )
    if other and reason:
        job = await switch_model(context, job, event, other, reason)
    else:
        job = await context.recorder.record(job.id, event)
        if provider_state.stop_reason:
            delay_s = None
    if notice:
        context.notify_once(notice)
    return job, delay_s


def describe_refusal(refusal: Rejected) -> str:
    """The vendor's code and message."""
    if refusal.code and refusal.code not in refusal.message:
        return f"{refusal.code}: {refusal.message}"
    return refusal.message


def _stop(provider_state: ProviderState, refusal: Rejected) -> str:
    """Stops the provider: the account's trouble, not the job's. The refusal frees a slot, so the stop comes first."""
    message = describe_refusal(refusal)
    notice = "" if provider_state.stop_reason else f"{provider_state.name} is stopped ({refusal.kind}): {message}"
    provider_state.stop(message)
    return notice


def _record_outage(
    context: RunContext, provider_state: ProviderState, job: Job, refusal: Rejected, delay_s: float | None
) -> tuple[float | None, str]:
    requested_s = None if refusal.retry_after_s is None else min(refusal.retry_after_s, MAX_RETRY_AFTER_S)
    provider_state.health.record_refusal(job, context.now(), context.jitter(), requested_s)
    provider_state.last_unavailable_message[job.model_sent] = describe_refusal(refusal)
    if delay_s is not None and provider_state.health.is_stopped(job.model_sent):
        delay_s = 0.0
    model = job.spec.request.model
    return delay_s, f"{provider_state.name}: {model} is unavailable; one job at a time tries whether it is back"


def _pause(
    context: RunContext, provider_state: ProviderState, job: Job, refusal: Rejected, delay_s: float
) -> tuple[float, str]:
    now = context.now()
    if refusal.kind is FailureKind.CONCURRENCY:
        holders = (context.job(job_id) for job_id in provider_state.slots.holders)
        running = sum(holder.state is JobState.RUNNING for holder in holders)
        provider_state.reduce_limit(job.model_sent, describe_refusal(refusal), running, now)
    paused_s = provider_state.pause(now, refusal.retry_after_s, context.jitter()) - now
    notice = f"{provider_state.name} refuses submits ({refusal.kind}); they wait and are sent again"
    return max(delay_s, paused_s), notice
