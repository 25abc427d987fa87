"""When a run is over: not while anything waits or would be lost, and at once where nothing can be written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from batchvid.catalog import providers
from batchvid.domain.jobs import JobState
from batchvid.errors import StateError
from batchvid.net.access import ANONYMOUS
from batchvid.net.transport import Transport
from batchvid.runner.budget.budget import Budget
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from batchvid.runner.providers.submission_blocks import Block
from batchvid.runner.recorder import Recorder
from batchvid.state.state_file import StateFile
from tests.builders import job_in, spec

PROVIDERS = providers({"office": {"dialect": "openai-videos", "base_url": "https://gw.example", "api_key_env": "GW"}})
AT_REST = (JobState.RUNNING, JobState.PENDING)
LOST_IF_LEFT = (JobState.SUBMITTING, JobState.READY)


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[RunContext]:
    """A run with a job in each state and two providers without waiting jobs."""
    jobs = {state.value: job_in(state, state.value) for state in JobState}
    with StateFile(tmp_path / "state.sqlite3") as state:
        recorder = Recorder(state, jobs)
        async with Transport() as transport:
            yield RunContext(
                recorder=recorder,
                transport=transport,
                provider_states={name: _lane(name) for name in ("cometapi", "office")},
                providers=PROVIDERS,
                budget=Budget(),
                notice=lambda _: None,
                started=True,
            )
        await recorder.close()


def _lane(name: str) -> ProviderState:
    provider = PROVIDERS[name]
    return ProviderState(
        provider=provider,
        base_url=provider.base_url,
        access=ANONYMOUS,
        slots=ConcurrencySlots(4),
        submits=SlidingWindowRateLimiter(60, 60.0),
        polls=SlidingWindowRateLimiter(5, 1.0),
    )


async def test_it_is_over_when_nothing_is_left(context: RunContext) -> None:
    """No job under way, none in line: a run that finds nothing to do ends at once."""
    context.check_over()
    assert context.over.is_set()


async def test_it_is_not_over_before_it_has_begun(context: RunContext) -> None:
    """While the jobs of earlier runs are still being handed out, one that rests at once must not end it all."""
    context.started = False
    context.active.add("running")
    context.mark_idle("running")
    assert not context.over.is_set()
    context.started = True
    context.check_over()
    assert context.over.is_set()


@pytest.mark.parametrize("state", JobState)
async def test_what_is_under_way_is_waited_for(context: RunContext, state: JobState) -> None:
    """As long as this run drives a job, whatever its state, it goes on; it ends when the last one has come to rest."""
    context.active.update({state.value, "elsewhere"})
    context.check_over()
    context.mark_idle(state.value)
    assert not context.over.is_set()
    context.mark_idle("elsewhere")
    assert context.over.is_set()


async def test_resting_twice_is_harmless(context: RunContext) -> None:
    """Two loops may both see that a job is done."""
    context.active.update({"running", "ready"})
    context.mark_idle("running")
    context.mark_idle("running")
    assert not context.over.is_set()


@pytest.mark.parametrize("name", ["cometapi", "office"])
@pytest.mark.parametrize("delayed", [0, 1])
async def test_what_waits_is_waited_for(context: RunContext, name: str, delayed: int) -> None:
    """A job in any provider's queue, or one that is queued again later, is still to be bought."""
    provider_state = context.provider_states[name]
    provider_state.delayed["veo3-fast"] = delayed
    if not delayed:
        provider_state.queue.push("pending", "kite", "veo3-fast")
    context.check_over()
    assert not context.over.is_set()
    provider_state.stop("no money left")  # then it waits for the next run
    context.check_over()
    assert context.over.is_set()


async def test_a_budget_that_is_reached_ends_the_waiting_only(context: RunContext) -> None:
    """What stands in line is not bought any more; what was bought is collected first, running tasks too."""
    context.provider_states["office"].queue.push("pending", "kite", "veo3-fast")
    context.active.add("running")
    context.blocks.add(Block.CAP, "3 clips of 3")
    context.check_over()
    assert not context.over.is_set()
    context.mark_idle("running")
    assert context.over.is_set()


async def test_a_providers_own_cap_ends_the_waiting_there_only(context: RunContext) -> None:
    """What stands in the line of a provider whose cap is reached is for the next run; other lines go on."""
    context.provider_states["office"].queue.push("pending", "kite", "veo3-fast")
    context.provider_states["cometapi"].queue.push("boat", "boat", "veo3-fast")
    context.provider_states["office"].blocks.add(Block.CAP, "office: budget.clips is 1, and all are committed")
    context.check_over()
    assert not context.over.is_set()
    assert context.provider_states["cometapi"].queue.pop(lambda _model: True) == "boat"
    context.check_over()
    assert context.over.is_set()


