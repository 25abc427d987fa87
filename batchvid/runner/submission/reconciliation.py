"""What becomes of a submit without a verdict: asked after where the provider can be asked, else held for a person.

It only binds a task that is certainly the job's. It never takes a provider's not knowing for proof that nothing was
bought, and buys again only what this run itself has lost, under `on_lost_submit: resubmit`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from typing import Any

from batchvid.catalog import Provider
from batchvid.catalog.model_policies import find_poll_interval
from batchvid.clock import utc_now
from batchvid.dialects.lookups import LOOKUP_METHODS, LookupMethod
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Candidate, Rejected
from batchvid.errors import WireError
from batchvid.planning.routing import build_order
from batchvid.redaction import redact
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState

WAITS = (0.1, 0.4, 1.0, 2.0)  # before each question, in poll intervals: a task may not be visible at once
GRACE_S = 60.0  # after that it is (wire-cometapi 6.3), and one question is enough
BEFORE_S, AFTER_S = 120.0, 600.0  # clocks differ; a gateway may try its channels for minutes before one takes the task
MOST_RESUBMITS = 3  # on_lost_submit: resubmit is a permission to risk a second purchase, not an endless one


def lookup_method(job: Job, provider: Provider) -> LookupMethod | None:
    """How the provider can be asked after this job's submit, None where it cannot."""
    name = provider.lookup.get(job.dialect)
    return LOOKUP_METHODS[name].get(job.dialect) if name else None


def jobs_to_reconcile(
    jobs: Iterable[Job], providers: Mapping[str, Provider], may_ask: Callable[[Provider], bool]
) -> list[Job]:
    """The uncertain jobs of earlier runs that somebody can be asked after."""
    able = {name for name, provider in providers.items() if provider.lookup and may_ask(provider)}
    return [
        job
        for job in jobs
        if job.state is JobState.UNCERTAIN
        and job.spec.provider in able
        and lookup_method(job, providers[job.spec.provider])
    ]


def meant(job: Job, candidates: Iterable[Candidate], jobs: Iterable[Job], *, exact: bool) -> list[Candidate]:
    """The candidates that may be this job's task; only a single one is a find.

    An `exact` question was about our own id: what it finds is ours unless it names another. Else model, prompt and time
    must all agree and the task must be no other job's. Nor may there be any task of the same words that nobody can tell
    from it: of a twin whose answer is out or lost, or of an earlier attempt.
    """
    if exact:
        return [candidate for candidate in candidates if candidate.external_id in ("", job.external_id)]
    named = [candidate for candidate in candidates if _is_alike(job, candidate)]
    if not named:
        return []
    words, others = _words(job), [other for other in jobs if other.id != job.id]
    twins = [other for other in others if _words(other) == words]
    doubts = job.tasks + sum(
        other.tasks - bool(other.task_id) + (other.state in (JobState.UNCERTAIN, JobState.SUBMITTING))
        for other in twins
    )
    bound = {other.task_id for other in others}
    return [candidate for candidate in named if candidate.task_id not in bound] * (1 + doubts)


def _words(job: Job) -> tuple[str, str, str]:
    return job.spec.provider, job.model_sent, job.spec.request.prompt


def _is_alike(job: Job, candidate: Candidate) -> bool:
    if candidate.created_at is None or job.submitted_at is None:
        return False
    age = candidate.created_at - job.submitted_at
    in_time = timedelta(seconds=-BEFORE_S) <= age <= timedelta(seconds=AFTER_S)
    return (
        in_time
        and candidate.model == job.model_sent
        and candidate.prompt.strip() == job.spec.request.prompt.strip() != ""
    )


