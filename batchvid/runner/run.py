"""Puts one run together: recovers what an earlier one left, starts the loops, waits for the end, says how it went."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any

from batchvid.clock import utc_now
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.errors import BatchvidError, StateError
from batchvid.net.transport import Transport
from batchvid.runner.budget.budget import Budget
from batchvid.runner.context import RunContext
from batchvid.runner.dispatcher import Dispatcher
from batchvid.runner.downloads.downloader import Downloader
from batchvid.runner.estimation.duration_model import DurationModel
from batchvid.runner.listeners import Listeners, restore_slots, track_health, track_slots, track_spending
from batchvid.runner.outcome import Outcome, build_outcome
from batchvid.runner.polling.poller import Poller
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S
from batchvid.runner.providers.startup import POLLED, ProviderStartup, needed
from batchvid.runner.recorder import Recorder
from batchvid.runner.setup import RunConfig, RunRequest
from batchvid.runner.shutdown import handle_signals
from batchvid.runner.spending_history import earlier_charges, warn_about_caps
from batchvid.runner.submission.reconciliation import Reconciler, jobs_to_reconcile
from batchvid.runner.submission.submitter import Submitter
from batchvid.state.readers import read_meta
from batchvid.state.state_file import StateFile
from batchvid.storage import LocalStore

TICK_S = 1.0
AT_ONCE = 1000  # jobs lined up before the loop looks at anything else
SWITCH_S = 0.0002  # Python's own 5 ms, waited for at every call to the system, let a loop make 200 of them a second
DURATION_MODELS = "laws"  # in the state file


async def run(state: StateFile, recorder: Recorder, setup: RunConfig, listeners: Listeners) -> Outcome:
    """Buy what may be bought, collect what is paid for, until all is at rest or the user interrupts.

    Raises BatchvidError when it cannot begin (a missing key), and what `setup.asked` raises; then nothing was bought.
    """
    try:
        # without a key nobody is asked: jobs of a provider that is not used any more must not keep others from theirs
        may_ask = (lambda _: True) if setup.only_reconcile else setup.keys.has
        lost = jobs_to_reconcile(recorder.jobs.values(), setup.providers, may_ask)
        paid = [] if setup.only_reconcile else [job for job in recorder.jobs.values() if job.state in PAID_AND_OPEN]
        work = [*lost, *paid]
        async with (
            ProviderStartup(state, setup.folder, setup.providers, setup.keys) as startup,
            Transport() as transport,
        ):
            await startup.open(needed(work))
            context = RunContext(
                recorder=recorder,
                transport=transport,
                provider_states=startup.provider_states,
                providers=setup.providers,
                models=setup.models,
                budget=Budget(setup.caps, earlier_charges(state.path, recorder.jobs.values()) if setup.caps else ()),
                notice=listeners.notice,
                retries=setup.retries,
                moderation_retries=setup.moderation_retries,
                planned=asyncio.Event(),
                duration_models=_remembered(state),
            )
            restore_slots(context, recorder.jobs.values())
            with handle_signals(context, listeners.close) as interrupted:
                async with _heartbeat(listeners.tick):
                    asked = await _drive(context, setup, work, startup, listeners)
            if context.fault is not None and not isinstance(context.fault, BatchvidError):
                raise context.fault
            await recorder.close()
            _remember(state, context)
            return build_outcome(context, asked.scope, interrupted=bool(interrupted))
    finally:
        await recorder.close()


@contextlib.asynccontextmanager
async def _heartbeat(tick: Callable[[], None]) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            await asyncio.sleep(TICK_S)
            tick()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _drive(
    context: RunContext, setup: RunConfig, work: list[Job], startup: ProviderStartup, listeners: Listeners
) -> RunRequest:
    """Start the loops, hand them the work, wait until it is over, let what is under way finish."""
    dispatch = Dispatcher(context, only_reconcile=setup.only_reconcile)
    dispatch.reconciler = reconciler = Reconciler(context, dispatch)
    dispatch.submitter = submitter = Submitter(context, dispatch)
    dispatch.poller = poller = Poller(context, dispatch)
    dispatch.downloader = downloader = Downloader(
        context,
        LocalStore(setup.folder, setup.spare_bytes),
        setup.downloads,
        dispatch,
        room_wait_s=setup.room_wait_s,
    )
    listeners.on_bug = context.abort
    listeners.bookkeeping = (
        track_spending(context, submitter.reservations.release_capped_jobs),
        track_slots(context),
        track_health(context),
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
        asked = await _in_background_thread(setup.asked)
        await context.recorder.record_many(asked.steps)
        buys = await _line_up(context, asked, work, startup)
        warn_about_caps(context, buys if setup.caps else ())
        for number, job in enumerate(buys):
            wait_s = (job.retry_at - utc_now()).total_seconds() if job.retry_at else 0.0
            submitter.enqueue(
                job, min(wait_s, MAX_RETRY_AFTER_S)
            )  # no more, also when the clock was set back meanwhile
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        del buys  # the jobs as they stood in line must not stay beside what becomes of them
        for provider_state in context.provider_states.values():
            start(submitter.serve(provider_state))
        context.planned.set()
        context.started = True
        context.check_over()
        await context.over.wait()
        await submitter.drain()
        await reconciler.drain()
        await poller.drain()
        if context.stop_reason and context.fault is None:  # a poll may have brought a clip home in the meantime
            context.over.clear()
            context.check_over()
            await context.over.wait()
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await downloader.close()
    submitter.report_waiting()
    return asked


async def _in_background_thread(asked: Callable[[], RunRequest]) -> RunRequest:
    """Work out what is asked in a thread of its own, without keeping the loops from theirs."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        return await asyncio.to_thread(asked)
    finally:
        sys.setswitchinterval(before_s)


async def _line_up(context: RunContext, asked: RunRequest, work: Iterable[Job], startup: ProviderStartup) -> list[Job]:
    """The jobs that may be bought, in the manifest's order, with a lane for each provider that they may go to."""
    jobs = context.recorder.jobs
    buys = [job for job in jobs.values() if job.state is JobState.PENDING and job.id in asked.buys]
    new = {provider_state.name for provider_state in await startup.open(needed([*work, *buys], asked.retryable_ids))}
    restore_slots(context, (job for job in jobs.values() if job.spec.provider in new) if new else ())
    context.retryable_ids = asked.retryable_ids
    return buys


def _remembered(state: StateFile) -> dict[str, DurationModel]:
    """What earlier runs learned of how long tasks take."""
    kept = read_meta(state.path).get(DURATION_MODELS, {})
    return {name: DurationModel(columns) for name, columns in kept.items()} if isinstance(kept, dict) else {}


def _remember(state: StateFile, context: RunContext) -> None:
    """Keep what was learned, and when was polled last. A disk that is full must not spoil the end of a run."""
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
    if not done.cancelled() and (fault := done.exception()) is not None:
        context.abort(fault)
