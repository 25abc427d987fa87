"""Sets a price aside before each purchase, where every cap allows it, and brings back who waits for money."""

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
    """`enqueue` lets a job stand in line again."""

    def __init__(self, context: RunContext, enqueue: Callable[[Job], None]) -> None:
        self._context = context
        self._enqueue = enqueue
        self._reported: set[Cap] = set()

    def reserve(self, provider_state: ProviderState, job: Job, route: Route) -> bool:
        """Set the price aside, if every cap allows it; if not, the job, its provider or the whole run has to wait."""
        context = self._context
        charge = Charge.for_spec(job.spec, route.price, route.duration_s, utc_now())
        no = context.budget.check(charge)
        if no is None:
            for line in context.budget.reserve(job.id, charge):
                context.notice(line)
        elif no.cap is None:
            if not context.blocks.reason(Block.UNPRICED):
                context.notice(f"{job.id} and its like are not bought: {no.reason}")
            context.blocks.add(Block.UNPRICED, no.reason)
        else:
            self._cap(provider_state, job, no, no.cap)
        return no is None

    def _cap(self, provider_state: ProviderState, job: Job, no: CapExceeded, cap: Cap) -> None:
        """Let the job wait for money: what is under way may still be refused, and give some back."""
        context = self._context
        context.blocks.capped_jobs[job.id] = no
        whom = f" at {cap.provider}" if cap.provider else f" for {cap.tag}" if cap.tag else ""
        if cap.provider:
            provider_state.blocks.add(Block.CAP, no.reason)
        elif not cap.tag:
            context.blocks.add(Block.CAP, no.reason)
        if cap not in self._reported:
            self._reported.add(cap)
            context.notice(f"nothing more is bought{whom}: {no}")

    def release_capped_jobs(self, returned: Charge) -> None:
        """Money came back: whoever waited for a cap that counted it stands in line again."""
        context = self._context
        waited = [
            (context.job(job_id), no.cap)
            for job_id, no in context.blocks.capped_jobs.items()
            if no.cap is not None and no.cap.covers(returned.provider, returned.tags)
        ]
        for job, cap in waited:
            del context.blocks.capped_jobs[job.id]
            if cap.provider:
                context.provider_state(job).blocks.remove(Block.CAP)
            elif not cap.tag:
                context.blocks.remove(Block.CAP)
            self._enqueue(job)
        for provider_state in context.provider_states.values() if waited else ():
            provider_state.wake.set()
