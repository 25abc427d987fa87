"""Buys: fills each provider's free slots, fairly, under its rates and the budget.

The promises depend on the order: reserve, record the intent durably, call, record the reply durably, and only then
poll. A call without a verdict is never repeated here.
"""

from __future__ import annotations

import asyncio
from functools import partial

from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS, Dialect
from batchvid.dialects.common.advice import with_advice
from batchvid.dialects.common.outcome_rules import classify_missing_reply
from batchvid.domain import events as ev
from batchvid.domain.costs import cost_above, usd_of_units
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job
from batchvid.domain.origins import path_below
from batchvid.domain.wire import EMULATOR_HEADER, Accepted, GenerationRequest, Rejected, Response, Uncertain
from batchvid.errors import ReplyCut, StateError, StorageError, Unsupported, WireError
from batchvid.known_keys import known_keys
from batchvid.paths import quoted
from batchvid.planning.dependencies import waits_for
from batchvid.runner.callbacks.addresses import is_carried
from batchvid.runner.context import Dispatch, RunContext, wait_for_event
from batchvid.runner.estimation.poll_schedule import MIN_SAMPLES
from batchvid.runner.fallback import next_fallback, switch_model
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.submission_blocks import Block
from batchvid.runner.submission.dependent_jobs import WaitingChildren
from batchvid.runner.submission.image_loader import ImageReader
from batchvid.runner.submission.paid_calls import build_call, fingerprint, repeats_calls
from batchvid.runner.submission.refusals import record_refusal, record_unsent
from batchvid.runner.submission.repeated_replies import after_lost_submit, judge_replies, note_reply
from batchvid.runner.submission.reservations import BudgetReservations

REHEARSED_OVER_CLIP = "the emulator has the task, and a rehearsal does not replace the clip of a provider"
BATCH_SIZE = 500  # jobs that switch to another model together


