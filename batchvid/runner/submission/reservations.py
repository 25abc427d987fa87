"""Reserves the price before each purchase and requeues jobs when money becomes available."""

from __future__ import annotations

from collections.abc import Callable

from batchvid.clock import utc_now
from batchvid.domain.jobs import Job
from batchvid.planning.routing import Route
from batchvid.runner.budget.budget import CapExceeded, Charge
from batchvid.runner.budget.caps import Cap
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.submission_blocks import Block


class BudgetReservations:
    """Reservations under every cap. `enqueue` queues a job again."""

    def __init__(self, context: RunContext, enqueue: Callable[[Job], None]) -> None:
        self._context = context
        self._enqueue = enqueue
        self._reported: set[Cap] = set()

    def reserve(self, provider_state: ProviderState, job: Job, route: Route) -> bool:
        """Reserve the price if every cap allows it; else the job, its provider or the run waits."""
        context = self._context
        charge = Charge.for_spec(job.spec, route.price, route.duration_s, utc_now())
        exceeded = context.budget.check(charge)
        if exceeded is None:
            for line in context.budget.reserve(job.id, charge):
                context.notice(line)
        elif exceeded.cap is None:
            if not context.blocks.reason(Block.UNPRICED):
                context.notice(f"jobs such as {job.id} are not bought: {exceeded.reason}")
            context.blocks.add(Block.UNPRICED, exceeded.reason)
            if exceeded.to_write:
                context.blocks.price_lines[exceeded.to_write] = None
        else:
            self._wait_for_cap(provider_state, job, exceeded, exceeded.cap)
        return exceeded is None

    def _wait_for_cap(self, provider_state: ProviderState, job: Job, exceeded: CapExceeded, cap: Cap) -> None:
        """The job waits for money: an open attempt may still be refused and release some."""
        context = self._context
        context.blocks.capped_jobs[job.id] = exceeded
        scope = f" at {cap.provider}" if cap.provider else f" for {cap.tag}" if cap.tag else ""
        if cap.provider:
            provider_state.blocks.add(Block.CAP, exceeded.reason)
        elif not cap.tag:
            context.blocks.add(Block.CAP, exceeded.reason)
        if cap not in self._reported:
            self._reported.add(cap)
            context.notice(f"nothing more is bought{scope}: {exceeded}")

    def release_capped_jobs(self, returned: Charge) -> None:
        """Requeue the jobs that wait for a cap which counted the returned money."""
        context = self._context
        waiting = [
            (context.job(job_id), exceeded.cap)
            for job_id, exceeded in context.blocks.capped_jobs.items()
            if exceeded.cap is not None and exceeded.cap.covers(returned.provider, returned.tags)
        ]
        for job, cap in waiting:
            del context.blocks.capped_jobs[job.id]
            if cap.provider:
                context.provider_state(job).blocks.remove(Block.CAP)
            elif not cap.tag:
                context.blocks.remove(Block.CAP)
            self._enqueue(job)
        for provider_state in context.provider_states.values() if waiting else ():
            provider_state.wake.set()
