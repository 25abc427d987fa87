"""Watches: one shared loop over all tasks in flight, under each provider's poll rate. It never buys anything."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import defaultdict

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Phase, Rejected, Status
from batchvid.errors import UnreadableReply, WireError
from batchvid.runner.context import Dispatch, RunContext, wait_for_event
from batchvid.runner.estimation.poll_schedule import (
    BUSY_POLL_COST_S,
    IDLE_POLL_COST_S,
    cost_within_rate,
    next_age_s,
    poll_demand,
    poll_spacing_s,
)
from batchvid.runner.polling.task_failure import record_task_failure
from batchvid.runner.polling.task_timeout import handle_timeout
from batchvid.runner.polling.tracked_task import TrackedTask, track_task
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, RetryPolicy

GRACE_POLLS = 6
WARN_AFTER_UNANSWERED = 3  # in a row: one or two are nothing to worry people with
MAX_UNREADABLE_REPLIES = 5  # in a row: a reply that cannot be read stops the job loudly
REPRICE_EVERY_S = 2.0
MAX_SAMPLED_TASKS = 500  # tasks that stand for all when the price of a question is worked out
REPRICE_RATIO = 1.25  # a price that moved by less leaves the order as it is
TICK_S = 0.05  # polls due within it go out together: hundreds a second would each wake the loop, at a fifth more CPU
SHORTEST_TICK_S = 0.01
POLLS_PER_REFRESH = (
    20  # at the least in the time after which a vendor knows more: what quick providers are late by stays small
)
MAX_CONCURRENT_POLLS = 64  # polls under way a lane: a slow provider must not gather thousands of open requests


class Poller:
    """Polls the tasks in flight. Dispatches each job whose task ended."""

    def __init__(self, context: RunContext, dispatch: Dispatch) -> None:
        self._context = context
        self._dispatch = dispatch
        self._due: defaultdict[str, list[tuple[float, int, TrackedTask]]] = defaultdict(list)
        self._pushed = 0
        self._wake = asyncio.Event()
        self._sleeps_until = math.inf
        self._polls: set[asyncio.Task[None]] = set()
        self._foreign: set[tuple[str, str]] = set()

    def track(self, job: Job, *, at_once: bool = False, first: bool = False) -> None:
        """Start watching a running job's task; at once for one that an earlier run left behind.

        One that is finished and only has to name its clip again is asked `first`, before all that are due.
        """
        context = self._context
        provider_state = context.provider_state(job)
        if provider_state.polling_stopped or not context.is_reachable(job):
            context.rest(job.id)
            return
        context.active.add(job.id)
        now = context.now()
        watch = track_task(context, job, None if at_once or first else now)
        if at_once or first:
            self._push(watch, -math.inf if first else now)
        else:
            self._schedule(watch)
        if context.stop_reason:
            context.check_over()

    def _push(self, watch: TrackedTask, at: float) -> None:
        self._pushed += 1
        heapq.heappush(self._due[watch.provider_state.name], (at, self._pushed, watch))
        if at < self._sleeps_until:  # of thousands in flight hardly one is due before the loop looks again anyway
            self._wake.set()

    def _schedule(self, watch: TrackedTask) -> None:
        """Ask again when the law of its model says so."""
        now = self._context.now()
        watch.not_before, watch.follows_price = now + watch.pace.refresh_s, True
        self._push(watch, self._due_at(watch, now))

    def _due_at(self, watch: TrackedTask, now: float) -> float:
        last_seen_running_at = now if watch.last_seen_running_at is None else watch.last_seen_running_at
        age_s = max(last_seen_running_at - watch.submitted_at_s, 0.0)
        due_at = watch.submitted_at_s + next_age_s(
            watch.duration_model, watch.pace, age_s, watch.provider_state.poll_cost_s, watch.job_id
        )
        overdue_at = watch.submitted_at_s + watch.deadlines.next_s(now - watch.submitted_at_s)
        return max(min(due_at, overdue_at), watch.not_before)  # nobody finds out that it is overdue but by asking

    def _reprice(self, provider_state: ProviderState, now: float) -> None:
        """What a question is worth now: so much that all of them together stay under the poll rate."""
        due = self._due[provider_state.name]
        step = 1 + len(due) // MAX_SAMPLED_TASKS
        demands = [
            poll_demand(one.duration_model, one.pace, now - one.submitted_at_s) * step for _, _, one in due[::step]
        ]
        provider_state.min_poll_cost_s = BUSY_POLL_COST_S if provider_state.queue else IDLE_POLL_COST_S
        cost_s = max(provider_state.min_poll_cost_s, cost_within_rate(demands, provider_state.provider.polls_per_s))
        provider_state.poll_pacer.interval_s = poll_spacing_s(demands, cost_s)
        provider_state.repriced_at = now
        if not 1 / REPRICE_RATIO < cost_s / provider_state.poll_cost_s < REPRICE_RATIO:
            provider_state.poll_cost_s = cost_s
            due[:] = [(self._due_at(one, now) if one.follows_price else at, n, one) for at, n, one in due]
            heapq.heapify(due)

    async def serve(self) -> None:
        """Poll what is due, for as long as the run watches at all."""
        while not self._context.stop_reason:
            self._wake.clear()
            wait_s = min(
                (self._serve_lane(provider_state) for provider_state in self._context.provider_states.values()),
                default=math.inf,
            )
            self._sleeps_until = self._context.now() + wait_s
            await wait_for_event(self._wake, wait_s)

    def _serve_lane(self, provider_state: ProviderState) -> float:
        """Send the polls of one lane that are due and allowed; seconds until there may be more."""
        due, now = self._due[provider_state.name], self._context.now()
        if now >= provider_state.repriced_at + REPRICE_EVERY_S:
            self._reprice(provider_state, now)
        while due:
            first_at, _, first = due[0]
            if (
                provider_state.poll_cost_s > provider_state.min_poll_cost_s
            ):  # more to ask than the rate allows: no part of it goes unused
                first_at = first.not_before
            open_at = max(
                first_at,
                provider_state.polls.next_available_at(),
                provider_state.poll_pacer.next_available_at(),
                provider_state.polls_paused_until,
            )
            if open_at > now or provider_state.polls_under_way >= MAX_CONCURRENT_POLLS:
                tick_s = max(
                    min(TICK_S, provider_state.poll_pacer.burst_s, first.pace.refresh_s / POLLS_PER_REFRESH),
                    SHORTEST_TICK_S,
                )
                return min(max(open_at - now, tick_s), REPRICE_EVERY_S)
            watch = heapq.heappop(due)[2]
            provider_state.polls.acquire(now)
            provider_state.poll_pacer.acquire(now)
            provider_state.polls_under_way += 1
            poll = asyncio.create_task(self._poll(watch))
            self._polls.add(poll)
            poll.add_done_callback(self._done)
        return 60.0

    def _done(self, poll: asyncio.Task[None]) -> None:
        self._polls.discard(poll)
        if not poll.cancelled() and (fault := poll.exception()) is not None:
            self._context.abort(fault)

    async def drain(self) -> None:
        """Wait for the polls that are out, so that what they say is written down."""
        while self._polls:
            await asyncio.wait(self._polls)

    async def _poll(self, watch: TrackedTask) -> None:
        context, provider_state = self._context, watch.provider_state
        job = context.job(watch.job_id)
        said: Status | Rejected
        try:
            try:
                response = await context.transport.send(
                    watch.path,
                    watch.request,
                    provider_state.key.get_secret_value(),
                    read_timeout_s=provider_state.provider.read_timeout_s,
                )
            finally:
                provider_state.polls_under_way -= 1
            said = watch.read(response, job)
            watch.unreadable = 0
        except UnreadableReply as exc:
            watch.unreadable += 1
            if watch.unreadable >= MAX_UNREADABLE_REPLIES:
                await self._give_up(watch, FailureKind.UNAVAILABLE, f"{exc}: {exc.body[:200]}")
                return
            said = Rejected(kind=FailureKind.UNAVAILABLE, message=str(exc))
        except WireError as exc:
            said = Rejected(kind=FailureKind.UNAVAILABLE, message=str(exc))
        if isinstance(said, Rejected):
            await self._unanswered(watch, said)
        else:
            watch.unanswered = 0
            await self._heard(watch, job, said)

    async def _heard(self, watch: TrackedTask, job: Job, status: Status) -> None:
        context = self._context
        watch.phase = status.phase
        self._learn(watch, status.phase)
        if status.phase is Phase.SUCCEEDED:
            done = ev.TaskSucceeded(
                at=utc_now(),
                assets=status.assets,
                expires_at=status.expires_at,
                model=status.model,
                actual_usd=status.actual_usd,
                vendor=status.vendor,
            )
            self._dispatch(await context.recorder.record(job.id, done))
        elif status.phase is Phase.FAILED:
            job, again_s = await record_task_failure(context, job, status)
            if again_s is not None:
                self._dispatch(job, delay_s=again_s)
            context.rest(job.id)
        elif status.phase is Phase.UNSEEN:
            watch.unseen += 1
            if watch.unseen > GRACE_POLLS and self._age_s(watch) > watch.provider_state.provider.grace_s:
                why = f"{watch.provider_state.name} does not know task {job.task_id} ({status.message or status.word})"
                await self._give_up(watch, FailureKind.LOST_TASK, why)
            else:
                await self._later(watch)
        else:
            watch.unseen = 0
            if status.phase is Phase.UNKNOWN and (watch.provider_state.name, status.word) not in self._foreign:
                self._foreign.add((watch.provider_state.name, status.word))
                context.notice(
                    f"{watch.provider_state.name} says {status.word!r} of task {job.task_id}, a word nobody documented"
                )
            if (status.word, status.progress) != (job.word, job.progress):
                moved = ev.Progressed(at=utc_now(), word=status.word, progress=status.progress)
                await context.recorder.record(job.id, moved)
            await self._later(watch)

    def _learn(self, watch: TrackedTask, phase: Phase) -> None:
        """Tell the law of its model what this look has shown."""
        if phase is Phase.UNSEEN:
            return
        now = self._context.now()
        if watch.last_seen_running_at is not None:
            look = (
                watch.duration_model.ended
                if phase in (Phase.SUCCEEDED, Phase.FAILED)
                else watch.duration_model.survived
            )
            look(max(watch.last_seen_running_at - watch.submitted_at_s, 0.0), now - watch.submitted_at_s)
        watch.last_seen_running_at = now

    async def _unanswered(self, watch: TrackedTask, no: Rejected) -> None:
        context, provider_state = self._context, watch.provider_state
        if no.kind in STOPS_PROVIDER:
            self._go_blind(provider_state, no)
            context.rest(watch.job_id)
            return
        watch.phase = Phase.UNKNOWN
        watch.unanswered += 1
        wait_s = RetryPolicy(watch.pace.every_s).backoff_s(watch.unanswered - 1, context.jitter())
        if watch.unanswered == WARN_AFTER_UNANSWERED:
            context.notify_once(
                f"{provider_state.name} does not answer polls ({no.kind}); its tasks go on and are asked again"
            )
        if no.kind is FailureKind.RATE:
            provider_state.polls_paused_until = context.now() + min(no.retry_after_s or wait_s, MAX_RETRY_AFTER_S)
        await self._later(watch, wait_s, no.message)

    def _go_blind(self, provider_state: ProviderState, no: Rejected) -> None:
        """The key no longer opens the provider: its tasks stay as they are for the next run."""
        if not provider_state.polling_stopped:
            provider_state.polling_stopped = True
            self._context.notice(
                f"{provider_state.name} refuses polls ({no.kind}): {no.message}. Its tasks wait for the next run"
            )
        provider_state.stop(no.message)
        for _, _, watch in self._due[provider_state.name]:
            self._context.rest(watch.job_id)
        self._due[provider_state.name].clear()

    async def _later(self, watch: TrackedTask, wait_s: float | None = None, why: str = "") -> None:
        age_s, limits = self._age_s(watch), watch.deadlines
        if age_s > limits.verdict_s:
            unanswered = f" ({why})" if why else ""
            await self._overdue(watch, Reason.TIMEOUT, f"no verdict within {limits.verdict_s:g} s{unanswered}")
            return
        waits = watch.phase is Phase.QUEUED
        if waits and not watch.queue_timeout_reported and limits.queue_s is not None and age_s > limits.queue_s:
            watch.queue_timeout_reported = True
            if await self._overdue(watch, Reason.QUEUE_STALL, f"not begun within {limits.queue_s:g} s"):
                return
        if wait_s is None:
            self._schedule(watch)
        else:
            watch.not_before, watch.follows_price = self._context.now() + wait_s, False
            self._push(watch, watch.not_before)

    async def _overdue(self, watch: TrackedTask, reason: Reason, message: str) -> bool:
        """Do about an overdue task what can be done; whether it is watched no longer."""
        context = self._context
        before = context.job(watch.job_id)
        job = await handle_timeout(context, before, reason, message, watch.phase)
        if job is None:
            context.notify_once(
                f"{watch.provider_state.name}: tasks of {before.spec.request.model} are {message}; they are watched on"
            )
            return False
        if job.state is JobState.PENDING:
            self._dispatch(job)
        context.rest(job.id)
        return True

    async def _give_up(self, watch: TrackedTask, kind: FailureKind, message: str) -> None:
        await self._context.recorder.record(watch.job_id, ev.GaveUp(at=utc_now(), kind=kind, message=message))
        self._context.rest(watch.job_id)

    def _age_s(self, watch: TrackedTask) -> float:
        return self._context.now() - watch.submitted_at_s
