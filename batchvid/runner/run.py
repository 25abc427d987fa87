"""Runs a batch: resumes open jobs, starts the loops, waits for the end, and builds the outcome."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from datetime import timedelta
from typing import Any

from batchvid.clock import utc_now
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.errors import BatchvidError, StateError
from batchvid.net.transport import Transport
from batchvid.runner.budget.budget import Budget
from batchvid.runner.callbacks.opening import open_callbacks
from batchvid.runner.context import RunContext
from batchvid.runner.dispatcher import Dispatcher
from batchvid.runner.downloads.downloader import Downloader
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.listeners import (
    Listeners,
    restore_slots,
    track_health,
    track_inline_clips,
    track_slots,
    track_spending,
)
from batchvid.runner.outcome import Outcome, build_outcome
from batchvid.runner.polling.poller import Poller
from batchvid.runner.providers.startup import POLLED, ProviderStartup, required_providers
from batchvid.runner.recorder import Recorder
from batchvid.runner.setup import RunConfig, RunRequest
from batchvid.runner.shutdown import handle_signals
from batchvid.runner.spending_history import earlier_charges, warn_about_caps
from batchvid.runner.submission.reconciliation import Reconciler, jobs_to_reconcile
from batchvid.runner.submission.requested_waits import apply_requested_waits, retry_delay_s
from batchvid.runner.submission.submitter import Submitter
from batchvid.runner.task_owners import TaskOwners, reopened_ids
from batchvid.state.readers import read_attempts, read_meta
from batchvid.state.state_file import StateFile
from batchvid.storage import LocalStore

TICK_S = 1.0
BATCH_SIZE = 1000  # jobs queued before the loop continues with other work
SWITCH_INTERVAL_S = 0.0002  # with Python's 5 ms, beside a busy thread, the loop makes 200 system calls a second
DURATION_MODELS = "laws"  # the name in the state file


async def run(state: StateFile, recorder: Recorder, config: RunConfig, listeners: Listeners) -> Outcome:
    """Buy what is requested and collect what is paid for, until all jobs are finished or the user interrupts.

    Raises BatchvidError when it cannot start (a missing key), and what `config.request` raises; then nothing was
    bought.
    """
    try:
        # no lookup without a key: jobs of a provider that is no longer used must not stop the others
        can_ask = (lambda _: True) if config.only_reconcile else config.keys.has
        lost = jobs_to_reconcile(recorder.jobs.values(), config.providers, can_ask, config.keys.has_account)
        paid = [] if config.only_reconcile else [job for job in recorder.jobs.values() if job.state in PAID_AND_OPEN]
        work = [*lost, *paid]
        async with (
            ProviderStartup(state, config.folder, config.providers, config.keys) as startup,
            Transport() as transport,
            open_callbacks(
                config.callbacks, state, config.providers, config.keys, transport, listeners.notice
            ) as callbacks,
        ):
            await startup.open(required_providers(work))
            context = RunContext(
                recorder=recorder,
                transport=transport,
                provider_states=startup.provider_states,
                providers=config.providers,
                models=config.models,
                task_owners=_task_owners(state, recorder.jobs.values()),
                budget=Budget(config.caps, earlier_charges(state.path, recorder.jobs.values()) if config.caps else ()),
                notice=listeners.notice,
                retries=config.retries,
                moderation_retries=config.moderation_retries,
                planned=asyncio.Event(),
                duration_models=_load_duration_models(state),
                waits_for_slots=config.waits_for_slots,
                callbacks=callbacks,
            )
            restore_slots(context, recorder.jobs.values())
            with handle_signals(context, listeners.close) as interrupted:
                async with _heartbeat(context, state, listeners.tick):
                    request = await _drive(context, config, work, startup, listeners)
            if context.error is not None and (taken_over := state.taken_over()):
                raise taken_over  # other errors follow from it: two runs downloaded to the same files
            if context.error is not None and not isinstance(context.error, BatchvidError):
                raise context.error
            await recorder.close()
            _save_estimates(state, context)
            return build_outcome(context, request.exit_code_ids, interrupted=bool(interrupted))
    finally:
        await recorder.close()


@contextlib.asynccontextmanager
async def _heartbeat(context: RunContext, state: StateFile, tick: Callable[[], None]) -> AsyncIterator[None]:
    """Call `tick` every second, and end a run whose state file another run has taken over."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(TICK_S)
            tick()
            if taken_over := await asyncio.to_thread(state.taken_over):
                context.abort(taken_over)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _drive(
    context: RunContext, config: RunConfig, work: list[Job], startup: ProviderStartup, listeners: Listeners
) -> RunRequest:
    """Start the loops, dispatch the work, wait for the end, and let open calls finish."""
    dispatch = Dispatcher(context, only_reconcile=config.only_reconcile)
    dispatch.reconciler = reconciler = Reconciler(context, dispatch, config.folder)
    dispatch.submitter = submitter = Submitter(context, dispatch)
    dispatch.poller = poller = Poller(context, dispatch)
    dispatch.downloader = downloader = Downloader(
        context,
        LocalStore(config.folder, config.spare_bytes),
        config.downloads,
        dispatch,
        room_wait_s=config.room_wait_s,
        patience_s=config.download_wait_s,
    )
    listeners.on_bug = context.abort
    listeners.bookkeeping = (
        track_spending(context, submitter.reservations.release_capped_jobs),
        track_slots(context),
        track_health(context),
        track_inline_clips(context),
        submitter.on_event,
    )
    for job in sorted(work, key=lambda job: job.state is not JobState.READY):  # finished clips first
        dispatch(job, resumed=True)
    loops: list[asyncio.Task[None]] = []

    def start(loop: Coroutine[Any, Any, None]) -> None:
        loops.append(asyncio.create_task(loop))
        loops[-1].add_done_callback(lambda done: _watch_loop(context, done))

    start(poller.serve())
    try:
        request = await _in_background_thread(config.request)
        for notice in request.notices:
            context.notice(notice)
        context.recorder.rename(request.adopted)
        await context.recorder.record_many(request.planned_events)
        purchases = await _prepare_purchases(context, request, work, startup)
        bought = [job for job in purchases if job.id not in request.held_ids]
        warn_about_caps(context, bought if config.caps else ())
        if not config.try_now:
            apply_requested_waits(context)
        for job in purchases:
            if job.id in request.held_ids:
                submitter.hold(job)
        for number, job in enumerate(bought):
            submitter.enqueue(job, retry_delay_s(job, try_now=config.try_now))
            if number % BATCH_SIZE == 0:
                await asyncio.sleep(0)
        del purchases, bought  # frees the memory of the old versions of the jobs
        for provider_state in context.provider_states.values():
            start(submitter.serve(provider_state))
        context.planned.set()
        context.started = True
        context.check_over()
        await context.over.wait()
        await submitter.drain()
        await reconciler.drain()
        await poller.drain()
        if context.stop_reason and context.error is None:  # a pending poll may have finished a task meanwhile
            context.over.clear()
            context.check_over()
            await context.over.wait()
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await downloader.close()
    submitter.report_waiting()
    return request


