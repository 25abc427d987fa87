"""Acts on replies that every call seems to get: the provider pauses, or stops and its refused jobs become pending."""

from __future__ import annotations

import asyncio

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import MODERATION
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Accepted, Rejected, Uncertain
from batchvid.runner.context import RunContext
from batchvid.runner.providers.circuit_breaker import TASKS_SLOWER
from batchvid.runner.providers.equal_refusals import Reply, read_reply
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.reply_messages import with_status
from batchvid.runner.submission.refusals import stop_provider

SERVER_ERROR = 500


def note_reply(
    context: RunContext, provider_state: ProviderState, job: Job, reply: Accepted | Rejected | Uncertain
) -> Reply | None:
    """Compare a reply with those before it, before it is recorded: a second equal one holds further submits at once.

    Returns it in comparable form, None if its kind has a rule of its own.
    """
    equal = provider_state.equal_replies
    provider_state.awaited.discard(job.id)
    if isinstance(reply, Accepted) or (isinstance(reply, Rejected) and reply.kind in MODERATION):
        equal.clear()  # the provider took this job, or read it
        return None
    line = (job.spec.entry, context.route(job.spec).model.name)
    comparable = read_reply(job.spec, line, reply)
    if comparable is not None:
        equal.record(comparable)
    return comparable


def after_lost_submit(context: RunContext, provider_state: ProviderState, lost: Uncertain, call: str) -> None:
    """Pause or stop the provider after a reply without a verdict.

    A 5xx heals with time, and each may be a purchase: the next submit waits, with growing gaps. The error page of a
    gateway speaks of all its calls: the wait is longer, and equal ones stop it. Any other provider-wide reply does at
    once.
    """
    if lost.http_status >= SERVER_ERROR:
        slower = TASKS_SLOWER if lost.provider_wide else 1.0
        provider_state.pause(context.now(), None, context.jitter(), slower=slower)
    elif lost.provider_wide:
        message = f"{call}: {with_status(lost.message, lost.http_status)}"
        _report(context, stop_provider(provider_state, "uncertain", message))


async def judge_replies(
    context: RunContext, provider_state: ProviderState, job: Job, reply: Reply | None, call: str
) -> None:
    """Stop the provider if every call gets this reply, and reopen the refused jobs. Called after it is recorded.

    Calls that are still out are waited for: one of them may be accepted.
    """
    equal = provider_state.equal_replies
    if reply is None:
        return
    reason = f"{provider_state.name} gives every call this reply: {reply.message}"
    if equal.proven:  # a call that was already out
        if equal.includes(reply):
            await _reopen(context, provider_state, job.id, reason)
        return
    if provider_state.stop_reason or provider_state.awaited or not equal.proves_stop(provider_state.queue.lines):
        return
    why = f"{len(equal.replies)} equal replies in a row"
    _report(context, stop_provider(provider_state, why, f"{call}: {reply.message}"))
    await asyncio.gather(*(_reopen(context, provider_state, job_id, reason) for job_id in equal.refused_ids()))


def _report(context: RunContext, notice: str) -> None:
    if notice:
        context.notify_once(notice)


async def _reopen(context: RunContext, provider_state: ProviderState, job_id: str, reason: str) -> None:
    """The refused job is pending again; nothing was bought. One whose refusal is being recorded follows later."""
    reopened = provider_state.equal_replies.reopened
    if context.job(job_id).state is JobState.FAILED and job_id not in reopened:
        reopened.add(job_id)
        await context.recorder.record(job_id, ev.Reopened(at=utc_now(), reason=reason))
