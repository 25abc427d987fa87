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
from batchvid.dialects.common.outcome_rules import without_reply
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Accepted, Refused, Uncertain
from batchvid.errors import StateError, StorageError, Unsupported, WireError
from batchvid.planning.dependencies import waits_for
from batchvid.planning.routing import order_of
from batchvid.runner.context import RunContext, woken
from batchvid.runner.estimation.poll_schedule import ENOUGH
from batchvid.runner.fallback import REASONS, other_model, turn
from batchvid.runner.providers.provider_state import LONGEST_WISH_S, Lane
from batchvid.runner.providers.retry_policy import after_refusal
from batchvid.runner.submission.dependent_jobs import Children
from batchvid.runner.submission.image_loader import ImageReader
from batchvid.runner.submission.parent_link import request_for
from batchvid.runner.submission.reservations import Purse

AT_ONCE = 500  # jobs that turn to another model together


class Submitter:
    """One loop a lane; `on_running` is told of each job that was accepted, `on_lost` of each without a verdict."""

    def __init__(self, context: RunContext, on_running: Callable[[Job], None], on_lost: Callable[[Job], None]) -> None:
        self._context = context
        self._on_running = on_running
        self._on_lost = on_lost
        self._images = ImageReader()
        self._calls: set[asyncio.Task[None]] = set()
        self._told_limits: dict[tuple[str, str], int] = {}
        self.purse = Purse(context, self.enqueue)
        self._children = Children()
        context.recorder.listeners.append(self._on_event)

    def enqueue(self, job: Job, delay_s: float = 0.0) -> None:
        """Let a pending job stand in line, at once or after a while; with a parent, not before its clip is stored."""
        if waits_for(job.spec, self._context.recorder.jobs.get(job.spec.parent)):
            self._children.keep(job)
            return
        lane, model = self._context.lane(job), self._context.route(job.spec).model.name
        if delay_s <= 0:
            lane.queue.push(job.id, job.spec.entry, model)
            lane.wake.set()
            return
        lane.delayed[model] += 1
        asyncio.get_running_loop().call_later(delay_s, self._return, lane, job, model)

    def _on_event(self, event: ev.Event, _before: Job | None, after: Job) -> None:
        if isinstance(event, ev.ClipStored):
            for child in self._children.release(after.id):
                self.enqueue(child)

    def _return(self, lane: Lane, job: Job, model: str) -> None:
        lane.delayed[model] -= 1
        self.enqueue(job)

    async def serve(self, lane: Lane) -> None:
        """Submit from this lane for as long as the run submits at all."""
        context = self._context
        while not (context.stopping or lane.stopped):
            lane.wake.clear()
            wait_s = self._wait_s(lane)
            if wait_s is None or wait_s > 0:
                await woken(lane.wake, wait_s)
                continue
            await self._clear(lane)
            self._tell_limits(lane)
            now = context.now()  # one and the same for both: what opens in between would be waited for in vain
            job_id = lane.queue.pop(lane.lets(now), lambda model: self._lasts_s(lane, model))
            if job_id is None:
                await woken(lane.wake, lane.opens_in(now))
                continue
            self._start(lane, context.job(job_id))
            await asyncio.sleep(0)  # the call goes out before the next job is looked at

    def _wait_s(self, lane: Lane) -> float | None:
        """Seconds until the next submit may go out, None when that is up to an event."""
        if not lane.queue or lane.capped or self._context.budget_reached or self._context.held:
            return None
        return lane.calls_at() - self._context.now()

    def _lasts_s(self, lane: Lane, model: str) -> float | None:
        law = self._context.law(lane.name, model)
        return law.median_s if law.seen >= ENOUGH else None

    def _start(self, lane: Lane, job: Job) -> None:
        context = self._context
        route = context.route(job.spec)
        if not self.purse.reserve(lane, job, route):
            context.check_over()
            return
        context.active.add(job.id)
        lane.slots.hold(job.id, route.model.name)
        lane.health.went(job.id, route.model.name)
        lane.called_at = context.now()
        lane.submits.grant(lane.called_at)
        lane.calls_out += 1
        call = asyncio.create_task(self._submit(lane, job))
        self._calls.add(call)
        call.add_done_callback(partial(self._done, lane))

    def _done(self, lane: Lane, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        lane.calls_out -= 1
        if not call.cancelled() and (fault := call.exception()) is not None:
            self._context.abort(fault)

    def tell_who_waits(self) -> None:
        """Say at the end of a run which jobs still wait for a clip, and why; not when the user has ended it."""
        context = self._context
        for said in self._children.told(context.recorder.jobs) if not context.stopping else ():
            context.passed_over = context.passed_over or said
            context.notice(said)

    async def drain(self) -> None:
        """Wait for the verdicts of the calls that are out: each may be a purchase."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def _submit(self, lane: Lane, job: Job) -> None:
        context = self._context
        record, spec = context.recorder.record, job.spec
        route = context.route(spec)
        dialect = DIALECTS[route.model.dialect]
        external_id = f"{spec.id[:40]}-{utc_now():%y%m%d%H%M%S%f}"
        try:
            images = await self._images.read(spec, route.terms.pixels)
            order = order_of(spec, model=route.model.name, terms=route.terms, images=images, external_id=external_id)
            request = await request_for(context, lane, spec, route.model.dialect, order)
        except (StorageError, Unsupported) as fault:  # nothing was said or sent: it stays pending and is planned anew
            context.passed_over = f"{job.id} is not bought: {fault}"
            context.notice(context.passed_over)
            lane.slots.free(job.id)
            lane.health.said_nothing(job.id, route.model.name)
            self.purse.uncap(context.budget.cancel(job.id))
            context.rest(job.id)
            lane.wake.set()
            return
        started = ev.SubmitStarted(
            at=utc_now(),
            origin=lane.origin,
            dialect=route.model.dialect,
            prefix=route.prefix,
            model=route.model.name,
            duration_s=route.duration_s,
            price=route.price,
            external_id=external_id,
            provider=lane.name,
        )
        job = await record(job.id, started)
        verdict: Accepted | Refused | Uncertain
        try:
            response = await context.transport.send(
                lane.base_url + route.prefix,
                request,
                lane.key.get_secret_value(),
                silence_s=lane.provider.submit_silence_s,
            )
            verdict = dialect.read_submit(response)
        except WireError as fault:
            verdict = without_reply(fault)
        await self._settle(lane, job, verdict)

    async def _settle(self, lane: Lane, job: Job, verdict: Accepted | Refused | Uncertain) -> None:
        context = self._context
        if isinstance(verdict, Accepted):
            lane.troubles = 0
            accepted = ev.SubmitAccepted(
                at=utc_now(), task_id=verdict.task_id, model=verdict.model, request_id=verdict.request_id
            )
            try:
                job = await context.recorder.record(job.id, accepted)
            except StateError as fault:
                context.notice(  # each of the calls that are out, not only the one whose fault ends the run
                    f"task {verdict.task_id} of job {job.id} is bought but could not be written down ({fault}). "
                    f"Keep this line; then: batchvid resolve {job.id} --task-id {verdict.task_id}"
                )
                raise
            self._on_running(job)
        elif isinstance(verdict, Refused):
            await self._refused(lane, job, verdict)
        else:
            lost = ev.SubmitLost(at=utc_now(), message=verdict.message, request_id=verdict.request_id)
            self._on_lost(await context.recorder.record(job.id, lost))

    async def _refused(self, lane: Lane, job: Job, no: Refused) -> None:
        context = self._context
        delay_s = after_refusal(
            no.kind,
            job.refusals,
            no.retry_after_s,
            context.jitter(),
            first_s=lane.provider.first_wait_s,
            answered=no.http_status != 0,
        )
        if no.kind in STOPS_PROVIDER:
            delay_s = 0.0  # the account's trouble, not the job's: it stays pending for the next run
            self._stop(lane, no)  # before the refusal is told, which frees a slot for the next in line
        elif no.kind is FailureKind.UNAVAILABLE:
            wish_s = None if no.retry_after_s is None else min(no.retry_after_s, LONGEST_WISH_S)
            lane.health.refused(job, context.now(), context.jitter(), wish_s)
            lane.last_no[job.model_sent] = _words(no)
            context.tell_once(
                f"{lane.name}: {job.spec.model} is unavailable; one job at a time tries whether it is back"
            )
            if delay_s is not None and lane.health.is_over(job.model_sent):
                delay_s = 0.0
        elif delay_s is not None:
            if no.kind is FailureKind.CONCURRENCY:
                holders = (context.job(job_id) for job_id in lane.slots.holders)
                inside = sum(holder.state is JobState.RUNNING for holder in holders)
                lane.narrow(job.model_sent, _words(no), inside, context.now())
            delay_s = max(delay_s, lane.pause(context.now(), no.retry_after_s, context.jitter()) - context.now())
            context.tell_once(f"{lane.name} refuses submits ({no.kind}); they wait and are sent again")
        reason = REASONS.get(no.kind)
        other = other_model(context, job, reason) if delay_s is None else None
        if other:
            delay_s = 0.0
        retry_at = None if delay_s is None else utc_now() + timedelta(seconds=delay_s)
        said = ev.SubmitRefused(
            at=utc_now(), kind=no.kind, message=_words(no), retry_at=retry_at, request_id=no.request_id
        )
        if other and reason:
            self.enqueue(await turn(context, job, said, other, reason))
        else:
            job = await context.recorder.record(job.id, said)
            if delay_s is not None and not lane.stopped:
                self.enqueue(job, delay_s)
        context.rest(job.id)

    async def _clear(self, lane: Lane) -> None:
        """Let go of jobs that wait for a model that is given up here: to another model, or to the next run."""
        context = self._context
        for model in [model for model in lane.queue.models if lane.health.is_over(model)]:
            jobs = [context.job(job_id) for job_id in lane.queue.drain(model)]
            context.active.update(job.id for job in jobs)
            for start in range(0, len(jobs), AT_ONCE):  # together, so that they share their writes to the disk
                await asyncio.gather(*(self._let_go(lane, model, job) for job in jobs[start : start + AT_ONCE]))

    async def _let_go(self, lane: Lane, model: str, job: Job) -> None:
        context = self._context
        other = other_model(context, job, Reason.OUTAGE)
        if other:
            self.enqueue(await turn(context, job, None, other, Reason.OUTAGE))
        else:
            lane.left_behind = lane.left_behind or f"{model}: {lane.last_no.get(model, 'its tasks fail')}"
            context.tell_once(f"{lane.name} is stopped ({lane.left_behind})")
        context.rest(job.id)

    def _tell_limits(self, lane: Lane) -> None:
        """Say once of each change how many tasks at once the provider is asked for."""
        for name, limit in lane.limits(self._context.now()).items():
            if self._told_limits.get((lane.name, name)) != limit:
                self._told_limits[lane.name, name] = limit
                whole = " again" if name not in lane.narrowed else ", as it refused more"
                self._context.notice(
                    f"{lane.name}: at most {limit} tasks {f'of {name} ' if name else ''}at once{whole}"
                )

    def _stop(self, lane: Lane, no: Refused) -> None:
        if not lane.stopped:
            self._context.notice(f"{lane.name} is stopped ({no.kind}): {_words(no)}")
        lane.stop(_words(no))


def _words(no: Refused) -> str:
    return f"{no.code}: {no.message}" if no.code and no.code not in no.message else no.message
