"""What follows a refused submit: the job waits, moves to a fallback model, or fails; its provider may stop."""

from __future__ import annotations

from datetime import datetime, timedelta

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Rejected
from batchvid.errors import StorageError, Unsupported
from batchvid.runner.budget.budget import Charge
from batchvid.runner.context import RunContext
from batchvid.runner.fallback import REASONS, next_fallback, switch_model
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.reply_messages import describe_refusal
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, RETRYABLE_REFUSALS, after_refusal
from batchvid.runner.providers.submission_blocks import Block
from batchvid.runner.providers.submission_times import MAX_WAIT, describe_time, is_too_long

ONLY_TIME_HELPS = frozenset({FailureKind.RATE, FailureKind.CONCURRENCY})
"""Refusals that say nothing of the job: after the last try the provider stops, and its jobs stay pending."""


async def record_unsent(
    context: RunContext, provider_state: ProviderState, job: Job, exc: StorageError | Unsupported
) -> Charge:
    """End a submit before anything was recorded or sent; returns the charge that was reserved for it.

    What the manifest asks and the wire cannot say fails the job: the next run would meet it again. A file that changed
    since it was planned, and a parent's clip that cannot be named now, leave it pending.
    """
    reason = f"{job.id} is not bought: {exc}"
    provider_state.slots.release(job.id)
    provider_state.health.record_neutral(job.id, context.route(job.spec).model.name)
    charge = context.budget.cancel(job.id)
    if isinstance(exc, Unsupported) and exc.field != "parent":
        await context.recorder.record(job.id, ev.GaveUp(at=utc_now(), kind=FailureKind.INVALID, message=f"{exc}"))
    else:
        context.blocks.add(Block.SKIPPED, reason)
    context.notice(reason)
    return charge


async def record_refusal(
    context: RunContext, provider_state: ProviderState, job: Job, refusal: Rejected, call: str
) -> tuple[Job, float | None]:
    """Records the refusal of `call` (its method and URL).

    Returns the job after it, and the delay before its next submit (None: no submit).
    """
    at = utc_now()
    delay_s = after_refusal(
        refusal, job.refusals, context.jitter(), wait_initial_s=provider_state.provider.wait_initial_s
    )
    message, resume_at = describe_refusal(refusal), _resume_at(refusal, at)
    if refusal.kind in STOPS_PROVIDER or refusal.provider_wide:
        delay_s, notice = 0.0, stop_provider(provider_state, f"{refusal.kind}", f"{call}: {message}")
    elif resume_at is not None:
        delay_s = (resume_at - at).total_seconds()
        message = f"{message}; not before {describe_time(resume_at)}"
        notice = stop_provider(provider_state, f"{refusal.kind}", f"{call}: {message}", resume_at=resume_at)
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
    elif delay_s is None and refusal.kind in ONLY_TIME_HELPS:  # other jobs would wait as long for nothing
        delay_s, notice = 0.0, stop_provider(provider_state, f"{refusal.kind}", f"{call}: {message}")
    retry_at = None if delay_s is None else at + timedelta(seconds=delay_s)
    event = ev.SubmitRefused(
        at=at, kind=refusal.kind, message=message, retry_at=retry_at, request_id=refusal.request_id,
        rehearsal=provider_state.is_emulator,
    )  # fmt: skip
    if other and reason:
        job = await switch_model(context, job, event, other, reason)
    else:
        job = await context.recorder.record(job.id, event)
        if provider_state.stop_reason:
            delay_s = None
    if notice:
        context.notify_once(notice)
    return job, delay_s


def stop_provider(provider_state: ProviderState, why: str, message: str, *, resume_at: datetime | None = None) -> str:
    """Stops the provider; returns the line that reports it, empty if it was stopped before.

    A refusal frees a slot when it is recorded, so the stop comes first.
    """
    notice = "" if provider_state.stop_reason else f"{provider_state.name} is stopped ({why}): {message}"
    provider_state.stop(message, resume_at=resume_at)
    return notice


def _resume_at(refusal: Rejected, at: datetime) -> datetime | None:
    """When a provider that requests a wait longer than a run lasts takes submits again; None for any other wait."""
    if refusal.kind not in RETRYABLE_REFUSALS or not is_too_long(refusal.retry_after_s):
        return None
    return at + timedelta(seconds=min(refusal.retry_after_s or 0.0, MAX_WAIT.total_seconds()))


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
