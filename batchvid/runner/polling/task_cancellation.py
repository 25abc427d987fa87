"""What becomes of running tasks that the user cancels: asked first, called off where that is served, else let go.

A finished task is never called off: the same call would delete its clip, which is paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.dialects.cancels import cancel
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Phase, Rejected
from batchvid.errors import WireError
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from batchvid.planning.routing import build_order
from batchvid.runner.polling.task_timeout import can_cancel, cancel_task
from batchvid.runner.providers.rate_limits import SlidingWindowRateLimiter

ENDED = {
    Phase.SUCCEEDED: "its task is finished and paid for: the next run collects it",
    Phase.FAILED: "its task has failed by itself: the next run says why",
}
"""What is said of a job whose task ended before it could be cancelled."""


async def cancel_tasks(
    jobs: Iterable[Job], providers: Mapping[str, Provider], keys: Credentials
) -> AsyncIterator[tuple[Job, ev.Event | None, str]]:
    """Each running job with what is to be recorded of it (None: nothing), and what to tell of it.

    Raises UsageError, before anything is sent, when the key of a provider that would be asked is missing.
    """
    asked = {job.spec.provider: providers[job.spec.provider] for job in jobs if _is_served(job, providers)}
    secrets = {name: keys.of(provider).get_secret_value() for name, provider in asked.items()}
    rates = {name: SlidingWindowRateLimiter(provider.polls_per_s, 1.0) for name, provider in asked.items()}
    clock = asyncio.get_running_loop().time
    async with Transport() as transport:
        for job in jobs:
            name = job.spec.provider
            if not _is_served(job, providers):
                yield stop_tracking(job, f"{name} cancels no task")
                continue
            await asyncio.sleep(max(rates[name].next_available_at() - clock(), 0.0))
            rates[name].acquire(clock())
            phase = await _phase(transport, asked[name], secrets[name], job)
            if phase in ENDED:
                yield job, None, ENDED[phase]
            elif can_cancel(asked[name], phase) and await cancel_task(
                transport, asked[name].base_url, secrets[name], job
            ):
                said = f"task {job.task_id} was cancelled at {name}; whether it is billed is up to its terms"
                yield job, ev.TaskFailed(at=utc_now(), kind=FailureKind.CANCELLED, message=said), said
            else:
                yield stop_tracking(job, f"{name} did not cancel it ({phase})")


def _is_served(job: Job, providers: Mapping[str, Provider]) -> bool:
    """Whether its provider, still at the address where the task lives, cancels tasks of that wire format."""
    provider = providers.get(job.spec.provider)
    if provider is None or provider.cancel == "none" or provider.base_url != job.origin:
        return False
    return cancel(job.dialect, job.task_id) is not None


async def _phase(transport: Transport, provider: Provider, key: str, job: Job) -> Phase:
    dialect = DIALECTS[job.dialect]
    order = build_order(job.spec, model=job.model_sent, external_id=job.external_id)
    try:
        reply = await transport.send(provider.base_url + job.prefix, dialect.poll(order, job.task_id), key)
        said = dialect.read_poll(reply, job.task_id)
    except WireError:
        return Phase.UNKNOWN
    return Phase.UNKNOWN if isinstance(said, Rejected) else said.phase


def stop_tracking(job: Job, why: str) -> tuple[Job, ev.Event, str]:
    """The event that gives up on a task that cannot be cancelled, and its message."""
    said = f"task {job.task_id} is no longer watched: {why}. It may finish and be billed; retry asks for it first"
    return job, ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=said), said
