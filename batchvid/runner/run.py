"""Puts one run together: recovers what an earlier one left, starts the loops, waits for the end, says how it went."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from batchvid import events as ev
from batchvid.catalog import Models, Provider, built_in
from batchvid.errors import BatchvidError, StateError
from batchvid.jobs import IN_FLIGHT, Job, JobState
from batchvid.runner.accounts import earlier_charges, foretell, keep_books
from batchvid.runner.breaker import Health
from batchvid.runner.budget import Budget
from batchvid.runner.caps import Cap
from batchvid.runner.context import Notice, RunContext, utc_now
from batchvid.runner.downloader import Downloader
from batchvid.runner.embedded import embedded_emulator
from batchvid.runner.hazard import Law
from batchvid.runner.keys import Keys
from batchvid.runner.lanes import LONGEST_WISH_S, Lane
from batchvid.runner.limits import Slots, Window, on_loop_clock
from batchvid.runner.lookup import Lookup, left_behind
from batchvid.runner.outcome import Outcome, outcome_of
from batchvid.runner.poller import Poller
from batchvid.runner.recorder import Recorder
from batchvid.runner.room import WAIT_S
from batchvid.runner.signals import signals_heard
from batchvid.runner.submitter import Submitter
from batchvid.runner.transport import Transport
from batchvid.state import StateFile, read_meta
from batchvid.storage import SPARE_BYTES, LocalStore

TICK_S = 1.0
LAWS = "laws"  # in the state file
DOWNLOADS = 6  # streams at once: more gain nothing, each holds a megabyte and a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run is given. `buys` are the ids of the pending jobs it may pay for; everything open is collected.

    `scope` are the jobs whose ends make the exit code; uncertain ones count wherever they are. `retries` is how often
    a failed task is bought again by itself, `rerolls` how often one whose clip was withheld is; these and a fallback
    hold for `rebuys` only. A run that `only_asks` looks for the tasks of lost submits and leaves everything else as it
    is. `spare_bytes` of the disk stay free; when it is full, room is waited for `room_wait_s` seconds.
    """

    folder: Path
    providers: Mapping[str, Provider]
    keys: Keys
    scope: frozenset[str]
    buys: frozenset[str] = frozenset()
    models: Models = field(default_factory=built_in)
    caps: tuple[Cap, ...] = ()
    retries: int = 0
    rerolls: int = 0
    rebuys: frozenset[str] = frozenset()
    downloads: int = DOWNLOADS
    only_asks: bool = False
    spare_bytes: int = SPARE_BYTES
    room_wait_s: float = WAIT_S


async def run(
    state: StateFile, recorder: Recorder, setup: Setup, notice: Notice, tick: Callable[[], None] = lambda: None
) -> Outcome:
    """Buy what may be bought, collect what is paid for, until all is at rest or the user interrupts.

    `tick` is called every second or so, for displays that must show life when nothing happens. Raises BatchvidError
    when it cannot even begin (a missing key); then nothing was sent.
    """
    try:
        # without a key nobody is asked: jobs of a provider that is not used any more must not keep others from theirs
        may_ask = (lambda _: True) if setup.only_asks else setup.keys.has
        lost = left_behind(recorder.jobs.values(), setup.providers, may_ask)
        work = [*lost, *([] if setup.only_asks else _open_jobs(recorder.jobs.values(), setup.buys))]
        if not work:
            return outcome_of(None, recorder, setup.scope, interrupted=False)
        async with _lanes(state, setup, _needed(work, setup.rebuys)) as lanes, Transport() as transport:
            context = RunContext(
                recorder=recorder,
                transport=transport,
                lanes=lanes,
                providers=setup.providers,
                models=setup.models,
                budget=Budget(setup.caps, earlier_charges(state.path, recorder.jobs.values()) if setup.caps else ()),
                notice=notice,
                retries=setup.retries,
                rerolls=setup.rerolls,
                rebuys=setup.rebuys,
                laws=_remembered(state),
            )
            _keep_health(context)
            _keep_accounts(context)
            with signals_heard(context) as interrupted:
                async with _ticking(tick):
                    await _drive(context, setup, work)
            if context.fault is not None and not isinstance(context.fault, BatchvidError):
                raise context.fault
            await recorder.close()
            _remember(state, context)
            return outcome_of(context, recorder, setup.scope, interrupted=bool(interrupted))
    finally:
        await recorder.close()


@contextlib.asynccontextmanager
async def _ticking(tick: Callable[[], None]) -> AsyncIterator[None]:
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


def _open_jobs(jobs: Iterable[Job], buys: frozenset[str]) -> list[Job]:
    rest = {JobState.SUCCEEDED, JobState.FAILED, JobState.UNCERTAIN}
    return [job for job in jobs if job.state not in rest and (job.state is not JobState.PENDING or job.id in buys)]


def _needed(work: Iterable[Job], rebuys: frozenset[str]) -> set[str]:
    """The providers that may be asked: those of the jobs, and those that they may turn to."""
    specs = {job.id: job.spec for job in work}
    others = (other.provider for job_id, spec in specs.items() if job_id in rebuys for other in spec.fallback)
    return {*(spec.provider for spec in specs.values()), *others}


