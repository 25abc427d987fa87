"""Handles an overdue task: cancelled where the vendor supports it, otherwise polled further or given up.

Overdue is not failed. A replacement for a task that may still finish is bought only where the manifest allows that.
"""

from __future__ import annotations

import asyncio

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Phase, Rejected, Status
from batchvid.errors import WireError
from batchvid.net.access import Access
from batchvid.net.transport import Transport
from batchvid.planning.routing import submitted_generation
from batchvid.runner.context import RunContext
from batchvid.runner.fallback import next_fallback, switch_model

CANCELLED_IN = {
    "none": frozenset[Phase](),
    "queued": frozenset({Phase.QUEUED}),
    "running": frozenset({Phase.QUEUED, Phase.RUNNING}),
}
"""The phases in which a task can be cancelled, by the `cancel` of its provider."""
CONFIRMED_AFTER_S = (0.1, 0.5, 1.0)
"""Waits before the polls that show whether a promised cancellation took place."""


async def handle_timeout(context: RunContext, job: Job, reason: Reason, message: str, phase: Phase) -> Job | None:
    """Return the job after its deadline: pending with a fallback model, or failed; None if polling continues.

    `reason` is QUEUE_STALL or TIMEOUT; only TIMEOUT gives a job up. `phase` is from the last poll: only a task that is
    surely unfinished is cancelled, because the same call deletes the clip of a finished one.
    """
    await context.planned.wait()  # only then is known whether the job may be bought again
    provider_state, other = context.provider_state(job), next_fallback(context, job, reason)
    if can_cancel(provider_state.provider, phase) and await cancel_task(
        context.transport, provider_state.base_url, provider_state.access, job
    ):
        failed = ev.TaskFailed(
            at=utc_now(),
            kind=FailureKind.TIMEOUT,
            message=f"{message}; it was cancelled at {provider_state.name}",
            retry_at=utc_now() if other else None,
        )
        ended: ev.Event = failed
    else:
        other = other if job.spec.fallback_while_running else None
        if other is None and reason is not Reason.TIMEOUT:
            return None
        what_next = "is no longer polled" if other else "batchvid retry polls it first"
        message = f"{message}; it may still finish and {what_next}"
        ended = ev.GaveUp(at=utc_now(), kind=FailureKind.TIMEOUT, message=message)
    if other is None:
        return await context.recorder.record(job.id, ended)
    switched = await switch_model(context, job, ended, other, reason)
    if isinstance(ended, ev.GaveUp):
        context.notice(f"{job.id}: task {job.task_id} at {provider_state.name}: {ended.message}; it may be billed")
    return switched


def can_cancel(provider: Provider, phase: Phase) -> bool:
    """Whether the provider cancels tasks in this phase."""
    return phase in CANCELLED_IN[provider.cancel]


async def cancel_task(transport: Transport, base_url: str, access: Access, job: Job) -> bool:
    """Cancel the task at the vendor, if its wire format can; return whether the vendor did.

    A reply may only promise it (fal's 202, a prediction of Replicate that still runs): then polls show whether it did.
    """
    dialect = DIALECTS[job.dialect]
    if dialect.cancel is None:
        return False
    generation = submitted_generation(job)
    try:
        request = dialect.cancel(generation, job.task_id)
        reply = await transport.send(base_url + job.prefix, request, access)
        if dialect.is_cancelled(reply) or not 200 <= reply.status < 300:
            return dialect.is_cancelled(reply)
        for wait_s in CONFIRMED_AFTER_S:
            await asyncio.sleep(wait_s)
            reply = await transport.send(base_url + job.prefix, dialect.poll(generation, job.task_id), access)
            status = dialect.read_poll(reply, job.task_id)
            if isinstance(status, Rejected) or status.phase not in (Phase.QUEUED, Phase.RUNNING):
                return isinstance(status, Status) and status.kind is FailureKind.CANCELLED
    except WireError:  # the next poll shows the result
        return False
    return False
