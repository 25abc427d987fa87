"""Resolves submits without a verdict: looks for their task where the provider supports lookup, else leaves them.

Only a task that certainly belongs to the job is adopted. A "not found" does not prove that nothing was bought. Only a
submit that this run itself lost is bought again, under `on_lost_submit: resubmit`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from batchvid.catalog import Provider
from batchvid.catalog.model_policies import find_poll_interval
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.dialects.dialect import LookupMethod
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Candidate, Rejected
from batchvid.errors import WireError
from batchvid.planning.routing import submitted_generation
from batchvid.redaction import redact
from batchvid.runner.context import Dispatch, RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import WAIT_MAX_S, RetryPolicy

LOOKUP_DELAYS = (0.1, 0.4, 1.0, 2.0)  # before each lookup, in poll intervals: a task may not be visible at once
VISIBLE_AFTER_S = 60.0  # by then a task is visible (wire-notes 6.3), and one lookup is enough
MAX_CLOCK_SKEW_S = 120.0
MAX_CREATION_DELAY_S = 600.0  # a gateway may try its channels for minutes before one accepts the task
MAX_CANDIDATES = 10  # tasks that are shown to a person
MAX_PROMPT_CHARS = 80  # of a task that is shown
EPOCH = datetime.fromtimestamp(0, UTC)
RESUBMIT_SLOWER = 2.0  # than after a refusal, and the wait grows fourfold: each call may be a purchase
MAX_RESUBMITS = 3  # on_lost_submit: resubmit may risk a second purchase, but not endlessly


def lookup_method(job: Job, provider: Provider) -> LookupMethod | None:
    """How the provider looks up this job's submit; None if it cannot."""
    name = provider.lookup.get(job.dialect)
    return DIALECTS[job.dialect].lookups.get(name) if name and job.dialect in DIALECTS else None


def jobs_to_reconcile(
    jobs: Iterable[Job], providers: Mapping[str, Provider], can_ask: Callable[[Provider], bool]
) -> list[Job]:
    """The uncertain jobs of earlier runs whose provider supports lookup."""
    names = {name for name, provider in providers.items() if provider.lookup and can_ask(provider)}
    return [
        job
        for job in jobs
        if job.state is JobState.UNCERTAIN
        and job.spec.provider in names
        and lookup_method(job, providers[job.spec.provider])
    ]


def matching_tasks(job: Job, candidates: Iterable[Candidate], jobs: Iterable[Job], *, exact: bool) -> list[Candidate]:
    """The candidates that may be this job's task. Only a single one is a match.

    An `exact` lookup used our own id: its result matches unless it has another id. Otherwise model, prompt and time
    must agree, and no other job may own the task. The match is rejected if another job, or an earlier attempt, could
    own an identical task. Only lost submits of identical requests may share their tasks: with as many tasks as
    submits, each gets one, in the order of time.
    """
    if exact:
        return [candidate for candidate in candidates if candidate.external_id in ("", job.external_id)]
    candidates = list(candidates)
    similar = [candidate for candidate in candidates if _is_similar(job, candidate)]
    if not similar:
        return []
    key, others = _match_key(job), [other for other in jobs if other.id != job.id]
    twins = [other for other in others if _match_key(other) == key]
    owned = {other.task_id for other in others}
    unclaimed = [candidate for candidate in candidates if candidate.task_id not in owned]
    if shared := _shared_out(job, twins, unclaimed):
        return [shared]
    other_owners = job.tasks + sum(
        other.tasks - bool(other.task_id) + (other.state in (JobState.UNCERTAIN, JobState.SUBMITTING))
        for other in twins
    )
    return [candidate for candidate in similar if candidate.task_id not in owned] * (1 + other_owners)


def unclaimed_tasks(job: Job, candidates: Iterable[Candidate], jobs: Iterable[Job]) -> tuple[Candidate, ...]:
    """The tasks that a person may compare with a lost submit: no job owns them, the most similar come first."""
    owned = {other.task_id for other in jobs}
    found = [one for one in candidates if one.task_id not in owned and (one.created_at is None or _in_time(job, one))]
    found.sort(key=lambda one: (not _is_similar(job, one), one.model != job.model_sent, one.task_id))
    return tuple(replace(one, prompt=redact(one.prompt)[:MAX_PROMPT_CHARS]) for one in found[:MAX_CANDIDATES])


