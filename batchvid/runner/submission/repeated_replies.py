"""Acts on replies that every call seems to get: the provider pauses, or stops and its refused jobs become pending."""

from __future__ import annotations

import asyncio

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import MODERATION
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.runner.context import RunContext
from batchvid.runner.providers.circuit_breaker import TASKS_SLOWER
from batchvid.runner.providers.equal_refusals import read_reply
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.reply_messages import describe_refusal, with_status
from batchvid.runner.submission.refusals import stop_provider

SERVER_ERROR = 500


def pause_after_server_error(context: RunContext, provider_state: ProviderState, lost: Uncertain) -> None:
    """A 5xx heals with time, and each may be a purchase: the next submit waits, with growing gaps.

    The error page of a gateway speaks of all its calls, so the wait is longer.
    """
    if lost.http_status >= SERVER_ERROR:
        slower = TASKS_SLOWER if lost.provider_wide else 1.0
        provider_state.pause(context.now(), None, context.jitter(), slower=slower)


async def judge_reply(
    context: RunContext, provider_state: ProviderState, job: Job, reply: Rejected | Uncertain, call: str
) -> None:
    """Compare the reply with those before it, after it is recorded. Stop the provider if every call gets it.

    A web page as the answer of a gateway (5xx) may pass, so it must repeat; any other provider-wide reply is enough.
    """
    equal = provider_state.equal_replies
    if isinstance(reply, Rejected):
        if reply.kind in MODERATION:  # the vendor read this job
            equal.clear()
        message = describe_refusal(reply)
    else:
        message = with_status(reply.message, reply.http_status)
        if reply.provider_wide and reply.http_status < SERVER_ERROR:
            _report(context, stop_provider(provider_state, "uncertain", f"{call}: {message}"))
    if provider_state.stop_reason and not equal.proven:
        return
    line = (job.spec.entry, context.route(job.spec).model.name)
    comparable = read_reply(job.spec, line, reply, message)
    if comparable is None:
        return
    reason = f"{provider_state.name} gives every call this reply: {message}"
    if equal.proven:  # a call that was already out
        if equal.includes(comparable):
            await _reopen(context, job.id, reason)
        return
    equal.record(comparable)
    if not equal.proves_stop(provider_state.queue.lines):
        return
    count = len(equal.replies)
    _report(context, stop_provider(provider_state, f"{count} equal replies in a row", f"{call}: {message}"))
    await asyncio.gather(*(_reopen(context, job_id, reason) for job_id in equal.refused_ids()))


def _report(context: RunContext, notice: str) -> None:
    if notice:
        context.notify_once(notice)


async def _reopen(context: RunContext, job_id: str, reason: str) -> None:
    """The refused job is pending again; nothing was bought."""
    if context.job(job_id).state is JobState.FAILED:
        await context.recorder.record(job_id, ev.Reopened(at=utc_now(), reason=reason))
