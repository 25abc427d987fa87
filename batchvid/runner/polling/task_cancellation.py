"""Cancels running tasks for the user: polled first, cancelled where the provider supports it, else given up.

A finished task is never cancelled: the same call would delete its clip, which is paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Phase, Rejected
from batchvid.errors import WireError
from batchvid.net.access import Access
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from batchvid.planning.routing import submitted_generation
from batchvid.runner.polling.task_timeout import can_cancel, cancel_task
from batchvid.runner.providers.rate_limits import SlidingWindowRateLimiter

ENDED = {
    Phase.SUCCEEDED: "its task is finished and paid for: the next run collects it",
    Phase.FAILED: "its task has already failed: the next run reports why",
}
"""The message for a job whose task ended before it could be cancelled."""


async def cancel_tasks(
    jobs: Iterable[Job], providers: Mapping[str, Provider], keys: Credentials
) -> AsyncIterator[tuple[Job, ev.Event | None, str]]:
    """Yield each running job with the event to record (None: nothing) and a message.

    Raises UsageError, before anything is sent, when the key of a provider is missing.
    """
    names = dict.fromkeys(job.spec.provider for job in jobs if _can_cancel(job, providers))
    access = {name: keys.of(providers[name]) for name in names}
    rates = {name: SlidingWindowRateLimiter(providers[name].polls_per_s, 1.0) for name in names}
    clock = asyncio.get_running_loop().time
    async with Transport() as transport:
        for job in jobs:
            name = job.spec.provider
            if not _can_cancel(job, providers):
                yield stop_tracking(job, f"{name} cancels no task")
                continue
            await asyncio.sleep(max(rates[name].next_available_at() - clock(), 0.0))
            rates[name].acquire(clock())
            phase = await _poll_phase(transport, providers[name], access[name], job)
            if phase in ENDED:
                yield job, None, ENDED[phase]
            elif can_cancel(providers[name], phase) and await cancel_task(
                transport, providers[name].base_url, access[name], job
            ):
                message = f"task {job.task_id} was cancelled at {name}; whether it is billed depends on its terms"
                yield job, ev.TaskFailed(at=utc_now(), kind=FailureKind.CANCELLED, message=message), message
            else:
                yield stop_tracking(job, f"{name} did not cancel it ({phase})")


def _can_cancel(job: Job, providers: Mapping[str, Provider]) -> bool:
    """Whether the provider is still at the task's origin and cancels tasks of that wire format."""
    provider = providers.get(job.spec.provider)
    if provider is None or provider.cancel == "none" or not same_origin(provider.base_url, job.origin):
        return False
    return DIALECTS[job.dialect].cancel is not None


async def _poll_phase(transport: Transport, provider: Provider, access: Access, job: Job) -> Phase:
    dialect = DIALECTS[job.dialect]
    poll = dialect.poll(submitted_generation(job), job.task_id)
    try:
        reply = await transport.send(provider.base_url + job.prefix, poll, access)
        status = dialect.read_poll(reply, job.task_id)
    except WireError:
        return Phase.UNKNOWN
    return Phase.UNKNOWN if isinstance(status, Rejected) else status.phase


def stop_tracking(job: Job, reason: str) -> tuple[Job, ev.Event, str]:
    """The event that gives up a task that cannot be cancelled, with its message."""
    message = f"task {job.task_id} is no longer polled: {reason}. It may finish and be billed; retry polls it first"
    return job, ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=message), message