async def _in_background_thread(request: Callable[[], RunRequest]) -> RunRequest:
    """Compute the request in a thread, without slowing down the loops."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        return await asyncio.to_thread(request)
    finally:
        sys.setswitchinterval(before_s)


async def _prepare_purchases(
    context: RunContext, request: RunRequest, work: Iterable[Job], startup: ProviderStartup
) -> list[Job]:
    """Start the providers of the jobs that may be bought; return those jobs in the manifest's order."""
    jobs = context.recorder.jobs
    context.recorder.inputs = request.inputs
    purchases = [job for job in jobs.values() if job.state is JobState.PENDING and job.id in request.purchase_ids]
    new = {
        provider_state.name
        for provider_state in await startup.open(required_providers([*work, *purchases], request.retryable_ids))
    }
    restore_slots(context, (job for job in jobs.values() if job.spec.provider in new) if new else ())
    context.retryable_ids = request.retryable_ids
    return purchases


def _task_owners(state: StateFile, jobs: Collection[Job]) -> TaskOwners:
    """The owners of all tasks of earlier runs."""
    reopened = reopened_ids(jobs)
    return TaskOwners(jobs, read_attempts(state.path, reopened) if reopened else ())


def _load_duration_models(state: StateFile) -> dict[str, DurationModel]:
    """The duration models that earlier runs saved."""
    models = {}
    for name, columns in read_meta(state.path).get(DURATION_MODELS, {}).items():
        with contextlib.suppress(TypeError, ValueError, AttributeError, KeyError):  # a damaged row
            models[name] = DurationModel(columns)
    return models


def _save_estimates(state: StateFile, context: RunContext) -> None:
    """Save the duration models and the last polls. A full disk does not fail the run."""
    duration_models = {
        name: duration_model.remembered()
        for name, duration_model in context.duration_models.items()
        if duration_model.seen
    }
    now, loop_now = utc_now(), context.now()
    polled = {
        name: [(now - timedelta(seconds=age_s)).isoformat() for age_s in provider_state.polls.ages(loop_now)]
        for name, provider_state in context.provider_states.items()
    }
    with contextlib.suppress(StateError):
        state.set_meta(**{DURATION_MODELS: duration_models, POLLED: polled})


def _watch_loop(context: RunContext, done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (exc := done.exception()) is not None:
        context.abort(exc)
