"""Children of stored clips: what their requests name, what is polled for it, and that no rate is exceeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from batchvid.catalog import providers
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Asset
from batchvid.errors import Unsupported
from batchvid.net.access import bearer
from batchvid.net.transport import Transport
from batchvid.planning.routing import build_order
from batchvid.runner.budget.budget import Budget
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from batchvid.runner.providers.submission_blocks import Block
from batchvid.runner.recorder import Recorder
from batchvid.runner.submission.dependent_jobs import MAX_SHOWN_CHILDREN, WaitingChildren
from batchvid.runner.submission.parent_link import open_link, request_for
from batchvid.runner.submission.submitter import Submitter
from batchvid.state.state_file import StateFile
from tests.builders import job_in, spec
from tests.runner.servers import Served, serving

LINK = "https://cdn.example/a.mp4?Signature=s"
CHILD = spec("snow", model="grok-imagine-video", action="edit", parent="kite", parent_fingerprint="f1:0")


def ignore(job: Job, *, delay_s: float = 0.0, resumed: bool = False, poll_first: bool = False) -> None:
    """Dispatches nothing."""


class Jumping(RunContext):
    """A run whose clock can be set on."""

    ahead_s = 0.0

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Jumping]:
    """A run with one stored clip, and no provider yet."""
    with StateFile(tmp_path / "state.sqlite3") as state:
        recorder = Recorder(state, {"kite": job_in(JobState.SUCCEEDED)})
        async with Transport() as transport:
            yield Jumping(
                recorder=recorder,
                transport=transport,
                provider_states={},
                providers={},
                budget=Budget(),
                notice=lambda _: None,
            )
        await recorder.close()


def lane_at(context: RunContext, served: Served) -> ProviderState:
    """A provider there, with one submit a minute, which has just been granted; the stored clip is its own."""
    kite = context.job("kite")
    context.recorder.jobs["kite"] = replace(kite, origin=served.base_url, dialect="xai", model_sent="grok")
    row = {"dialect": "xai", "base_url": served.base_url, "api_key_env": "GW"}
    provider_state = ProviderState(
        provider=providers({"office": row})["office"],
        base_url=served.base_url,
        access=bearer("sk-test-key"),
        slots=ConcurrencySlots(4),
        submits=SlidingWindowRateLimiter(1, 60.0),
        polls=SlidingWindowRateLimiter(5, 1.0),
    )
    provider_state.submits.acquire(context.now())
    return provider_state


def done() -> web.Response:
    return web.json_response({"status": "done", "video": {"url": LINK}})


async def asked_for(context: RunContext, provider_state: ProviderState) -> object:
    request = await request_for(context, provider_state, CHILD, "xai", build_order(CHILD, model="grok"))
    return (request.json or {})["video"]


async def test_a_link_is_asked_for_with_one_poll(context: Jumping) -> None:
    """The parent's own task, with the key, once; the link goes into the request as it came."""

    async def answer(_request: web.Request) -> web.Response:
        return done()

    async with serving(answer) as served:
        assert await asked_for(context, lane_at(context, served)) == {"url": LINK}
        assert [(method, path) for method, path, _ in served.asked] == [("GET", "/v1/videos/t-1")]
        assert served.keys == ["Bearer sk-test-key"]


@pytest.mark.parametrize(("takes_s", "late"), [(0.0, False), (0.9, False), (61.0, True), (600.0, True)])
async def test_a_submit_that_was_held_up_asks_for_its_turn_again(context: Jumping, takes_s: float, late: bool) -> None:
    """A grant lasts a moment: where the question took longer, the call counts when it really goes out."""

    async def answer(_request: web.Request) -> web.Response:
        context.ahead_s += takes_s
        return done()

    async with serving(answer) as served:
        provider_state = lane_at(context, served)
        granted = provider_state.submits.next_available_at()
        await asked_for(context, provider_state)
        assert (provider_state.submits.next_available_at() > granted) == late
        assert not late or provider_state.submits.next_available_at() > context.now() + 60


async def test_the_question_counts_as_a_poll_and_waits_for_its_turn(context: Jumping) -> None:
    """It goes out when the provider's poll rate allows it, and counts towards that rate."""

    async def answer(_request: web.Request) -> web.Response:
        asked_at.append(context.now())
        return done()

    asked_at: list[float] = []
    async with serving(answer) as served:
        provider_state = lane_at(context, served)
        provider_state.polls = SlidingWindowRateLimiter(1, 1000.0)
        provider_state.polls_paused_until = context.now() + 0.03
        await asked_for(context, provider_state)
        assert asked_at[0] >= provider_state.polls_paused_until
        assert provider_state.polls.next_available_at() >= asked_at[0] + 999


