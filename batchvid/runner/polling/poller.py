"""Polls all tasks in flight in one loop, under each provider's poll rate. Never buys anything."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

from batchvid.catalog.model_policies import cost_of_tokens
from batchvid.clock import utc_now
from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.domain import events as ev
from batchvid.domain.bills import cost_while_running
from batchvid.domain.costs import cost_of
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.domain.job_spec import Reason
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Phase, Rejected, Status
from batchvid.errors import UnreadableReply, WireError
from batchvid.runner.context import Dispatch, RunContext
from batchvid.runner.polling.batch_poll import MAX_BODY_CHARS, poll_batch
from batchvid.runner.polling.callback_wakes import CallbackWakes
from batchvid.runner.polling.poll_queue import PollQueue
from batchvid.runner.polling.task_failure import record_task_failure
from batchvid.runner.polling.task_timeout import handle_timeout
from batchvid.runner.polling.tracked_task import TrackedTask, track_task
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.reply_messages import describe_refusal
from batchvid.runner.providers.retry_policy import RETRYABLE_REFUSALS, RetryPolicy
from batchvid.runner.providers.submission_times import MAX_WAIT, describe_time, is_too_long

GRACE_POLLS = 6
WARN_AFTER_UNANSWERED = 3  # polls in a row: one or two failures need no warning
MIN_POLL_S = 10.0  # a poll may take so long, however soon the task's deadline is
QUEUE_NOTICE_S = 600.0  # where the catalogue has no limit for the queue


class Poller:
    """Polls the tasks in flight. Dispatches each job whose task ended."""

    def __init__(self, context: RunContext, dispatch: Dispatch) -> None:
        self._context = context
        self._dispatch = dispatch
        self._queue = PollQueue(context)
        self._polls: set[asyncio.Task[None]] = set()
        self._callbacks = CallbackWakes(context, self._queue)
        self._undocumented: set[tuple[str, str]] = set()
        self._unanswered: set[str] = set()  # providers whose silence is reported

    def track(self, job: Job, *, at_once: bool = False, first: bool = False) -> None:
        """Start polling a running job's task; `at_once` for one that an earlier run left.

        `first` is for a finished task that only needs a new link: it is polled before all that are due.
        """
        context = self._context
        provider_state = context.provider_state(job)
        if provider_state.polling_stopped or not context.is_reachable(job):
            context.mark_idle(job.id)
            return
        context.active.add(job.id)
        if at_once:
            self._callbacks.expect_again(job)
        now = context.now()
        task = track_task(context, job, None if at_once or first else now)
        if at_once or first:
            task.expects_callback = False  # it came, or it is not known to be on its way
            self._queue.push(task, -math.inf if first else now)
        elif self._callbacks.came_early(job.id):
            self._queue.push_woken(task)
        else:
            self._queue.schedule(task)
        if context.stop_reason:
            context.check_over()

    async def serve(self) -> None:
        """Poll what is due, until the run stops."""
        while not self._context.stop_reason:
            self._queue.clear_wake()
            provider_states = self._context.provider_states.values()
            wait_s = min((self._serve_provider(provider_state) for provider_state in provider_states), default=math.inf)
            await self._queue.wait(wait_s)

    def _serve_provider(self, provider_state: ProviderState) -> float:
        """Send the polls that are due and allowed; return the seconds until there may be more."""
        now = self._context.now()
        self._queue.update_cost(provider_state, now)
        while (wait_s := self._queue.wait_s(provider_state, now)) <= 0:
            tasks = self._queue.pop_batch(provider_state, now)
            provider_state.polls.acquire(now)
            if not any(task.is_woken for task in tasks):  # callbacks come when tasks end, not together
                provider_state.poll_pacer.acquire(now)
            provider_state.pending_polls += 1
            for task in tasks:
                self._callbacks.begin_poll(task)
            poll = asyncio.create_task(self._poll(tasks))
            self._polls.add(poll)
            poll.add_done_callback(self._done)
        return wait_s

    def _done(self, poll: asyncio.Task[None]) -> None:
        self._polls.discard(poll)
        if not poll.cancelled() and (exc := poll.exception()) is not None:
            self._context.abort(exc)

    async def drain(self) -> None:
        """Wait for pending polls, so that their replies are recorded."""
        while self._polls:
            await asyncio.wait(self._polls)

    async def _poll_many(self, tasks: list[TrackedTask]) -> None:
        replies = await poll_batch(self._context, tasks, total_timeout_s=self._total_timeout_s(tasks[0]))
        if any(isinstance(reply, Rejected) and _is_about_the_group(reply) for _, _, reply in replies):
            self._queue.poll_singly(tasks[0])
        ends = (self._on_batch_reply(task, job, reply) for task, job, reply in replies)
        for problem in await asyncio.gather(*ends, return_exceptions=True):  # all are recorded before the run stops
            if problem is not None:
                raise problem

    async def _on_batch_reply(self, task: TrackedTask, job: Job, reply: Status | Rejected | None) -> None:
        if reply is not None:
            await self._on_reply(task, job, reply)
            return
        task.poll_many = None  # it is polled alone: a list may be cut short
        await self._continue(task, task.poll_interval.refresh_s)

    async def _poll(self, tasks: list[TrackedTask]) -> None:
        try:
            await (self._poll_one(tasks[0]) if len(tasks) == 1 else self._poll_many(tasks))
        finally:
            for task in tasks:
                self._callbacks.end_poll(task)

    async def _poll_one(self, task: TrackedTask) -> None:
        context, provider_state = self._context, task.provider_state
        job = context.job(task.job_id)
        reply: Status | Rejected
        status, task.called = 0, f"{task.next_request.method} {task.path}{task.next_request.path}"
        try:
            try:
                response = await context.transport.send(
                    task.path,
                    task.next_request,
                    provider_state.access,
                    read_timeout_s=provider_state.provider.read_timeout_s,
                    total_timeout_s=self._total_timeout_s(task),
                )
            finally:
                provider_state.pending_polls -= 1
            status = response.status
            reply = task.read(response, job)
        except UnreadableReply as exc:  # it proves nothing of the task, which is paid for
            message = f"{exc}: {exc.body[:MAX_BODY_CHARS]}" if exc.body else str(exc)
            reply = Rejected(kind=FailureKind.UNAVAILABLE, message=message, http_status=status)
        except WireError as exc:
            reply = missed_reply(exc)
        await self._on_reply(task, job, reply)

    async def _on_reply(self, task: TrackedTask, job: Job, reply: Status | Rejected) -> None:
        if isinstance(reply, Rejected):
            reply = task.verdict_without_follow_up() or reply
        if isinstance(reply, Rejected):
            await self._on_failed_poll(task, reply)
            task.note_follow_up(None)  # the next poll names it again, perhaps with a new link
        elif reply.follow_up is not None:
            task.note_follow_up(reply)
            await self._continue(task, 0.0)
        else:
            task.note_follow_up(None)
            task.unanswered = task.provider_state.consecutive_poll_refusals = 0
            await self._on_status(task, job, reply)

    async def _on_status(self, task: TrackedTask, job: Job, status: Status) -> None:
        context = self._context
        task.phase = status.phase
        task.learn(status.phase, self._context.now())
        if status.phase in (Phase.SUCCEEDED, Phase.FAILED):
            self._callbacks.note_end(task)
        if status.phase is Phase.SUCCEEDED:
            provider, tokens = task.provider_state.provider, status.vendor_metadata.get("completion_tokens", "")
            actual_usd = status.actual_usd or cost_of_tokens(provider, job.spec.request, tokens, context.models)
            succeeded = ev.TaskSucceeded(
                at=utc_now(),
                assets=status.assets,
                expires_at=status.expires_at,
                model=status.model,
                actual_usd=actual_usd,
                cost_usd=cost_of(actual_usd),
                vendor_metadata=status.vendor_metadata,
            )
            self._dispatch(await context.recorder.record(job.id, succeeded))
        elif status.phase is Phase.FAILED:
            job, delay_s = await record_task_failure(context, job, status)
            if delay_s is not None:
                self._dispatch(job, delay_s=delay_s)
            context.mark_idle(job.id)
        elif status.phase is Phase.UNSEEN:
            task.unseen += 1
            if task.unseen > GRACE_POLLS and self._age_s(task) > task.provider_state.provider.grace_s:
                reason = status.message or status.vendor_status
                message = f"{task.provider_state.name} does not know task {job.task_id} ({reason})"
                await self._give_up(task, FailureKind.LOST_TASK, message)
            else:
                await self._continue(task)
        else:
            task.unseen = 0
            if (
                status.phase is Phase.UNKNOWN
                and (task.provider_state.name, status.vendor_status) not in self._undocumented
            ):
                self._undocumented.add((task.provider_state.name, status.vendor_status))
                reported = f"{task.provider_state.name} reports task {job.task_id} as {status.vendor_status!r}"
                context.notice(f"{reported}, an undocumented status")
            if (status.vendor_status, status.progress) != (job.vendor_status, job.progress):
                progress = ev.Progressed(at=utc_now(), vendor_status=status.vendor_status, progress=status.progress)
                await context.recorder.record(job.id, progress)
            if (billed := cost_while_running(job, status.actual_usd, utc_now())) is not None:
                await context.recorder.record(job.id, billed)
            await self._continue(task)

    async def _on_failed_poll(self, task: TrackedTask, rejected: Rejected) -> None:
        context, provider_state = self._context, task.provider_state
        if rejected.kind in STOPS_PROVIDER or (
            rejected.kind in RETRYABLE_REFUSALS and is_too_long(rejected.retry_after_s)
        ):
            self._stop_polling(task, rejected)
            context.mark_idle(task.job_id)
            return
        task.phase = Phase.UNKNOWN
        task.unanswered += 1
        wait_s = RetryPolicy(task.poll_interval.every_s).backoff_s(task.unanswered - 1, context.jitter())
        message = describe_poll(task, rejected)
        if task.unanswered == WARN_AFTER_UNANSWERED and provider_state.name not in self._unanswered:
            self._unanswered.add(provider_state.name)
            context.notice(
                f"{provider_state.name} does not answer polls ({rejected.kind}): {message}. Polling continues, "
                f"with growing waits; its tasks are paid for and are not bought again"
            )
        if rejected.kind is FailureKind.RATE:
            now = context.now()
            wait_s = provider_state.pause_polls(
                now, rejected.retry_after_s, task.poll_interval.every_s, context.jitter()
            )
        elif rejected.kind in RETRYABLE_REFUSALS:
            wait_s = max(wait_s, rejected.retry_after_s or 0.0)
        await self._continue(task, wait_s, message)

    def _stop_polling(self, task: TrackedTask, rejected: Rejected) -> None:
        """The account is refused, or polls are for hours: the tasks stay as they are for the next run."""
        provider_state, message, resume_at = task.provider_state, describe_poll(task, rejected), None
        if is_too_long(rejected.retry_after_s):
            resume_at = utc_now() + timedelta(seconds=min(rejected.retry_after_s or 0.0, MAX_WAIT.total_seconds()))
            message = f"{message}; not before {describe_time(resume_at)}"
        if not provider_state.polling_stopped:
            provider_state.polling_stopped = True
            refusal = f"{provider_state.name} refuses polls ({rejected.kind}): {message}"
            self._context.notice(f"{refusal}. Its tasks wait for the next run")
        provider_state.stop(message, resume_at=resume_at)
        for task in self._queue.clear(provider_state):
            self._context.mark_idle(task.job_id)

    async def _continue(self, task: TrackedTask, delay_s: float | None = None, message: str = "") -> None:
        age_s, limits = self._age_s(task), task.deadlines
        if age_s > limits.verdict_s:
            last = f" ({message})" if message else ""
            await self._on_timeout(task, Reason.TIMEOUT, f"no verdict within {limits.verdict_s:g} s{last}")
            return
        is_queued = task.phase is Phase.QUEUED
        if is_queued and not task.queue_timeout_reported and limits.queue_s is not None and age_s > limits.queue_s:
            task.queue_timeout_reported = True
            if await self._on_timeout(task, Reason.QUEUE_STALL, f"not started within {limits.queue_s:g} s"):
                return
        elif is_queued and limits.queue_s is None and age_s > QUEUE_NOTICE_S:
            name, model = task.provider_state.name, self._context.job(task.job_id).spec.request.model
            self._context.notify_once(
                f"{name}: tasks of {model} are queued for over {QUEUE_NOTICE_S / 60:.0f} minutes; polling continues. "
                f"queue_timeout_s with a fallback on queue_stall would buy them elsewhere"
            )
        self._callbacks.end_poll(task)  # from now on the queue has it
        if delay_s is not None:
            self._queue.postpone(task, delay_s)
        elif task.called_during_poll:
            self._queue.push_woken(task)
        else:
            self._queue.schedule(task)

    async def _on_timeout(self, task: TrackedTask, reason: Reason, message: str) -> bool:
        """Handle an overdue task; return whether polling ends."""
        context = self._context
        before = context.job(task.job_id)
        job = await handle_timeout(context, before, reason, message, task.phase)
        if job is None:
            name = task.provider_state.name
            context.notify_once(f"{name}: tasks of {before.spec.request.model} are {message}; polling continues")
            return False
        if job.state is JobState.PENDING:
            self._dispatch(job)
        context.mark_idle(job.id)
        return True

    async def _give_up(self, task: TrackedTask, kind: FailureKind, message: str) -> None:
        await self._context.recorder.record(task.job_id, ev.GaveUp(at=utc_now(), kind=kind, message=message))
        self._context.mark_idle(task.job_id)

    def _total_timeout_s(self, task: TrackedTask) -> float:
        """The total limit of a poll: it ends when the task's deadline passes, but is given time to be answered."""
        left_s = task.deadlines.verdict_s - self._age_s(task)
        return min(task.provider_state.provider.total_timeout_s, max(left_s, MIN_POLL_S))

    def _age_s(self, task: TrackedTask) -> float:
        return self._context.now() - task.submitted_at_s


def _is_about_the_group(rejected: Rejected) -> bool:
    """Whether a poll of several tasks failed for what it asks: it was answered, and not with trouble of the vendor's.

    One unknown task among them may refuse the whole call.
    """
    if rejected.kind is FailureKind.INVALID:
        return True
    return rejected.kind is FailureKind.UNAVAILABLE and 200 <= rejected.http_status < 500


def describe_poll(task: TrackedTask, rejected: Rejected) -> str:
    """The failed poll for people: method, URL, HTTP status, and the vendor's words."""
    return f"{task.called}: {describe_refusal(rejected)}"