class Submitter:
    """One loop per provider. Dispatches each job after its verdict."""

    def __init__(self, context: RunContext, dispatch: Dispatch) -> None:
        self._context = context
        self._dispatch = dispatch
        self._images = ImageReader()
        self._calls: set[asyncio.Task[None]] = set()
        self._reported_limits: dict[tuple[str, str], int] = {}
        self.reservations = BudgetReservations(context, self.enqueue)
        self._waiting_children = WaitingChildren()

    def enqueue(self, job: Job, delay_s: float = 0.0) -> None:
        """Queue a pending job, at once or after a delay; with a parent, not before its clip is stored."""
        if waits_for(job.spec, self._context.recorder.jobs.get(job.spec.parent)):
            self._waiting_children.add(job)
            return
        provider_state, model = self._context.provider_state(job), self._context.route(job.spec).model.name
        if delay_s <= 0:
            provider_state.queue.push(job.id, job.spec.entry, model)
            provider_state.wake.set()
            return
        provider_state.delayed[model] += 1
        asyncio.get_running_loop().call_later(delay_s, self._requeue, provider_state, job, model)

    def hold(self, job: Job) -> None:
        """Leave a pending job to a later run; it is reported at the end of this one."""
        self._waiting_children.hold(job)

    def on_event(self, event: ev.Event, _before: Job | None, after: Job) -> None:
        """Queues the jobs that waited for a clip, once it is stored."""
        if isinstance(event, ev.ClipStored):
            for child in self._waiting_children.release(after.id):
                self.enqueue(child)

    def _requeue(self, provider_state: ProviderState, job: Job, model: str) -> None:
        provider_state.delayed[model] -= 1
        self.enqueue(job)

    async def serve(self, provider_state: ProviderState) -> None:
        """Submit this provider's jobs until submits stop."""
        context = self._context
        while not (context.stop_reason or provider_state.stop_reason):
            provider_state.wake.clear()
            wait_s = self._wait_s(provider_state)
            if wait_s is None or wait_s > 0:
                await wait_for_event(provider_state.wake, wait_s)
                continue
            await self._clear_unavailable(provider_state)
            self._report_limits(provider_state)
            now = context.now()  # one timestamp for both calls: a limit that opens in between would be missed
            job_id = provider_state.pop_next(now, lambda model: self._expected_duration_s(provider_state, model))
            if job_id is None:
                await wait_for_event(provider_state.wake, provider_state.available_in(now))
                continue
            self._start(provider_state, context.job(job_id))
            await asyncio.sleep(0)  # the call goes out before the next job is looked at

    def _wait_s(self, provider_state: ProviderState) -> float | None:
        """Seconds until the next submit may go out; None if that depends on an event."""
        if not provider_state.queue or provider_state.blocks.all_wait or self._context.blocks.all_wait:
            return None
        if provider_state.waits_for_probe:
            return None
        return provider_state.next_submit_at() - self._context.now()

    def _expected_duration_s(self, provider_state: ProviderState, model: str) -> float | None:
        duration_model = self._context.duration_model(provider_state.name, model)
        return duration_model.median_s if duration_model.seen >= MIN_SAMPLES else None

    def _start(self, provider_state: ProviderState, job: Job) -> None:
        context = self._context
        route = context.route(job.spec)
        if not self.reservations.reserve(provider_state, job, route):
            context.check_over()
            return
        context.active.add(job.id)
        provider_state.slots.acquire(job.id, route.model.name)
        provider_state.health.record_start(job.id, route.model.name)
        provider_state.last_submit_at = context.now()
        provider_state.submits.acquire(provider_state.last_submit_at)
        provider_state.pending_submits += 1
        provider_state.awaited.add(job.id)
        call = asyncio.create_task(self._submit(provider_state, job))
        self._calls.add(call)
        call.add_done_callback(partial(self._done, provider_state, job.id))

    def _done(self, provider_state: ProviderState, job_id: str, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        provider_state.awaited.discard(job_id)
        provider_state.pending_submits -= 1
        provider_state.wake.set()
        if not call.cancelled() and (exc := call.exception()) is not None:
            self._context.abort(exc)

    def report_waiting(self) -> None:
        """Report, at the end of a run that was not stopped, which jobs still wait for a clip."""
        context = self._context
        if context.stop_reason:
            return
        for line in self._waiting_children.describe(context.recorder.jobs):
            context.blocks.add(Block.SKIPPED, line)
            context.notice(line)

    async def drain(self) -> None:
        """Wait for the verdicts of pending calls: each may be a purchase."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def _submit(self, provider_state: ProviderState, job: Job) -> None:
        context = self._context
        record, spec = context.recorder.record, job.spec
        route = context.route(spec)
        dialect = DIALECTS[route.model.dialect]
        external_id = f"{spec.id[:40]}-{utc_now():%y%m%d%H%M%S%f}"
        try:
            generation, request = await build_call(
                context, provider_state, spec, self._images, external_id=external_id, attempt=job.attempts + 1
            )
        except (StorageError, Unsupported) as exc:
            self.reservations.release_capped_jobs(await record_unsent(context, provider_state, job, exc))
            context.mark_idle(job.id)
            provider_state.wake.set()
            return
        carries_id = request.carries(external_id)
        may_repeat = carries_id and repeats_calls(provider_state.provider, route.model.dialect)
        started = ev.SubmitStarted(
            at=utc_now(),
            origin=provider_state.origin,
            dialect=route.model.dialect,
            prefix=route.prefix,
            model=route.model.name,
            duration_s=route.duration_s,
            price=route.price,
            external_id=external_id if carries_id else "",
            call_fingerprint=await fingerprint(provider_state, route.prefix, request) if may_repeat else "",
            provider=provider_state.name,
            rehearsal=provider_state.is_emulator,
        )
        job = await record(job.id, started)
        if context.callbacks is not None:
            carried = is_carried(request, generation.callback_url)
            context.callbacks.expect(job.id, job.attempts, provider_state.name, carried=carried)
        called = f"{provider_state.base_url}{route.prefix}{request.path}"
        verdict: Accepted | Rejected | Uncertain
        by_emulator = False
        try:
            response = await context.transport.send(
                provider_state.base_url + route.prefix,
                request,
                provider_state.access,
                read_timeout_s=provider_state.provider.submit_read_timeout_s,
                total_timeout_s=provider_state.provider.submit_total_timeout_s,
            )
            by_emulator = response.is_emulator
            provider_state.repliers.add(by_emulator)
            verdict = with_advice(dialect.read_submit(response, sent=generation), generation, called)
        except WireError as exc:
            by_emulator = isinstance(exc, ReplyCut) and EMULATOR_HEADER in exc.headers
            verdict = _read_missing_reply(dialect, exc, generation)
        await self._settle(provider_state, job, verdict, f"{request.method} {called}", by_emulator=by_emulator)

    async def _settle(
        self,
        provider_state: ProviderState,
        job: Job,
        verdict: Accepted | Rejected | Uncertain,
        call: str,
        *,
        by_emulator: bool,
    ) -> None:
        context = self._context
        reply = note_reply(context, provider_state, job, verdict)
        if isinstance(verdict, Accepted):
            owner = context.task_owners.claim(job.origin, verdict.task_id, job.id)
            if owner:
                verdict = self._stop_for_shared_task(provider_state, job, verdict, owner)
        if isinstance(verdict, Accepted):
            provider_state.consecutive_refusals = 0
            usd = _named_cost(provider_state, job, verdict)
            accepted = ev.SubmitAccepted(
                at=utc_now(), task_id=verdict.task_id, model=verdict.model, request_id=verdict.request_id,
                actual_usd=usd, cost_usd=cost_above(job.price, usd),
                rehearsal=by_emulator, poll_path=_poll_path(provider_state, job, verdict),
            )  # fmt: skip
            try:
                job = await context.recorder.record(job.id, accepted)
            except StateError as exc:
                context.notice(  # for each pending call, not only the one whose error ends the run
                    f"task {verdict.task_id} of job {job.id} is bought but could not be recorded ({exc}). "
                    f"Keep this line; then: batchvid resolve {job.id} --task-id {verdict.task_id} "
                    f"--batch {quoted(context.recorder.folder)}"
                )
                raise
            if job.rehearsal and job.has_real_clip:
                gave_up = ev.GaveUp(at=utc_now(), kind=FailureKind.CANCELLED, message=REHEARSED_OVER_CLIP)
                job = await context.recorder.record(job.id, gave_up)
            self._dispatch(job)
        elif isinstance(verdict, Rejected):
            job, delay_s = await record_refusal(context, provider_state, job, verdict, call)
            await judge_replies(context, provider_state, job, reply, call)
            if delay_s is not None:
                self.enqueue(job, delay_s)
            context.mark_idle(job.id)
        else:
            after_lost_submit(context, provider_state, verdict, call)
            lost = ev.SubmitLost(
                at=utc_now(), message=verdict.message, request_id=verdict.request_id,
                rehearsal=by_emulator or provider_state.is_emulator,
            )  # fmt: skip
            job = await context.recorder.record(job.id, lost)
            await judge_replies(context, provider_state, job, reply, call)
            self._dispatch(job)

    def _stop_for_shared_task(
        self, provider_state: ProviderState, job: Job, accepted: Accepted, owner: str
    ) -> Uncertain:
        """Stop the provider: it sold one task to two jobs, or answers a new call with an older one's task.

        Whether this call was paid for is unknown, so the job is uncertain and its money stays held.
        """
        shared = f"task {accepted.task_id} already belongs to {owner if owner != job.id else 'its earlier attempt'}"
        name = provider_state.name
        provider_state.stop(f"it gave one task to two calls: {shared}")
        self._context.notify_once(
            f"{name} is stopped: it gave {job.id} a task that is sold already: {shared}. Whether {job.id} is paid for "
            f"is for {name}'s console to show; then: batchvid resolve {job.id} "
            f"--batch {quoted(self._context.recorder.folder)}"
        )
        return Uncertain(
            message=f"{name} answered with a task of another call: {shared}", request_id=accepted.request_id
        )

    async def _clear_unavailable(self, provider_state: ProviderState) -> None:
        """Jobs that wait for a model that is given up here switch to another model, or wait for the next run."""
        context = self._context
        for model in [model for model in provider_state.queue.models if provider_state.health.is_stopped(model)]:
            jobs = [context.job(job_id) for job_id in provider_state.queue.drain(model)]
            context.active.update(job.id for job in jobs)
            for start in range(0, len(jobs), BATCH_SIZE):  # together, so that they share their writes
                await asyncio.gather(
                    *(self._abandon_model(provider_state, model, job) for job in jobs[start : start + BATCH_SIZE])
                )

    async def _abandon_model(self, provider_state: ProviderState, model: str, job: Job) -> None:
        context = self._context
        other = next_fallback(context, job, Reason.OUTAGE)
        if other:
            self.enqueue(await switch_model(context, job, None, other, Reason.OUTAGE))
        else:
            reason = f"{model}: {provider_state.last_unavailable_message.get(model, 'its tasks fail')}"
            provider_state.blocks.add(Block.UNAVAILABLE, reason)
            context.notify_once(f"{provider_state.name} is stopped ({provider_state.blocks.reason(Block.UNAVAILABLE)})")
        context.mark_idle(job.id)

    def _report_limits(self, provider_state: ProviderState) -> None:
        """Report each change of the number of concurrent tasks once."""
        for name, limit in provider_state.limits(self._context.now()).items():
            if self._reported_limits.get((provider_state.name, name)) != limit:
                self._reported_limits[provider_state.name, name] = limit
                suffix = " again" if name not in provider_state.reduced_limits else ", as it refused more"
                self._context.notice(
                    f"{provider_state.name}: at most {limit} tasks {f'of {name} ' if name else ''}at once{suffix}"
                )


def _poll_path(provider_state: ProviderState, job: Job, accepted: Accepted) -> str:
    """The path that the reply names for polls; empty if it is another server's, or holds a key of ours or a token."""
    path = path_below(provider_state.base_url + job.prefix, accepted.poll_url)
    return path if known_keys.hide(path) == path else ""


def _named_cost(provider_state: ProviderState, job: Job, accepted: Accepted) -> str:
    """The cost in the reply. One in the vendor's units is an upper limit: only more than the price counts yet."""
    usd = accepted.actual_usd
    limit = "" if usd else usd_of_units(accepted.units, provider_state.provider.unit_usd)
    return usd or (limit if cost_above(job.price, limit) is not None else "")


def _read_missing_reply(
    dialect: Dialect, exc: WireError, generation: GenerationRequest
) -> Accepted | Rejected | Uncertain:
    """Read a call without a whole reply: what came of one that was cut off may name the task."""
    if isinstance(exc, ReplyCut):
        came = Response(status=exc.status, headers=exc.headers, body=exc.body)
        read = dialect.read_submit(came, sent=generation)
        if isinstance(read, Accepted):
            return read
    return classify_missing_reply(exc)
