"""Jobs that work on another job's clip: they wait, in no queue and without a slot, until that clip is stored.

What a clip is called at its provider is asked here, too, right before a child is bought: links are never kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from batchvid.dialects import DIALECTS
from batchvid.errors import Unsupported, WireError
from batchvid.failures import STOPS_PROVIDER, FailureKind
from batchvid.jobs import Job
from batchvid.lineage import waits_for
from batchvid.planning import order_of
from batchvid.runner.context import RunContext
from batchvid.runner.lanes import LONGEST_WISH_S, Lane
from batchvid.runner.retry import backoff_s
from batchvid.specs import JobSpec
from batchvid.wire import Asset, Order, Parent, Phase, Refused, Request, Status

TRIES = 4  # questions about one parent: a few seconds, for a child holds its slot meanwhile
FIRST_WAIT_S = 0.5
LOOK_UP_S = 0.5  # how often a wait for the poll rate looks up whether the run is ending
SHOWN = 5  # children named when a run ends without them


class Children:
    """Jobs that wait for their parents, by parent."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Job]] = {}

    def keep(self, job: Job) -> None:
        """Let the job wait for its parent."""
        self._waiting.setdefault(job.spec.parent, []).append(job)

    def release(self, parent_id: str) -> list[Job]:
        """The jobs that waited for this one, in order; they wait no more."""
        return self._waiting.pop(parent_id, [])

    def told(self, jobs: Mapping[str, Job]) -> Iterator[str]:
        """For people: who still waits, and why; of many only the first few."""
        waiting = [job for children in self._waiting.values() for job in children]
        for job in waiting[:SHOWN]:
            yield f"{job.id} {waits_for(job.spec, jobs.get(job.spec.parent))}"
        if len(waiting) > SHOWN:
            yield f"{len(waiting) - SHOWN:,} more wait for clips that are not there"


async def request_for(context: RunContext, lane: Lane, spec: JobSpec, dialect: str, order: Order) -> Request:
    """The paid call for this order and, where it works on a parent's clip, for that one.

    The clip is named by its ids as far as the wire can; only where it wants a link is the parent's task asked for one.
    Raises Unsupported when the clip cannot be named; then nothing was sent.
    """
    submit = DIALECTS[dialect].submit
    if not spec.parent:
        return submit(order)
    parent = context.job(spec.parent)
    if parent.origin != lane.origin:
        where = f"was made at {parent.origin}, and {lane.name} is now {lane.origin}: set base_url back"
        raise Unsupported("parent", f"the clip of {parent.id} {where}")
    with suppress(Unsupported):
        return submit(replace(order, parent=_known(dialect, parent)))
    return submit(replace(order, parent=await _asked(context, lane, dialect, parent)))


def _known(dialect: str, parent: Job) -> Parent:
    """A stored clip by what the state file knows: its ids, which mean something in their own wire format only."""
    if parent.dialect != dialect:
        return Parent()
    return Parent(task_id=parent.task_id, vendor=parent.vendor)


async def _asked(context: RunContext, lane: Lane, dialect: str, parent: Job) -> Parent:
    """The same with a link: the parent's task is polled again, under the provider's poll rate, for nothing.

    Raises Unsupported when there is no link to be had now.
    """
    why = "the run is ending"
    for tried in range(TRIES):
        if context.stopping or lane.stopped:
            break
        said = await _ask(context, lane, parent)
        if isinstance(said, Status):
            why = f"its provider says {said.word or said.phase} of it now"
            if said.phase is not Phase.SUCCEEDED:
                break
            if context.stopping or lane.stopped:
                break
            link = next((asset.location for asset in said.assets if _is_open(asset, lane)), "")
            return replace(_known(dialect, parent), link=link)
        why = said.message
        if said.kind in STOPS_PROVIDER:
            break
        wait_s = backoff_s(tried, context.jitter(), first_s=min(FIRST_WAIT_S, lane.provider.first_wait_s))
        if said.kind is FailureKind.RATE:
            lane.polls_paused_until = context.now() + min(said.retry_after_s or wait_s, LONGEST_WISH_S)
        await asyncio.sleep(wait_s)
    raise Unsupported("parent", f"{parent.id} was asked for a link to its clip: {why}")


async def _ask(context: RunContext, lane: Lane, parent: Job) -> Status | Refused:
    """One poll of a task that is finished, in its turn among all others of the lane; what cannot be read is a no."""
    while (open_at := max(lane.polls.opens_at(), lane.polls_paused_until)) > (now := context.now()):
        if context.stopping:
            break
        await asyncio.sleep(min(open_at - now, LOOK_UP_S))
    lane.polls.grant(context.now())
    dialect = DIALECTS[parent.dialect]
    order = order_of(parent.spec, model=parent.model_sent, external_id=parent.external_id)
    try:
        response = await context.transport.send(
            lane.base_url + parent.prefix, dialect.poll(order, parent.task_id), lane.key.get_secret_value()
        )
        return dialect.read_poll(response, parent.task_id)
    except WireError as fault:
        return Refused(kind=FailureKind.UNAVAILABLE, message=str(fault))


def _is_open(asset: Asset, lane: Lane) -> bool:
    """Whether the vendor can fetch it without a key; without TLS only where its own API goes without, too."""
    return not asset.keyed and urlsplit(asset.location).scheme in ("https", urlsplit(lane.base_url).scheme)
