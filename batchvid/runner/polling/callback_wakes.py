"""What a callback does to the polls of one task, wherever that task is: waiting, being polled, or not tracked yet."""

from __future__ import annotations

from batchvid.domain.jobs import Job, JobState
from batchvid.runner.context import RunContext
from batchvid.runner.polling.poll_queue import PollQueue
from batchvid.runner.polling.tracked_task import TrackedTask


class CallbackWakes:
    """The callbacks of one run, as its poller sees them."""

    def __init__(self, context: RunContext, queue: PollQueue) -> None:
        self._context = context
        self._queue = queue
        self._polled: dict[str, TrackedTask] = {}  # by job, while a poll of theirs is pending
        self._early: set[str] = set()  # jobs whose vendor called before the reply to the submit was read
        if context.callbacks is not None:
            context.callbacks.wake = self.wake

    def wake(self, job_id: str) -> None:
        """Poll the job's task now, within the rate: its vendor called. Nothing happens if the task has ended."""
        job = self._context.recorder.jobs.get(job_id)
        provider_state = self._context.provider_states.get(job.spec.provider) if job else None
        if job is None or provider_state is None:
            return
        trust = provider_state.callback_trust
        before = (trust.is_given, trust.max_wait_s)
        trust.record_callback()
        if before != (trust.is_given, trust.max_wait_s):
            self._queue.reschedule(provider_state)
        if (task := self._polled.get(job_id)) is not None:
            task.was_called = task.called_during_poll = True
        elif not self._queue.wake(provider_state, job_id) and job.state is JobState.SUBMITTING:
            self._early.add(job_id)

    def expect_again(self, job: Job) -> None:
        """The vendor may have the address of a task that an earlier run bought."""
        if self._context.callbacks is not None:
            self._context.callbacks.expect(job.id, job.attempts, job.spec.provider, carried=False)

    def came_early(self, job_id: str) -> bool:
        """Whether the vendor called before the task was tracked. Forgets it."""
        is_early = job_id in self._early
        self._early.discard(job_id)
        return is_early

    def begin_poll(self, task: TrackedTask) -> None:
        """A poll of the task is pending: a callback may come before its reply."""
        task.called_during_poll = False
        self._polled[task.job_id] = task

    def end_poll(self, task: TrackedTask) -> None:
        """The poll is over, or the task waits for the next one."""
        self._polled.pop(task.job_id, None)

    def note_end(self, task: TrackedTask) -> None:
        """Count an end that came without the callback that was expected."""
        trust = task.provider_state.callback_trust
        if task.expects_callback and not task.was_called:
            was_given = trust.is_given
            trust.record_miss()
            if was_given and not trust.is_given:
                self._queue.reschedule(task.provider_state)