async def _drive(context: RunContext, setup: Setup, work: list[Job]) -> None:
    """Start the loops, hand them the work, wait until it is over, let what is under way finish."""
    lookup = Lookup(
        context,
        on_running=lambda job: context.rest(job.id) if setup.only_asks else poller.watch(job, at_once=True),
        on_again=lambda job: submitter.enqueue(job),
    )
    submitter = Submitter(context, on_running=lambda job: poller.watch(job), on_lost=lookup.lost)
    poller = Poller(
        context,
        on_ready=lambda job, status: downloader.enqueue(job, status.assets),
        on_again=submitter.enqueue,
    )
    downloader = Downloader(
        context,
        LocalStore(setup.folder, setup.spare_bytes),
        setup.downloads,
        on_running=lambda job: poller.watch(job, first=True),
        room_wait_s=setup.room_wait_s,
    )
    keep_books(context, submitter.uncap)
    foretell(context, (job for job in work if job.state is JobState.PENDING) if setup.caps else ())
    for job in sorted(work, key=lambda job: job.state is not JobState.READY):  # what is finished comes home first
        if job.state is JobState.RUNNING:
            poller.watch(job, at_once=True)
        elif job.state is JobState.READY:
            if context.is_reachable(job):
                downloader.enqueue(job, job.assets)
        elif job.state is JobState.UNCERTAIN:
            lookup.left(job)
        else:
            wait_s = (job.retry_at - utc_now()).total_seconds() if job.retry_at else 0.0
            submitter.enqueue(job, min(wait_s, LONGEST_WISH_S))  # no more, also when the clock was set back meanwhile
    loops = [asyncio.create_task(submitter.serve(lane)) for lane in context.lanes.values()]
    loops.append(asyncio.create_task(poller.serve()))
    for loop in loops:
        loop.add_done_callback(lambda done: _watch_loop(context, done))
    context.started = True
    context.check_over()
    try:
        await context.over.wait()
        await submitter.drain()
        await lookup.drain()
        await poller.drain()
        if context.stopping and context.fault is None:  # a poll may have brought a clip home in the meantime
            context.over.clear()
            context.check_over()
            await context.over.wait()
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await downloader.close()
    submitter.tell_who_waits()


def _remembered(state: StateFile) -> dict[str, Law]:
    """What earlier runs learned of how long tasks take."""
    kept = read_meta(state.path).get(LAWS, {})
    return {name: Law(columns) for name, columns in kept.items()} if isinstance(kept, dict) else {}


def _remember(state: StateFile, context: RunContext) -> None:
    """Keep what was learned. It only saves questions: a disk that is full must not spoil the end of a run."""
    with contextlib.suppress(StateError):
        state.set_meta(**{LAWS: {name: law.remembered() for name, law in context.laws.items() if law.seen}})


def _watch_loop(context: RunContext, done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (fault := done.exception()) is not None:
        context.abort(fault)


def _keep_accounts(context: RunContext) -> None:
    """Slots follow the jobs: now, for what earlier runs left, and with every event."""
    loop = asyncio.get_running_loop()

    def free(job_id: str, lane: Lane) -> None:
        if context.job(job_id).state not in IN_FLIGHT and lane.slots.free(job_id):
            lane.wake.set()

    def count(job: Job) -> None:
        lane = context.lanes.get(job.spec.provider)
        if lane is None:
            return
        if job.state in IN_FLIGHT:
            lane.slots.hold(job.id, job.model_sent)
        elif job.state is JobState.UNCERTAIN:  # its task may be running until the deadline has passed
            age_s = (utc_now() - job.submitted_at).total_seconds() if job.submitted_at else 0.0
            left_s = lane.provider.timeout_s - max(age_s, 0.0)  # an age below 0: the clock was set back meanwhile
            if left_s > 0:
                lane.slots.hold(job.id, job.model_sent)
                loop.call_later(left_s, free, job.id, lane)
        else:
            free(job.id, lane)

    def on_event(event: ev.Event, _before: Job | None, after: Job) -> None:
        if not isinstance(event, ev.Progressed):
            count(after)

    for job in context.recorder.jobs.values():
        count(job)
    context.recorder.listeners.insert(0, on_event)


def _keep_health(context: RunContext) -> None:
    """Every lane learns from what becomes of its jobs whether its models work, and what it may buy again."""

    def on_event(event: ev.Event, _before: Job | None, after: Job) -> None:
        lane = context.lanes.get(after.spec.provider)
        if lane is not None and isinstance(event, ev.SubmitAccepted):
            lane.retries.accepted += 1
        if lane is not None and lane.health.hear(event, after, context.now(), context.jitter()):
            lane.wake.set()

    context.recorder.listeners.insert(0, on_event)


@contextlib.asynccontextmanager
async def _lanes(state: StateFile, setup: Setup, names: set[str]) -> AsyncIterator[dict[str, Lane]]:
    """A lane for each provider that has work, with its key at hand and its emulator started where it is one of ours."""
    unknown = names - setup.providers.keys()
    if unknown:
        raise BatchvidError(f"jobs of this batch belong to providers that are no longer known: {', '.join(unknown)}")
    keys = {name: setup.keys.of(setup.providers[name]) for name in names}
    now, loop_now = utc_now(), asyncio.get_running_loop().time()
    slowest_per_min = min([1.0, *(setup.providers[name].submits_per_min for name in names)])
    asked = state.submit_times(now - timedelta(minutes=2 / slowest_per_min))
    async with contextlib.AsyncExitStack() as stack:
        lanes: dict[str, Lane] = {}
        for name in sorted(names):
            provider = setup.providers[name]
            base_url = provider.base_url
            if provider.is_embedded:
                emulator = embedded_emulator(provider.life, setup.folder / "emulator" / "tasks.jsonl")
                base_url = await stack.enter_async_context(emulator)
            lanes[name] = Lane(
                provider=provider,
                base_url=base_url,
                key=keys[name],
                slots=Slots(provider.concurrency, provider.model_concurrency),
                health=Health(provider.first_wait_s),
                submits=Window(provider.submits_per_min, 60.0, on_loop_clock(asked.get(name, ()), now, loop_now)),
                polls=Window(provider.polls_per_s, 1.0),
            )
        yield lanes