class Lookup:
    """`on_running` is told of each job whose task was found, `on_again` of each that is to be bought again."""

    def __init__(self, context: RunContext, on_running: Callable[[Job], None], on_again: Callable[[Job], None]) -> None:
        self._context = context
        self._on_running = on_running
        self._on_again = on_again
        self._asking: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def lost(self, job: Job) -> None:
        """A submit of this run ended without a verdict."""
        self._start(self._settle_lost(job))

    def left(self, job: Job) -> None:
        """An earlier run left the job uncertain."""
        self._context.active.add(job.id)
        self._start(self._settle_left(job))

    def _start(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._done)

    def _done(self, asking: asyncio.Task[None]) -> None:
        self._asking.discard(asking)
        if not asking.cancelled() and (fault := asking.exception()) is not None:
            self._context.abort(fault)

    async def drain(self) -> None:
        """Ask nothing more; wait for the questions that are out. The next run asks again."""
        self._closing.set()
        while self._asking:
            await asyncio.wait(self._asking)

    async def _settle_left(self, job: Job) -> None:
        if not await self._find(job):
            self._context.rest(job.id)

    async def _settle_lost(self, job: Job) -> None:
        context = self._context
        if await self._find(job):
            return
        job = context.job(job.id)
        resubmit = context.provider_state(job).provider.on_lost_submit == "resubmit"
        if resubmit and job.attempts <= MOST_RESUBMITS and not context.stopping:
            reason = "on_lost_submit: resubmit"
            self._on_again(await context.recorder.record(job.id, ev.Reopened(at=utc_now(), reason=reason)))
        else:
            context.notice(f"{job.id} is uncertain: {job.message}. It may be paid for and is not sent again")
        context.rest(job.id)

    async def _find(self, job: Job) -> bool:
        """Ask the provider; whether the task was found. What was said instead is written down."""
        context, provider_state = self._context, self._context.provider_state(job)
        way = lookup_method(job, provider_state.provider)
        if way is None or job.origin != provider_state.origin:
            return False
        found, said = await self._ask(provider_state, job, way)
        if found is not None:
            event = ev.SubmitAccepted(at=utc_now(), task_id=found.task_id, model=found.model)
            job = await context.recorder.record(job.id, event)
            context.notice(f"{job.id} is found again at {provider_state.name}: task {job.task_id}. It is paid for once")
            self._on_running(job)
        elif said and said != job.looked_up:
            again = ev.SubmitLost(at=utc_now(), message=job.message, request_id=job.request_id, looked_up=said)
            await context.recorder.record(job.id, again)
        return found is not None

    async def _ask(self, provider_state: ProviderState, job: Job, way: LookupMethod) -> tuple[Candidate | None, str]:
        """The job's task if it is found, and else how the asking went."""
        context = self._context
        every_s = find_poll_interval(provider_state.provider, job.spec.request.model, context.models).every_s
        said, asked, requested_s = "", 0, 0.0
        for wait in WAITS:
            if provider_state.polling_stopped or not await self._turn(provider_state, max(wait * every_s, requested_s)):
                break
            read = await self._answer(provider_state, job, way)
            if isinstance(read, Rejected):
                said = redact(f"{provider_state.name} could not be asked after it: {read.message}")
                requested_s = read.retry_after_s or 0.0
                if read.kind in STOPS_PROVIDER:
                    break
                continue
            asked += 1
            found = meant(job, read, context.recorder.jobs.values(), exact=way.exact)
            if len(found) == 1:
                return found[0], ""
            if found:
                why = "has a task like it, but another job may own it"
                return None, f"{provider_state.name} {why}"
            times = f"asked {asked} time{'s' * (asked > 1)}"
            said = (
                f"{provider_state.name} does not know it {way.where} ({times}), which is no proof: look in its console"
            )
            if job.submitted_at and utc_now() - job.submitted_at > timedelta(seconds=GRACE_S):
                break
        return None, said

    async def _turn(self, provider_state: ProviderState, wait_s: float) -> bool:
        """Wait so long, and for the provider's poll rate; false when nothing more is to be asked, or not for long."""
        next_available_at = self._context.now() + wait_s
        while (
            left_s := max(
                next_available_at, provider_state.polls.next_available_at(), provider_state.polls_paused_until
            )
            - self._context.now()
        ) > 0:
            if left_s > GRACE_S:  # the next run asks, too: this one's end is not held up
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), left_s)
            if self._closing.is_set():
                return False
        provider_state.polls.acquire(self._context.now())
        return True

    async def _answer(
        self, provider_state: ProviderState, job: Job, way: LookupMethod
    ) -> tuple[Candidate, ...] | Rejected:
        order = build_order(job.spec, model=job.model_sent, external_id=job.external_id)
        origin, key = provider_state.base_url + job.prefix, provider_state.key.get_secret_value()
        try:
            return way.read(await self._context.transport.send(origin, way.ask(order), key))
        except WireError as exc:
            return Rejected(kind=FailureKind.UNAVAILABLE, message=str(exc))