@pytest.mark.parametrize("waits", [True, False])
async def test_slots_of_uncertain_jobs_are_waited_for_unless_the_user_says_no(context: RunContext, waits: bool) -> None:
    """They are free at the deadline: the run says when and goes on; with --no-wait it ends."""
    lines: list[str] = []
    context.notice, context.waits_for_slots = lines.append, waits
    provider_state = context.provider_states["cometapi"]
    for holder in ("u-2", "u-3", "u-4"):
        context.recorder.jobs[holder] = job_in(JobState.UNCERTAIN, holder)
    for holder in ("uncertain", "u-2", "u-3", "running"):
        provider_state.slots.acquire(holder, "veo3-fast")
    provider_state.queue.push("pending", "kite", "veo3-fast")
    context.active.add("running")
    context.check_over()
    assert not context.over.is_set()
    provider_state.slots.acquire("u-4", "veo3-fast")
    provider_state.slots.release("running")
    context.mark_idle("running")
    assert context.over.is_set() is not waits
    assert len(lines) == waits
    for line in lines:
        assert line.startswith("cometapi: 1 jobs wait for slots that uncertain submits hold until 2026-03-01 21:01 UTC")
    assert provider_state.queue.pop(lambda _model: True) == "pending"
    context.check_over()  # only jobs that a person decides are left
    assert context.over.is_set()


@pytest.mark.parametrize(
    ("origin", "notices"), [("https://gw.example", 0), ("https://GW.example:443/", 0), ("https://old.example", 1)]
)
async def test_a_task_is_reached_only_where_it_was_bought(context: RunContext, origin: str, notices: int) -> None:
    """A task of another address is left alone, and the notice names both addresses and what to set."""
    lines: list[str] = []
    context.notice = lines.append
    job = replace(job_in(JobState.READY), origin=origin, spec=spec(provider="office"))
    assert context.is_reachable(job) is (notices == 0)
    assert len(lines) == notices
    for line in lines:
        assert f"bought at {origin}, and office is now https://gw.example; set base_url back" in line
        assert line.endswith(f"batchvid relocate {context.recorder.folder} --from {origin} --to https://gw.example")


@pytest.mark.parametrize("state", AT_REST)
async def test_a_stop_does_not_wait_for_the_vendor(context: RunContext, state: JobState) -> None:
    """Tasks go on at the vendor and are polled by the next run; what waits, waits."""
    if state is JobState.RUNNING:
        context.active.add(state.value)
    context.provider_states["office"].queue.push("pending", "kite", "veo3-fast")
    context.stop("interrupted")
    assert context.over.is_set()


@pytest.mark.parametrize("state", LOST_IF_LEFT)
async def test_a_stop_waits_for_what_would_be_lost(context: RunContext, state: JobState) -> None:
    """A call whose verdict is not in, a clip on its way: these are brought to rest first."""
    context.active.update({"running", state.value})
    context.stop("interrupted")
    assert not context.over.is_set()
    context.mark_idle(state.value)
    assert context.over.is_set()


async def test_a_stop_wakes_everybody_and_keeps_its_first_reason(context: RunContext) -> None:
    """Loops that sleep until a slot is free must see it; the user sees the first reason."""
    context.stop("the disk is full")
    assert all(provider_state.wake.is_set() for provider_state in context.provider_states.values())
    context.stop("interrupted")
    assert context.stop_reason == "the disk is full"
    assert context.error is None


async def test_an_abort_waits_for_nothing(context: RunContext) -> None:
    """What happens now could not be written down: the run ends with the first fault, whatever is under way."""
    first = StateError("disk full")
    context.active.update({"submitting", "ready"})
    context.abort(first)
    context.abort(ValueError("a later one, because of the first"))
    assert context.over.is_set()
    assert context.error is first
    assert context.stop_reason == "disk full"


async def test_jobs_that_are_alike_share_a_route(context: RunContext) -> None:
    """Worked out once for provider, model and length; another length is another route, at another price."""
    short, long = context.route(spec(duration_s=4.0)), context.route(spec(duration_s=8.0))
    assert context.route(spec("boat", duration_s=8.0, prompt="another one")) is long
    assert (short.duration_s, long.duration_s) == (4.0, 8.0)
    assert short.price.usd != long.price.usd
