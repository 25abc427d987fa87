"""Resolves submits without a verdict: looks for their task where the provider supports lookup, else leaves them.

Only a task that certainly belongs to the job is adopted. A "not found" does not prove that nothing was bought. Only a
submit that this run itself lost is bought again, under `on_lost_submit: resubmit`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

from batchvid.catalog import Provider
from batchvid.catalog.model_policies import find_poll_interval
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.dialects.dialect import LookupMethod
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Candidate, Rejected, Request, Response
from batchvid.errors import UnreadableReply, WireError
from batchvid.planning.routing import submitted_generation
from batchvid.redaction import redact
from batchvid.runner.context import Dispatch, RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import WAIT_MAX_S, RetryPolicy
from batchvid.runner.submission.account_lookup import ACCOUNT_LOOKUP, AccountLookup, account_tasks, needed_token
from batchvid.runner.submission.image_loader import ImageReader
from batchvid.runner.submission.other_batches import OtherOwners
from batchvid.runner.submission.paid_calls import same_call
from batchvid.runner.submission.task_matching import (
    matching_tasks,
    tasks_by_model,
    unclaimed_tasks,
)

LOOKUP_DELAYS = (0.1, 0.4, 1.0, 2.0)  # before each lookup, in poll intervals: a task may not be visible at once
VISIBLE_AFTER_S = 60.0  # by then a task is visible (wire-notes 6.3), and one lookup is enough
MAX_REPEAT_WAIT_S = 150.0  # for a free place under the rate of submits: two of its windows, and a little more
RESUBMIT_SLOWER = 2.0  # than after a refusal, and the wait grows fourfold: each call may be a purchase
MAX_RESUBMITS = 3  # on_lost_submit: resubmit may risk a second purchase, but not endlessly


def lookup_method(job: Job, provider: Provider) -> LookupMethod | AccountLookup | None:
    """How the provider looks up this job's submit; None if it cannot."""
    name = provider.lookup.get(job.dialect)
    if name == "account":
        return ACCOUNT_LOOKUP if provider.account and provider.account.api != "none" else None
    return DIALECTS[job.dialect].lookups.get(name) if name and job.dialect in DIALECTS else None


def jobs_to_reconcile(
    jobs: Iterable[Job],
    providers: Mapping[str, Provider],
    can_ask: Callable[[Provider], bool],
    has_account: Callable[[Provider], bool] = lambda _: True,
) -> list[Job]:
    """The uncertain jobs of earlier runs whose provider supports lookup. `has_account`: with its account's token."""
    names = {name for name, provider in providers.items() if provider.lookup and can_ask(provider)}
    return [
        job
        for job in jobs
        if job.state is JobState.UNCERTAIN
        and job.spec.provider in names
        and (method := lookup_method(job, providers[job.spec.provider]))
        and (method is not ACCOUNT_LOOKUP or has_account(providers[job.spec.provider]))
    ]


def _age_s(job: Job) -> float:
    return (utc_now() - job.submitted_at).total_seconds() if job.submitted_at else 0.0


