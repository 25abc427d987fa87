"""Buys: fills each provider's free slots, in fairness, under its rates and the budget.

The order is what the promises hang on: reserve, write the intent down durably, call, write the answer down durably,
and only then let anybody poll. A call without a verdict is never repeated here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.dialects.common.outcome_rules import classify_missing_reply
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Accepted, Rejected, Uncertain
from batchvid.errors import StateError, StorageError, Unsupported, WireError
from batchvid.planning.dependencies import waits_for
from batchvid.planning.routing import build_order
from batchvid.runner.context import RunContext, wait_for_event
from batchvid.runner.estimation.poll_schedule import MIN_SAMPLES
from batchvid.runner.fallback import REASONS, next_fallback, switch_model
from batchvid.runner.providers.provider_state import MAX_RETRY_AFTER_S, ProviderState
from batchvid.runner.providers.retry_policy import after_refusal
from batchvid.runner.submission.dependent_jobs import WaitingChildren
from batchvid.runner.submission.image_loader import ImageReader
from batchvid.runner.submission.parent_link import request_for
from batchvid.runner.submission.reservations import BudgetReservations

AT_ONCE = 500  # jobs that turn to another model together


class Submitter:
    """One loop a lane; `on_running` is told of each job that was accepted, `on_lost` of each without a verdict."""

    def __init__(self, context: RunContext, on_running: Callable[[Job], None], on_lost: Callable[[Job], None]) -> None:
        self._context = context
        self._on_running = on_running
        self._on_lost = on_lost
        self._images = ImageReader()
        self._calls: set[asyncio.Task[None]] = set()
        self._reported_limits: dict[tuple[str, str], int] = {}
        self.reservations = BudgetReservations(context, self.enqueue)
        self._waiting_children = WaitingChildren()
        context.recorder.listeners.append(self._on_event)

    def enqueue(self, job: Job, delay_s: float = 0.0) -> None:
        """Let a pending job stand in line, at once or after a while; with a parent, not before its clip is stored."""
        if waits_for(job.spec, self._context.recorder.jobs.get(job.spec.parent)):
            self._waiting_children.keep(job)
            return
        provider_state, model = self._context.provider_state(job), self._context.route(job.spec).model.name
        if delay_s <= 0:
            provider_state.queue.push(job.id, job.spec.entry, model)
            provider_state.wake.set()
            return
        provider_state.delayed[model] += 1
        asyncio.get_running_loop().call_later(delay_s, self._return, provider_state, job, model)

    def _on_event(self, event: ev.Event, _before: Job | None, after: Job) -> None:
        if isinstance(event, ev.ClipStored):
            for child in self._waiting_children.release(after.id):
                self.enqueue(child)

    def _return(self, provider_state: ProviderState, job: Job, model: str) -> None:
        provider_state.delayed[model] -= 1
        self.enqueue(job)

    async def serve(self, provider_state: ProviderState) -> None:
        """Submit from this lane for as long as the run submits at all."""
        context = self._context
        while not (context.stopping or provider_state.stopped):
            provider_state.wake.clear()
            wait_s = self._wait_s(provider_state)
            if wait_s is None or wait_s > 0:
                await wait_for_event(provider_state.wake, wait_s)
                continue
            await self._clear(provider_state)
            self._report_limits(provider_state)
            now = context.now()  # one and the same for both: what opens in between would be waited for in vain
            job_id = provider_state.queue.pop(
                provider_state.allows(now), lambda model: self._lasts_s(provider_state, model)
            )
            if job_id is None:
                await wait_for_event(provider_state.wake, provider_state.available_in(now))
                continue
            self._start(provider_state, context.job(job_id))
            await asyncio.sleep(0)  # the call goes out before the next job is looked at

    def _wait_s(self, provider_state: ProviderState) -> float | None:
        """Seconds until the next submit may go out, None when that is up to an event."""
        if not provider_state.queue or provider_state.capped or self._context.budget_reached or self._context.held:
            return None
        return provider_state.next_submit_at() - self._context.now()

    def _lasts_s(self, provider_state: ProviderState, model: str) -> float | None:
        duration_model = self._context.duration_model(provider_state.name, model)
        return duration_model.median_s if duration_model.seen >= MIN_SAMPLES else None

    def _start(self, provider_state: ProviderState, job: Job) -> None:
        context = self._context
        route = context.route(job.spec)
        if not self.reservations.reserve(provider_state, job, route):
            context.check_over()
            return
        context.active.add(job.id)
        provider_state.slots.hold(job.id, route.model.name)
        provider_state.health.record_start(job.id, route.model.name)
        provider_state.last_submit_at = context.now()
        provider_state.submits.acquire(provider_state.last_submit_at)
        provider_state.pending_submits += 1
        call = asyncio.create_task(self._submit(provider_state, job))
        self._calls.add(call)
        call.add_done_callback(partial(self._done, provider_state))

    def _done(self, provider_state: ProviderState, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        provider_state.pending_submits -= 1
        if not call.cancelled() and (fault := call.exception()) is not None:
            self._context.abort(fault)

    def report_waiting(self) -> None:
        """Say at the end of a run which jobs still wait for a clip, and why; not when the user has ended it."""
        context = self._context
        for said in self._waiting_children.told(context.recorder.jobs) if not context.stopping else ():
            context.skip_reason = context.skip_reason or said
            context.notice(said)

    async def drain(self) -> None:
        """Wait for the verdicts of the calls that are out: each may be a purchase."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def _submit(self, provider_state: ProviderState, job: Job) -> None:
        context = self._context
        record, spec = context.recorder.record, job.spec
        route = context.route(spec)
        dialect = DIALECTS[route.model.dialect]
        external_id = f"{spec.id[:40]}-{utc_now():%y%m%d%H%M%S%f}"
        try:
            images = await self._images.read(spec, route.terms.pixels)
            order = build_order(spec, model=route.model.name, terms=route.terms, images=images, external_id=external_id)
            request = await request_for(context, provider_state, spec, route.model.dialect, order)
        except (StorageError, Unsupported) as exc:  # nothing was said or sent: it stays pending and is planned anew
            context.skip_reason = f"{job.id} is not bought: {exc}"
            context.notice(context.skip_reason)
            provider_state.slots.free(job.id)
            provider_state.health.record_neutral(job.id, route.model.name)
            self.reservations.release_capped_jobs(context.budget.cancel(job.id))
            context.rest(job.id)
            provider_state.wake.set()
            return
        started = ev.SubmitStarted(
            at=utc_now(),
            origin=provider_state.origin,
            dialect=route.model.dialect,
            prefix=route.prefix,
            model=route.model.name,
            duration_s=route.duration_s,
            price=route.price,
            external_id=external_id,
            provider=provider_state.name,
        )
        job = await record(job.id, started)
        verdict: Accepted | Rejected | Uncertain
        try:
            response = await context.transport.send(
                provider_state.base_url + route.prefix,
                request,
                provider_state.key.get_secret_value(),
                read_timeout_s=provider_state.provider.submit_read_timeout_s,
            )
            verdict = dialect.read_submit(response)
        except WireError as exc:
            verdict = classify_missing_reply(exc)
        await self._settle(provider_state, job, verdict)

    async def _settle(self, provider_state: ProviderState, job: Job, verdict: Accepted | Rejected | Uncertain) -> None:
        context = self._context
        if isinstance(verdict, Accepted):
            provider_state.consecutive_refusals = 0
            accepted = ev.SubmitAccepted(
                at=utc_now(), task_id=verdict.task_id, model=verdict.model, request_id=verdict.request_id
            )
            try:
                job = await context.recorder.record(job.id, accepted)
            except StateError as exc:
                context.notice(  # each of the calls that are out, not only the one whose fault ends the run
                    f"task {verdict.task_id} of job {job.id} is bought but could not be written down ({exc}). "
                    f"Keep this line; then: batchvid resolve {job.id} --task-id {verdict.task_id}"
                )
                raise
            self._on_running(job)
        elif isinstance(verdict, Rejected):
            await self._refused(provider_state, job, verdict)
        else:
            lost = ev.SubmitLost(at=utc_now(), message=verdict.message, request_id=verdict.request_id)
            self._on_lost(await context.recorder.record(job.id, lost))

    async def _refused(self, provider_state: ProviderState, job: Job, no: Rejected) -> None:
        context = self._context
        delay_s = after_refusal(
            no.kind,
            job.refusals,
            no.retry_after_s,
            context.jitter(),
            first_s=provider_state.provider.wait_initial_s,
            answered=no.http_status != 0,
        )
        if no.kind in STOPS_PROVIDER:
            delay_s = 0.0  # the account's trouble, not the job's: it stays pending for the next run
            self._stop(provider_state, no)  # before the refusal is told, which frees a slot for the next in line
        elif no.kind is FailureKind.UNAVAILABLE:
            requested_s = None if no.retry_after_s is None else min(no.retry_after_s, MAX_RETRY_AFTER_S)
            provider_state.health.refused(job, context.now(), context.jitter(), requested_s)
            provider_state.last_unavailable_message[job.model_sent] = _words(no)
            context.notify_once(
                f"{provider_state.name}: {job.spec.request.model} is unavailable; "
                f"one job at a time tries whether it is back"
            )
            if delay_s is not None and provider_state.health.is_over(job.model_sent):
                delay_s = 0.0
        elif delay_s is not None:
            if no.kind is FailureKind.CONCURRENCY:
                holders = (context.job(job_id) for job_id in provider_state.slots.holders)
                inside = sum(holder.state is JobState.RUNNING for holder in holders)
                provider_state.reduce_limit(job.model_sent, _words(no), inside, context.now())
            delay_s = max(
                delay_s, provider_state.pause(context.now(), no.retry_after_s, context.jitter()) - context.now()
            )
            context.notify_once(f"{provider_state.name} refuses submits ({no.kind}); they wait and are sent again")
        reason = REASONS.get(no.kind)
        other = next_fallback(context, job, reason) if delay_s is None else None
        if other:
            delay_s = 0.0
        retry_at = None if delay_s is None else utc_now() + timedelta(seconds=delay_s)
        said = ev.SubmitRefused(
            at=utc_now(), kind=no.kind, message=_words(no), retry_at=retry_at, request_id=no.request_id
        )
        if other and reason:
            self.enqueue(await switch_model(context, job, said, other, reason))
        else:
            job = await context.recorder.record(job.id, said)
            if delay_s is not None and not provider_state.stopped:
                self.enqueue(job, delay_s)
        context.rest(job.id)

    async def _clear(self, provider_state: ProviderState) -> None:
        """Let go of jobs that wait for a model that is given up here: to another model, or to the next run."""
        context = self._context
        for model in [model for model in provider_state.queue.models if provider_state.health.is_over(model)]:
            jobs = [context.job(job_id) for job_id in provider_state.queue.drain(model)]
            context.active.update(job.id for job in jobs)
            for start in range(0, len(jobs), AT_ONCE):  # together, so that they share their writes to the disk
                await asyncio.gather(
                    *(self._abandon_model(provider_state, model, job) for job in jobs[start : start + AT_ONCE])
                )

    async def _abandon_model(self, provider_state: ProviderState, model: str, job: Job) -> None:
        context = self._context
        other = next_fallback(context, job, Reason.OUTAGE)
        if other:
            self.enqueue(await switch_model(context, job, None, other, Reason.OUTAGE))
        else:
            provider_state.jobs_to_reconcile = (
                provider_state.jobs_to_reconcile
                or f"{model}: {provider_state.last_unavailable_message.get(model, 'its tasks fail')}"
            )
            context.notify_once(f"{provider_state.name} is stopped ({provider_state.jobs_to_reconcile})")
        context.rest(job.id)

    def _report_limits(self, provider_state: ProviderState) -> None:
        """Say once of each change how many tasks at once the provider is asked for."""
        for name, limit in provider_state.limits(self._context.now()).items():
            if self._reported_limits.get((provider_state.name, name)) != limit:
                self._reported_limits[provider_state.name, name] = limit
                whole = " again" if name not in provider_state.narrowed else ", as it refused more"
                self._context.notice(
                    f"{provider_state.name}: at most {limit} tasks {f'of {name} ' if name else ''}at once{whole}"
                )

    def _stop(self, provider_state: ProviderState, no: Rejected) -> None:
        if not provider_state.stopped:
            self._context.notice(f"{provider_state.name} is stopped ({no.kind}): {_words(no)}")
        provider_state.stop(no.kind, _words(no))


def _words(no: Rejected) -> str:
    return f"{no.code}: {no.message}" if no.code and no.code not in no.message else no.message
