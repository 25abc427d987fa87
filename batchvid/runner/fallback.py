"""Switches a job to its next fallback model. Never buys anything.

The job is queued like any other: its new price is reserved under every cap before it is bought.
"""

from __future__ import annotations

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec, Reason
from batchvid.domain.jobs import Job
from batchvid.errors import Unsupported, UsageError
from batchvid.runner.context import RunContext

REASONS: dict[FailureKind, Reason] = {
    FailureKind.UNAVAILABLE: Reason.OUTAGE,
    FailureKind.MODERATION_INPUT: Reason.MODERATION,
    FailureKind.MODERATION_OUTPUT: Reason.MODERATION,
    FailureKind.MODERATION_SUSPECTED: Reason.MODERATION,
}
"""The failures that are a reason to switch to another model."""


def next_fallback(context: RunContext, job: Job, reason: Reason | None) -> JobSpec | None:
    """The job with its next fallback model that can be bought now; None if it may not switch.

    Only jobs that this run may buy switch, and none after the run was stopped.
    """
    spec = job.spec
    if reason is None or reason not in spec.fallback_on or job.id not in context.retryable_ids or context.stop_reason:
        return None
    while spec.fallback:
        spec = spec.with_next_fallback()
        provider_state = context.provider_states.get(spec.provider)
        if provider_state is None or provider_state.stop_reason:
            continue
        try:
            route = context.route(spec)
        except (Unsupported, UsageError):  # the catalogue or the manifest changed since it was planned
            continue
        if not provider_state.health.is_stopped(route.model.name):
            return spec
    return None


async def switch_model(context: RunContext, job: Job, ended: ev.Event | None, to: JobSpec, reason: Reason) -> Job:
    """Record how an attempt ended (None: there was none) and switch the job to the other model; return it, pending.

    All events are one transaction: after a crash no job would be bought again with the old model.
    """
    before, at = job.spec, utc_now()
    events: list[ev.Event] = [ended] if ended else []
    if isinstance(ended, ev.GaveUp):
        events.append(ev.Reopened(at=at, reason=f"fallback on {reason}"))
    first, *more = [*events, ev.Planned(at=at, spec=to)]
    job = await context.recorder.record(job.id, first, *more)
    price = context.route(to).price
    max_price = "an unknown price" if price.usd is None else f"${price.usd.normalize():f} at most"
    context.notify_once(
        f"{before.request.model} at {before.provider}: {reason}; its jobs with a fallback switch to {to.request.model} "
        f"at {to.provider}, {max_price} each"
    )
    return job
