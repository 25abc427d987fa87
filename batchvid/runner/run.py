"""Puts one run together: recovers what an earlier one left, starts the loops, waits for the end, says how it went."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from batchvid.runner.poller import Poller
from batchvid.runner.recorder import Recorder
from batchvid.runner.room import WAIT_S
from batchvid.runner.submitter import Submitter
from batchvid.runner.transport import Transport
from batchvid.scrub import scrubbed
from batchvid.state import StateFile, read_meta
from batchvid.storage import SPARE_BYTES, LocalStore

FAILED, BUDGET, UNCERTAIN, STOPPED, INTERRUPTED = 1, 3, 5, 6, 130  # DESIGN section 6
TICK_S = 1.0
LAWS, POLLED = "laws", "polled"  # in the state file
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `counts` are of the whole batch; `exit_code` is DESIGN's, the most urgent one first."""

    exit_code: int
    counts: Counter[JobState]
    reason: str = ""


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
            return _outcome(None, recorder, setup.scope, interrupted=False)
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
            with _signals(context) as interrupted:
                async with _ticking(tick):
                    await _drive(context, setup, work)
            if context.fault is not None and not isinstance(context.fault, BatchvidError):
                raise context.fault
            await recorder.close()
            _remember(state, context)
            return _outcome(context, recorder, setup.scope, interrupted=bool(interrupted))
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
    """Keep what was learned, and when was polled last. A disk that is full must not spoil the end of a run."""
    laws = {name: law.remembered() for name, law in context.laws.items() if law.seen}
    now, loop_now = utc_now(), context.now()
    polled = {
        name: [(now - timedelta(seconds=age_s)).isoformat() for age_s in lane.polls.ages(loop_now)]
        for name, lane in context.lanes.items()
    }
    with contextlib.suppress(StateError):
        state.set_meta(**{LAWS: laws, POLLED: polled})


def _last_polls(state: StateFile, name: str) -> list[datetime]:
    """When the last run polled this provider, in the moment before its end; one that was killed tells nothing."""
    kept = read_meta(state.path).get(POLLED, {})
    return [datetime.fromisoformat(at) for at in kept.get(name, ())]


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
                polls=Window(provider.polls_per_s, 1.0, on_loop_clock(_last_polls(state, name), now, loop_now)),
            )
        yield lanes


@contextlib.contextmanager
def _signals(context: RunContext) -> Iterator[list[str]]:
    """First SIGINT or SIGTERM: submit nothing more, bring downloads home. Second: leave at once; the state is safe."""
    interrupted: list[str] = []
    loop = asyncio.get_running_loop()

    def on_signal(name: str) -> None:
        if interrupted:
            context.notice("leaving at once; nothing is lost: run again to go on")
            os._exit(INTERRUPTED)
        interrupted.append(name)
        context.notice(f"{name}: submitting nothing more, letting downloads end. Once more leaves at once")
        context.stop("interrupted")

    restore: list[Callable[[], object]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, on_signal, number.name)
            restore.append(lambda number=number: loop.remove_signal_handler(number))  # type: ignore[misc]
        except (NotImplementedError, RuntimeError):  # Windows, or a run in a thread: the plain way, or none
            with contextlib.suppress(ValueError):
                old = signal.signal(number, lambda n, _: loop.call_soon_threadsafe(on_signal, signal.Signals(n).name))
                restore.append(lambda number=number, old=old: signal.signal(number, old))  # type: ignore[misc]
    try:
        yield interrupted
    finally:
        for undo in restore:
            undo()


def _outcome(context: RunContext | None, recorder: Recorder, scope: frozenset[str], *, interrupted: bool) -> Outcome:
    jobs = recorder.jobs
    ends = Counter(jobs[job_id].state for job_id in scope if job_id in jobs)
    lanes = context.lanes.values() if context else ()
    reasons = ((lane.name, lane.stopped or lane.left_behind) for lane in lanes)
    stopped = [f"{name} was stopped: {reason}" for name, reason in reasons if reason]
    held_up = (*map(str, context.capped.values()), context.unbuyable) if context else ()
    capped = [reason for reason in dict.fromkeys(held_up) if reason]
    reason, code = "", 0
    if interrupted:
        code, reason = INTERRUPTED, "interrupted; run again to go on"
    elif context and context.fault:
        code, reason = FAILED, str(context.fault)
    elif any(job.state is JobState.UNCERTAIN for job in jobs.values()):
        waiting = sum(len(lane.queue) + lane.delayed.total() for lane in lanes if not lane.idle)
        held = f"; {waiting} jobs wait for the slots that they hold until their deadline" if waiting else ""
        code, reason = UNCERTAIN, f"uncertain submits wait for a person: batchvid resolve{held}"
    elif stopped:
        code, reason = STOPPED, f"{'; '.join(stopped)}. Its jobs are kept: mend that and run again"
    elif capped:
        code, reason = BUDGET, "; ".join(capped)
    elif context and context.stopping:
        code, reason = FAILED, context.stopping
    elif ends[JobState.FAILED]:
        code, reason = (
            FAILED,
            "some jobs failed: batchvid retry buys them again, what a content filter refused only when it is changed, "
            "what was cancelled only with --kind cancelled",
        )
    elif ends[JobState.SUCCEEDED] < ends.total():
        why = f" ({context.passed_over})" if context and context.passed_over else ""
        code, reason = FAILED, f"some jobs are not finished: run again to go on{why}"
    counts = Counter(job.state for job in jobs.values())
    return Outcome(exit_code=code, counts=counts, reason=scrubbed(reason))  # a vendor's words may stand in it