class Reconciler:
    """Looks up lost submits at their providers. Dispatches each job whose task is found, or that is bought again."""

    def __init__(self, context: RunContext, dispatch: Dispatch, folder: Path | None = None) -> None:
        """`folder` is the batch's: the folders beside it may hold other batches."""
        self._context = context
        self._others = OtherOwners(context, folder)
        self._dispatch = dispatch
        self._lookups: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._images = ImageReader()

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
                f"{job.id} is uncertain: {job.message.rstrip('.')}. {reason} buys it again in {delay_s:.0f} s "
                f"(attempt {job.attempts + 1} of {MAX_RESUBMITS + 1})"
            )
            reopened = await context.recorder.record(job.id, ev.Reopened(at=utc_now(), reason=reason))
            self._dispatch(reopened, delay_s=delay_s)
        else:
            context.notice(
                f"{job.id} is uncertain: {job.message.rstrip('.')}. It may be paid for and is not sent again"
            )
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
        if method is ACCOUNT_LOOKUP and provider_state.account is None:
            token = needed_token(provider_state.provider)
            found, result, unclaimed = None, f"not looked up: set {token}, and the next run does", job.candidates
        else:
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
        self, provider_state: ProviderState, job: Job, method: LookupMethod | AccountLookup
    ) -> tuple[Candidate | None, str, tuple[Candidate, ...]]:
        """The job's task if it is found, otherwise the result in words and the tasks that may be it."""
        context = self._context
        every_s = find_poll_interval(provider_state.provider, job.spec.request.model, context.models).every_s
        result, lookups, requested_s, unclaimed = "", 0, 0.0, job.candidates
        if method.kept_s is not None and _age_s(job) > method.kept_s:
            hours = f"{method.kept_s / 3600:g} h"
            return None, f"{provider_state.name} keeps no track {method.where} after {hours}. No proof", unclaimed
        if method.replays and not await self._until_planned():
            return None, "", unclaimed
        for delay in LOOKUP_DELAYS:
            wait_s = max(delay * every_s, requested_s)
            if provider_state.polling_stopped or not await self._wait_to_ask(
                provider_state, wait_s, repeats=method.replays
            ):
                break
            reply = await self._send_lookup(provider_state, job, method)
            if isinstance(reply, Rejected):
                result = redact(f"lookup at {provider_state.name} failed: {reply.message}")
                requested_s = reply.retry_after_s or 0.0
                if reply.kind in STOPS_PROVIDER or reply.provider_wide:
                    break
                continue
            lookups += 1
            jobs = context.recorder.jobs.values()
            if isinstance(method, AccountLookup):
                reply, others = await self._others.exclude(job, reply)
                found = tasks_by_model(job, reply, others)
            else:
                found = matching_tasks(job, reply, jobs, exact=method.exact)
            if len(found) == 1:
                return found[0], "", ()
            unclaimed = unclaimed_tasks(job, reply, jobs)
            if found:  # the other's reply, or the next list, may decide
                result = f"{provider_state.name} has a task like it, but another job may own it"
                continue
            times = f"asked {lookups} time{'s' * (lookups > 1)}"
            result = f"{provider_state.name} does not know it {method.where} ({times}). No proof: check its console"
            if _age_s(job) > VISIBLE_AFTER_S:
                break
        return None, result, unclaimed

    async def _until_planned(self) -> bool:
        """Wait until the run knows what it may buy; false if lookups are closing."""
        waits = [asyncio.create_task(event.wait()) for event in (self._context.planned, self._closing)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return self._context.planned.is_set() and not self._closing.is_set()

    async def _wait_to_ask(self, provider_state: ProviderState, wait_s: float, *, repeats: bool = False) -> bool:
        """Wait so long, and for the rates of the call; false if lookups are closing, or if the wait would be too long.

        A paid call that is sent once more (`repeats`) counts as a submit, and as a poll.
        """
        limits = [provider_state.polls, provider_state.submits] if repeats else [provider_state.polls]
        # do not delay the end of this run: the next one looks again
        max_wait_s = MAX_REPEAT_WAIT_S if repeats else VISIBLE_AFTER_S
        next_available_at = self._context.now() + wait_s
        while (
            left_s := max(
                next_available_at,
                provider_state.polls_paused_until,
                provider_state.polls.next_available_at(),
                provider_state.next_submit_at() if repeats else 0.0,
            )
            - self._context.now()
        ) > 0:
            if left_s > max_wait_s:
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), left_s)
            if self._closing.is_set():
                return False
        for limit in limits:
            limit.acquire(self._context.now())
        return True

    async def _send_lookup(
        self, provider_state: ProviderState, job: Job, method: LookupMethod | AccountLookup
    ) -> tuple[Candidate, ...] | Rejected:
        provider = provider_state.provider
        if isinstance(method, AccountLookup):
            return await self._read_account(provider_state, job)
        origin, access, limits = provider_state.base_url + job.prefix, provider_state.access, {}
        request = method.ask(submitted_generation(job))
        if method.replays:
            same = await same_call(self._context, provider_state, job, self._images)
            if isinstance(same, str):
                return Rejected(kind=FailureKind.INVALID, message=f"not sent again: {same}", provider_wide=True)
            request, limits = same, {
                "read_timeout_s": provider.submit_read_timeout_s, "total_timeout_s": provider.submit_total_timeout_s
            }  # fmt: skip
        if method.at_account:
            if provider_state.account is None:
                return Rejected(kind=FailureKind.AUTH, message=f"set {needed_token(provider)} to look it up")
            origin, access = provider.account_url or provider_state.base_url, provider_state.account
        try:
            response = await self._context.transport.send(origin, request, access, **limits)
            provider_state.repliers.add(response.is_emulator)
            return method.read(response)
        except WireError as exc:
            return missed_reply(exc)

    async def _read_account(self, provider_state: ProviderState, job: Job) -> tuple[Candidate, ...] | Rejected:
        """The account's tasks. Every page after the first waits for the poll rate, too."""
        access, provider, pages = provider_state.account, provider_state.provider, 0
        if access is None:
            return Rejected(kind=FailureKind.AUTH, message=f"set {needed_token(provider)} to look it up")

        async def send(request: Request) -> Response:
            nonlocal pages
            pages += 1
            if pages > 1 and not await self._wait_to_ask(provider_state, 0.0):
                raise UnreadableReply("the list was not read to its end")
            return await self._context.transport.send(provider.account_url or provider_state.base_url, request, access)

        return await account_tasks(provider, job, send)
