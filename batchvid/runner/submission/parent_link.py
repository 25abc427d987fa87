"""Finds the link to a parent's clip, right before its child is bought: links are never stored."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.dialects.dialect import ReadPoll
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job
from batchvid.domain.origins import same_origin
from batchvid.domain.wire import Asset, GenerationRequest, Parent, Phase, Rejected, Request, Status
from batchvid.errors import Unsupported, WireError
from batchvid.planning.routing import submitted_generation
from batchvid.redaction import redact
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.reply_messages import describe_refusal
from batchvid.runner.providers.retry_policy import after_refusal
from batchvid.runner.providers.submission_times import is_too_long

RUN_ENDS = "the run is ending"
MAX_GRANT_AGE_S = 1.0  # less than the margin of SlidingWindowRateLimiter: a later call needs a new grant
STOP_CHECK_S = 0.5  # how often a wait checks whether the run is ending


async def request_for(
    context: RunContext, provider_state: ProviderState, spec: JobSpec, dialect: str, generation: GenerationRequest
) -> Request:
    """Build the paid call, with the parent's clip if the job works on one.

    The clip is named by its ids where the wire format can; otherwise the parent's task is polled for a link. Raises
    Unsupported when the clip cannot be named; then nothing was sent.
    """
    submit = DIALECTS[dialect].submit
    if not spec.parent:
        return submit(generation)
    parent = context.job(spec.parent)
    if not same_origin(parent.origin, provider_state.origin):
        where = (
            f"was made at {parent.origin}, and {provider_state.name} is now {provider_state.origin}: set base_url back"
        )
        if parent.spec.provider != provider_state.name:  # it switched to a fallback
            where = (
                f"was made at {parent.spec.provider}: --regenerate {parent.id} buys it at {provider_state.name} again"
            )
        raise Unsupported("parent", f"the clip of {parent.id} {where}")
    with suppress(Unsupported):
        return submit(replace(generation, parent=_known_ids(dialect, parent)))
    granted_at = context.now()
    request = submit(replace(generation, parent=await _request_link(context, provider_state, dialect, parent)))
    if context.now() - granted_at > MAX_GRANT_AGE_S:
        if not await _wait_until(
            context,
            provider_state,
            lambda: max(provider_state.submits.next_available_at(), provider_state.paused_until),
        ):
            raise Unsupported("parent", RUN_ENDS)
        provider_state.submits.acquire(context.now())
    return request


def open_link(assets: Iterable[Asset], base_url: str) -> str:
    """The first asset that a vendor can fetch without a key, or empty; http only if the API itself uses http."""
    schemes = ("https", urlsplit(base_url).scheme)  # an asset that needs a key is a path, without a scheme
    return next((asset.location for asset in assets if urlsplit(asset.location).scheme in schemes), "")


def _known_ids(dialect: str, parent: Job) -> Parent:
    """A stored clip's ids from the state file. They are valid in their own wire format only."""
    if parent.dialect != dialect:
        return Parent()
    return Parent(task_id=parent.task_id, vendor_metadata=parent.vendor_metadata)


async def _request_link(context: RunContext, provider_state: ProviderState, dialect: str, parent: Job) -> Parent:
    """Poll the parent's task for a link, under the provider's poll rate.

    Temporary refusals are retried as those of a submit are. Raises Unsupported when there is no link.
    """
    at, reason = context.now(), RUN_ENDS
    for tries in itertools.count():
        reply = await _poll_parent(context, provider_state, parent, at)
        if reply is None:
            break
        if isinstance(reply, Status):
            reason = f"its provider reports {reply.vendor_status or reply.phase}"
            if reply.phase is not Phase.SUCCEEDED:
                break
            return replace(_known_ids(dialect, parent), link=open_link(reply.assets, provider_state.base_url))
        reason = redact(describe_refusal(reply))
        if is_too_long(reply.retry_after_s):  # the child stays pending for the next run
            break
        wait_initial_s = provider_state.provider.wait_initial_s
        wait_s = after_refusal(reply, tries, context.jitter(), wait_initial_s=wait_initial_s)
        if wait_s is None:
            break
        at = context.now() + wait_s
        if reply.kind is FailureKind.RATE:
            provider_state.polls_paused_until = max(provider_state.polls_paused_until, at)
    raise Unsupported("parent", f"no link to the clip of {parent.id}: {reason}")


async def _poll_parent(
    context: RunContext, provider_state: ProviderState, parent: Job, at: float
) -> Status | Rejected | None:
    """Poll a finished task, not before `at` and under the poll rate. Returns None if submits stop meanwhile."""
    if not await _wait_until(
        context,
        provider_state,
        lambda: max(at, provider_state.polls.next_available_at(), provider_state.polls_paused_until),
    ):
        return None
    dialect = DIALECTS[parent.dialect]
    request = dialect.poll(submitted_generation(parent), parent.task_id)
    reply = await _send_poll(context, provider_state, parent, request, dialect.read_poll)
    if isinstance(reply, Status) and reply.follow_up is not None and dialect.read_result is not None:
        if not await _wait_until(context, provider_state, provider_state.polls.next_available_at):
            return None
        follow_up = reply.follow_up.relative_to(request)
        reply = await _send_poll(context, provider_state, parent, follow_up, dialect.read_result)
    return None if context.stop_reason or provider_state.stop_reason else reply


async def _send_poll(
    context: RunContext, provider_state: ProviderState, parent: Job, request: Request, read: ReadPoll
) -> Status | Rejected:
    """Send one poll, which the poll rate allows, and read its reply."""
    provider_state.polls.acquire(context.now())
    route = provider_state.base_url + parent.prefix
    try:
        response = await context.transport.send(route, request, provider_state.access)
        reply = read(response, parent.task_id)
    except WireError as exc:
        return missed_reply(exc)
    return reply.at_route(route) if isinstance(reply, Status) else reply


async def _wait_until(
    context: RunContext, provider_state: ProviderState, next_available_at: Callable[[], float]
) -> bool:
    """Wait until then, which may change meanwhile; false as soon as submits stop here."""
    while not (context.stop_reason or provider_state.stop_reason):
        wait_s = next_available_at() - context.now()
        if wait_s <= 0:
            return True
        await asyncio.sleep(min(wait_s, STOP_CHECK_S))
    return False
