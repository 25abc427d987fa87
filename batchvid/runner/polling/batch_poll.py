"""One call that polls several tasks of a provider, where its wire format has one (`Dialect.poll_many`).

A failed call counts for each of its tasks as an unanswered poll. A task that the reply does not name is unseen.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Phase, Rejected, Status
from batchvid.errors import UnreadableReply, WireError
from batchvid.runner.context import RunContext
from batchvid.runner.polling.tracked_task import TrackedTask

MAX_BODY_CHARS = 200  # of an unreadable reply, in a message
NOT_NAMED = "the reply to a poll of several tasks does not name it"


async def poll_batch(
    context: RunContext, tasks: Sequence[TrackedTask], *, total_timeout_s: float
) -> list[tuple[TrackedTask, Job, Status | Rejected]]:
    """Send the call; return what it shows of each task."""
    first = tasks[0]
    provider_state, many = first.provider_state, first.poll_many
    jobs = [context.job(task.job_id) for task in tasks]
    assert many is not None  # noqa: S101 - only such tasks are polled together
    request = many.build([job.task_id for job in jobs])
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
    unseen = Status(phase=Phase.UNSEEN, vendor_status="not found", message=NOT_NAMED)
    return [(task, job, task.completed(read.get(job.task_id, unseen))) for task, job in zip(tasks, jobs, strict=True)]
