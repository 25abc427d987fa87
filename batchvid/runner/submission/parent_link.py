"""Finds the link to a parent's clip."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from batchvid.dialects import DIALECTS
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Asset, GenerationRequest, Parent, Phase, Rejected, Request, Status
from batchvid.errors import Unsupported, WireError
from batchvid.planning.routing import build_order
from batchvid.redaction import redact
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.retry_policy import after_refusal


async def request_for(
    context: RunContext, provider_state: ProviderState, spec: JobSpec, dialect: str, order: GenerationRequest
) -> Request:
    """The paid call for this order and, where it works on a parent's clip, for that one.

    The clip is named by its ids as far as the wire can; only where it wants a link is the parent's task asked for one.
    Raises Unsupported when the clip cannot be named; then nothing was sent.
    """
    submit = DIALECTS[dialect].submit
    if not spec.parent:
        return submit(order)
    parent = context.job(spec.parent)
    if parent.origin != provider_state.origin:
        where = (
            f"was made at {parent.origin}, and {provider_state.name} is now {provider_state.origin}: set base_url back"
        )
        if parent.spec.provider != provider_state.name:  # it has turned to a fallback
            where = (
                f"was made at {parent.spec.provider}: --regenerate {parent.id} buys it at {provider_state.name} again"
            )
        raise Unsupported("parent", f"the clip of {parent.id} {where}")
    with suppress(Unsupported):
        return submit(replace(order, parent=_known(dialect, parent)))
    granted_at = context.now()
    request = submit(replace(order, parent=await _asked(context, provider_state, dialect, parent)))
    if context.now() - granted_at > GRANT_LASTS_S:
        if not await _in_time(
            context,
            provider_state,
            lambda: max(provider_state.submits.next_available_at(), provider_state.paused_until),
        ):
            raise Unsupported("parent", ENDING)
        provider_state.submits.acquire(context.now())
    return request


def open_link(assets: Iterable[Asset], base_url: str) -> str:
    """The first asset that a vendor can fetch without a key, empty for none; without TLS only where its API is."""
    schemes = ("https", urlsplit(base_url).scheme)  # what needs a key is a path, without any
    return next((asset.location for asset in assets if urlsplit(asset.location).scheme in schemes), "")


def _known(dialect: str, parent: Job) -> Parent:
    """A stored clip by what the state file knows: its ids, which mean something in their own wire format only."""
    if parent.dialect != dialect:
        return Parent()
    return Parent(task_id=parent.task_id, vendor=parent.vendor)


async def _asked(context: RunContext, provider_state: ProviderState, dialect: str, parent: Job) -> Parent:
    """The same with a link: the parent's task is polled again, under the provider's poll rate, for nothing.

    A no that passes by waiting is waited out as one to a submit is. Raises Unsupported when no link is to be had.
    """
    at, why = context.now(), ENDING
    for tried in itertools.count():
        said = await _ask(context, provider_state, parent, at)
        if said is None:
            break
        if isinstance(said, Status):
            why = f"its provider says {said.word or said.phase} of it now"
            if said.phase is not Phase.SUCCEEDED:
                break
            return replace(_known(dialect, parent), link=open_link(said.assets, provider_state.base_url))
        why = redact(said.message)
        wait_initial_s = provider_state.provider.wait_initial_s
        wait_s = after_refusal(said, tried, context.jitter(), wait_initial_s=wait_initial_s)
        if wait_s is None:
            break
        at = context.now() + wait_s
        if said.kind is FailureKind.RATE:
            provider_state.polls_paused_until = max(provider_state.polls_paused_until, at)
    raise Unsupported("parent", f"{parent.id} was asked for a link to its clip: {why}")


async def _ask(context: RunContext, provider_state: ProviderState, parent: Job, at: float) -> Status | Rejected | None:
    """One poll of a task that is finished, not before `at` and in its turn among the polls of its lane.

    What cannot be read is a no; None when the run submits no more by then.
    """
    if not await _in_time(
        context,
        provider_state,
        lambda: max(at, provider_state.polls.next_available_at(), provider_state.polls_paused_until),
    ):
        return None
    provider_state.polls.acquire(context.now())
    dialect = DIALECTS[parent.dialect]
    order = build_order(parent.spec, model=parent.model_sent, external_id=parent.external_id)
    try:
        response = await context.transport.send(
            provider_state.base_url + parent.prefix,
            dialect.poll(order, parent.task_id),
            provider_state.key.get_secret_value(),
        )
        said = dialect.read_poll(response, parent.task_id)
    except WireError as exc:
        said = Rejected(kind=FailureKind.UNAVAILABLE, message=str(exc))
    return None if context.stop_reason or provider_state.stop_reason else said


async def _in_time(context: RunContext, provider_state: ProviderState, next_available_at: Callable[[], float]) -> bool:
    """Wait until then, which may move meanwhile; false as soon as the run submits no more here."""
    while not (context.stop_reason or provider_state.stop_reason):
        wait_s = next_available_at() - context.now()
        if wait_s <= 0:
            return True
        await asyncio.sleep(min(wait_s, LOOK_UP_S))
    return False


ENDING = "the run is ending"


GRANT_LASTS_S = 1.0  # limits.Window widens a minute by more: a call that is later needs the rate's leave anew


LOOK_UP_S = 0.5  # how often a wait looks up whether the run is ending