def _is_interchangeable(job: Job, other: Job) -> bool:
    """Whether a clip of one is as good for the other: all settings agree, and it was sent to the same place."""
    one, another = job.spec, other.spec
    return (one.request, one.parent, job.origin, job.billed_duration_s) == (
        another.request, another.parent, other.origin, other.billed_duration_s,
    )  # fmt: skip


def _shared_out(job: Job, twins: Iterable[Job], unclaimed: Iterable[Candidate]) -> Candidate | None:
    """The task of this job if there are as many tasks as lost submits; the order is the same for each of them.

    None if one of the tasks may be another's: of a request with other settings, of a call that is out, or of an earlier
    attempt that was given up without a verdict.
    """
    lost = sorted(
        (job, *(twin for twin in twins if twin.state is JobState.UNCERTAIN)),
        key=lambda one: (one.submitted_at or EPOCH, one.id),
    )
    if len(lost) == 1 or not all(_is_interchangeable(job, one) and one.attempts == 1 and not one.tasks for one in lost):
        return None
    others = (twin for twin in twins if twin.state is not JobState.UNCERTAIN)
    if any(other.tasks > bool(other.task_id) or other.committed_attempts > other.tasks for other in others):
        return None
    similar = [candidate for candidate in unclaimed if any(_is_similar(one, candidate) for one in lost)]
    tasks = sorted(similar, key=lambda one: (one.created_at or EPOCH, one.task_id))
    if len(tasks) != len(lost) or not all(map(_is_similar, lost, tasks)):
        return None
    return tasks[lost.index(job)]


def _match_key(job: Job) -> tuple[str, str, str]:
    return job.spec.provider, job.model_sent, job.spec.request.prompt


def _in_time(job: Job, candidate: Candidate) -> bool:
    if candidate.created_at is None or job.submitted_at is None:
        return False
    age = candidate.created_at - job.submitted_at
    return timedelta(seconds=-MAX_CLOCK_SKEW_S) <= age <= timedelta(seconds=MAX_CREATION_DELAY_S)


def _is_similar(job: Job, candidate: Candidate) -> bool:
    return (
        _in_time(job, candidate)
        and candidate.model == job.model_sent
        and candidate.prompt.strip() == job.spec.request.prompt.strip() != ""
    )


