"""One call that polls several tasks of a provider, where its wire format has one (`Dialect.poll_many`).

A failed call counts for each of its tasks as an unanswered poll. A task that the reply does not name is polled alone: a
list may be cut short, and only a reply about the task alone shows that it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Rejected, Status
from batchvid.errors import UnreadableReply, WireError
from batchvid.runner.context import RunContext
from batchvid.runner.polling.tracked_task import TrackedTask

MAX_BODY_CHARS = 200  # of an unreadable reply, in a message


async def poll_batch(
    context: RunContext, tasks: Sequence[TrackedTask], *, total_timeout_s: float
) -> list[tuple[TrackedTask, Job, Status | Rejected | None]]:
    """Send the call; return what it shows of each task, None where it does not name it."""
    first = tasks[0]
    provider_state, many = first.provider_state, first.poll_many
    jobs = [context.job(task.job_id) for task in tasks]
    assert many is not None  # noqa: S101 - only such tasks are polled together
    ids = [job.task_id for job in jobs]
    request = many.build(ids)
    for task in tasks:
        task.called = f"{request.method} {task.path}{request.path.partition('?')[0]} for {len(tasks)} tasks"
    status = 0
    try:
        try:
            response = await context.transport.send(
                first.path,
                request,
                provider_state.access,
                read_timeout_s=provider_state.provider.read_timeout_s,
                total_timeout_s=total_timeout_s,
            )
        finally:
            provider_state.pending_polls -= 1
        status = response.status
        read = many.read(response, {job.task_id: job.spec.request.prompt for job in jobs})
    except UnreadableReply as exc:  # it proves nothing of the tasks, which are paid for
        message = f"{exc}: {exc.body[:MAX_BODY_CHARS]}" if exc.body else str(exc)
        read = Rejected(kind=FailureKind.UNAVAILABLE, message=message, http_status=status)
    except WireError as exc:
        read = missed_reply(exc)
    if isinstance(read, Rejected):
        return [(task, job, read) for task, job in zip(tasks, jobs, strict=True)]
    named = {
        task_id: task.completed(read[task_id]) for task, task_id in zip(tasks, ids, strict=True) if task_id in read
    }
    return [(task, job, named.get(job.task_id)) for task, job in zip(tasks, jobs, strict=True)]