async def test_too_many_questions_slow_all_polls_down(context: Jumping) -> None:
    """A rate refusal delays every poll there, and the poll is repeated after it."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({}, status=429) if len(served.asked) == 1 else done()

    async with serving(answer) as served:
        provider_state = lane_at(context, served)
        provider_state.provider = replace(provider_state.provider, wait_initial_s=0.02)
        before = context.now()
        assert await asked_for(context, provider_state) == {"url": LINK}
        assert before + 0.01 <= provider_state.polls_paused_until <= context.now()


async def test_what_a_vendor_says_is_told_without_its_links(context: Jumping) -> None:
    """A refusal that quotes a signed link is reported without the signature."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": f"no right to {LINK}", "code": "forbidden"}}, status=401)

    async with serving(answer) as served:
        with pytest.raises(Unsupported, match=r"no right to https://cdn\.example/a\.mp4\?\.\.\.$"):
            await asked_for(context, lane_at(context, served))


async def test_ids_of_another_wire_are_never_sent(context: Jumping) -> None:
    """A Sora remix of a clip that xAI made cannot be expressed: its id would name nothing, or something else."""

    async def answer(_request: web.Request) -> web.Response:
        return done()

    async with serving(answer) as served:
        provider_state = lane_at(context, served)
        remix = CHILD.with_request(model="sora-2", action="remix")
        with pytest.raises(Unsupported, match="its video_id is required"):
            await request_for(context, provider_state, remix, "openai-videos", build_order(remix, model="sora-2"))


@pytest.mark.parametrize("reason", ["", "interrupted"])
async def test_who_waits_is_told_unless_the_user_ended_the_run(context: Jumping, reason: str) -> None:
    """At the end of a run; after a Ctrl-C everything waits, and nothing is reported."""
    notices: list[str] = []
    context.notice = notices.append
    context.recorder.jobs["kite"] = job_in(JobState.FAILED)
    submitter = Submitter(context, dispatch=ignore)
    submitter.enqueue(replace(job_in(JobState.PENDING), spec=CHILD))
    if reason:
        context.stop(reason)
    submitter.report_waiting()
    assert notices == ([] if reason else ["snow waits for kite, which failed"])
    assert context.blocks.reason(Block.SKIPPED) == "".join(notices)


@pytest.mark.parametrize("takes_s", [0.0, 2.0])
async def test_an_interrupted_run_buys_no_child(context: Jumping, takes_s: float) -> None:
    """Whether the link came late or in time: once nothing more is submitted, neither is this."""

    async def answer(_request: web.Request) -> web.Response:
        context.ahead_s += takes_s
        context.stop("interrupted")
        return done()

    async with serving(answer) as served:
        with pytest.raises(Unsupported, match="the run is ending"):
            await asked_for(context, lane_at(context, served))
        with pytest.raises(Unsupported, match="the run is ending"):
            await asked_for(context, lane_at(context, served))
        assert len(served.asked) == 1


async def test_a_task_that_is_gone_by_now_makes_no_child(context: Jumping) -> None:
    """The provider's status of the parent is reported; one poll is enough, for it will not change."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"status": "expired"})

    async with serving(answer) as served:
        with pytest.raises(Unsupported, match="no link to the clip of kite: its provider reports expired"):
            await asked_for(context, lane_at(context, served))
        assert len(served.asked) == 1


@pytest.mark.parametrize(
    ("assets", "base_url", "link"),
    [
        ((), "https://api.example", ""),
        ((Asset(location=LINK),), "https://api.example", LINK),
        ((Asset(location="/v1/videos/t/content", keyed=True), Asset(location=LINK)), "https://api.example", LINK),
        ((Asset(location="http://cdn.example/a.mp4"), Asset(location=LINK)), "https://api.example", LINK),
        ((Asset(location="http://cdn.example/a.mp4"),), "http://10.0.0.1:8000", "http://cdn.example/a.mp4"),
        ((Asset(location="data:video/mp4;base64,AAAA"),), "https://api.example", ""),
        ((Asset(location="/v1/videos/t/content", keyed=True),), "http://10.0.0.1:8000", ""),
    ],
)
def test_which_asset_a_vendor_can_fetch(assets: tuple[Asset, ...], base_url: str, link: str) -> None:
    """The first one behind no key, over TLS unless the API itself goes without."""
    assert open_link(assets, base_url) == link


def test_of_many_that_wait_a_few_are_named() -> None:
    """A hundred children of one failed clip are six lines."""
    children = WaitingChildren()
    for number in range(100):
        children.add(job_in(JobState.PENDING, f"snow-{number}", parent="kite"))
    lines = list(children.describe({"kite": job_in(JobState.FAILED)}))
    assert lines[0] == "snow-0 waits for kite, which failed"
    assert lines[MAX_SHOWN_CHILDREN:] == ["95 more wait for clips that do not exist"]
    assert len(children.release("kite")) == 100
    assert list(children.describe({})) == []