class Reconciler:
    """Looks up lost submits at their providers. Dispatches each job whose task is found, or that is bought again."""

    def __init__(self, context: RunContext, dispatch: Dispatch) -> None:
        self._context = context
        self._dispatch = dispatch
        self._lookups: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def start(self, job: Job, *, resumed: bool = False) -> None:
        """Look for the task of a lost submit; `resumed` if an earlier run left the job uncertain."""
        if resumed:
            self._context.active.add(job.id)
        self._start(self._reconcile_old(job) if resumed else self._reconcile_new(job))

    def _start(self, lookup: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(lookup)
        self._lookups.add(task)
        task.add_done_callback(self._done)

    def _done(self, lookup: asyncio.Task[None]) -> None:
        self._lookups.discard(lookup)
        if not lookup.cancelled() and (exc := lookup.exception()) is not None:
            self._context.abort(exc)

    async def drain(self) -> None:
        """Start no lookups; wait for pending ones. The next run looks again."""
        self._closing.set()
        while self._lookups:
            await asyncio.wait(self._lookups)

    async def _reconcile_old(self, job: Job) -> None:
        if not await self._find(job):
            self._context.mark_idle(job.id)

    async def _reconcile_new(self, job: Job) -> None:
        context = self._context
        if await self._find(job):
            return
        job = context.job(job.id)
        provider_state = context.provider_state(job)
        resubmit = provider_state.provider.on_lost_submit == "resubmit" and not provider_state.stop_reason
        if resubmit and job.attempts <= MAX_RESUBMITS and not context.stop_reason:
            reason = "on_lost_submit: resubmit"
            delay_s = self._resubmit_delay_s(job)
            context.notice(
                f"{job.id} is uncertain: {job.message}. {reason} buys it again in {delay_s:.0f} s "
                f"(attempt {job.attempts + 1} of {MAX_RESUBMITS + 1})"
            )
            reopened = await context.recorder.record(job.id, ev.Reopened(at=utc_now(), reason=reason))
            self._dispatch(reopened, delay_s=delay_s)
        else:
            context.notice(f"{job.id} is uncertain: {job.message}. It may be paid for and is not sent again")
        context.mark_idle(job.id)

    def _resubmit_delay_s(self, job: Job) -> float:
        """How long the next paid call of this job waits: longer after each lost one."""
        wait_initial_s = self._context.provider_state(job).provider.wait_initial_s
        policy = RetryPolicy(wait_initial_s * RESUBMIT_SLOWER, WAIT_MAX_S * RESUBMIT_SLOWER)
        return policy.backoff_s(2 * (job.attempts - 1), self._context.jitter())

    async def _find(self, job: Job) -> bool:
        """Look up the task; return whether it was found. Otherwise the reason is recorded."""
        context, provider_state = self._context, self._context.provider_state(job)
        method = lookup_method(job, provider_state.provider)
        if method is None or not same_origin(job.origin, provider_state.origin):
            return False
        found, result, unclaimed = await self._look_up(provider_state, job, method)
        if found and (owner := context.task_owners.claim(job.origin, found.task_id, job.id)):
            result = f"{provider_state.name} names task {found.task_id} for it, which belongs to {owner}"
            found = None
        if found is not None:
            event = ev.SubmitAccepted(
                at=utc_now(), task_id=found.task_id, model=found.model, rehearsal=provider_state.is_emulator
            )
            job = await context.recorder.record(job.id, event)
            context.notice(f"{job.id} is found again at {provider_state.name}: task {job.task_id}. It is paid for once")
            self._dispatch(job, resumed=True)
        elif result and (result, unclaimed) != (job.looked_up, job.candidates):
            lost = ev.SubmitLost(
                at=utc_now(),
                message=job.message,
                request_id=job.request_id,
                looked_up=result,
                candidates=unclaimed,
            )
            await context.recorder.record(job.id, lost)
        return found is not None

    async def _look_up(
        self, provider_state: ProviderState, job: Job, method: LookupMethod
    ) -> tuple[Candidate | None, str, tuple[Candidate, ...]]:
        """The job's task if it is found, otherwise the result in words and the tasks that may be it."""
        context = self._context
        every_s = find_poll_interval(provider_state.provider, job.spec.request.model, context.models).every_s
        result, lookups, requested_s, unclaimed = "", 0, 0.0, job.candidates
        for delay in LOOKUP_DELAYS:
            if provider_state.polling_stopped or not await self._wait_to_poll(
                provider_state, max(delay * every_s, requested_s)
            ):
                break
            reply = await self._send_lookup(provider_state, job, method)
            if isinstance(reply, Rejected):
                result = redact(f"lookup at {provider_state.name} failed: {reply.message}")
                requested_s = reply.retry_after_s or 0.0
                if reply.kind in STOPS_PROVIDER:
                    break
                continue
            lookups += 1
            found = matching_tasks(job, reply, context.recorder.jobs.values(), exact=method.exact)
            if len(found) == 1:
                return found[0], "", ()
            unclaimed = unclaimed_tasks(job, reply, context.recorder.jobs.values())
            if found:  # the other's reply, or the next list, may decide
                result = f"{provider_state.name} has a task like it, but another job may own it"
                continue
            times = f"asked {lookups} time{'s' * (lookups > 1)}"
            result = f"{provider_state.name} does not know it {method.where} ({times}). No proof: check its console"
            if job.submitted_at and utc_now() - job.submitted_at > timedelta(seconds=VISIBLE_AFTER_S):
                break
        return None, result, unclaimed

    async def _wait_to_poll(self, provider_state: ProviderState, wait_s: float) -> bool:
        """Wait so long, and for the poll rate; false if lookups are closing, or if the wait would be too long."""
        next_available_at = self._context.now() + wait_s
        while (
            left_s := max(
                next_available_at, provider_state.polls.next_available_at(), provider_state.polls_paused_until
            )
            - self._context.now()
        ) > 0:
            if left_s > VISIBLE_AFTER_S:  # do not delay the end of this run: the next one looks again
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), left_s)
            if self._closing.is_set():
                return False
        provider_state.polls.acquire(self._context.now())
        return True

    async def _send_lookup(
        self, provider_state: ProviderState, job: Job, method: LookupMethod
    ) -> tuple[Candidate, ...] | Rejected:
        generation = submitted_generation(job)
        origin = provider_state.base_url + job.prefix
        try:
            response = await self._context.transport.send(origin, method.ask(generation), provider_state.access)
            provider_state.repliers.add(response.is_emulator)
            return method.read(response)
        except WireError as exc:
            return missed_reply(exc)
