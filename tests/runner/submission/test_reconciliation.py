"""After a lost submit: which task is certainly the job's, how the provider is asked, and when the asking ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from batchvid.catalog import providers
from batchvid.clock import utc_now
from batchvid.dialects import DIALECTS
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Candidate
from batchvid.errors import UsageError
from batchvid.net.access import ANONYMOUS
from batchvid.net.transport import Transport
from batchvid.runner.budget.budget import Budget
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from batchvid.runner.recorder import Recorder
from batchvid.runner.submission.reconciliation import LOOKUP_DELAYS, Reconciler, jobs_to_reconcile
from batchvid.runner.submission.task_matching import (
    MAX_CLOCK_SKEW_S,
    MAX_CREATION_DELAY_S,
    matching_tasks,
    unclaimed_tasks,
)
from batchvid.state.state_file import StateFile
from tests.builders import WAYS, at, job_in, life, planned, spec, started
from tests.runner.servers import serving

KLING: dict[str, Any] = {"dialect": "kling", "api_key_env": "", "lookup": "external_id"}


def lost(job_id: str = "kite", **fields: Any) -> Job:
    """An uncertain job of one second past the start of the evening."""
    return replace(job_in(JobState.UNCERTAIN, job_id), **fields)


def listed(task_id: str = "t-9", **fields: Any) -> Candidate:
    """A task of a list that is just like that job."""
    return Candidate(
        **{"task_id": task_id, "model": "veo3-fast", "prompt": "a paper kite", "created_at": at(2), **fields}
    )


class TestMeant:
    """The pure rule."""

    def test_one_that_is_alike_is_it(self) -> None:
        """Model, prompt and time agree, and no other job could have made it."""
        assert matching_tasks(lost(), [listed(), listed("t-8", prompt="a boat")], [lost()], exact=False) == [listed()]

    @pytest.mark.parametrize(
        "other",
        [
            {"model": "veo3"},
            {"model": ""},
            {"prompt": "a paper kite at dawn"},
            {"prompt": ""},
            {"created_at": None},
            {"created_at": at(1 - MAX_CLOCK_SKEW_S - 1)},
            {"created_at": at(1 + MAX_CREATION_DELAY_S + 1)},
        ],
    )
    def test_what_differs_or_does_not_say_is_not_it(self, other: dict[str, Any]) -> None:
        """What the list leaves out proves nothing."""
        assert matching_tasks(lost(), [listed(**other)], [lost()], exact=False) == []

    @pytest.mark.parametrize("seconds", [1 - MAX_CLOCK_SKEW_S, 1 + MAX_CREATION_DELAY_S])
    def test_clocks_may_differ(self, seconds: float) -> None:
        """Two minutes before the call to ten minutes after it."""
        assert matching_tasks(lost(), [listed(created_at=at(seconds))], [], exact=False)

    def test_two_that_are_alike_are_no_find(self) -> None:
        """Never automatic when two candidates fit."""
        assert len(matching_tasks(lost(), [listed(), listed("t-8")], [lost()], exact=False)) == 2

    def test_the_task_of_another_job_is_not_it(self) -> None:
        """It is bound already."""
        other = replace(job_in(JobState.RUNNING, "twin"), task_id="t-9")
        assert matching_tasks(lost(), [listed()], [lost(), other], exact=False) == []

    @pytest.mark.parametrize("state", [JobState.UNCERTAIN, JobState.SUBMITTING])
    def test_a_twin_without_a_task_might_have_made_it(self, state: JobState) -> None:
        """Another job of the same words whose answer is out or lost: nobody can tell whose task it is."""
        assert len(matching_tasks(lost(), [listed()], [lost(), job_in(state, "twin")], exact=False)) > 1
        assert (
            len(matching_tasks(lost(), [listed()], [lost(), job_in(state, "boat", prompt="a boat")], exact=False)) == 1
        )

    def test_an_earlier_attempt_might_have_made_it(self) -> None:
        """The list may show the task of before, of this job or of a twin: that one is not to be bound again."""
        assert len(matching_tasks(lost(tasks=1), [listed()], [], exact=False)) > 1
        twin = replace(job_in(JobState.RUNNING, "twin"), model_sent="veo3-fast")
        assert len(matching_tasks(lost(), [listed()], [replace(twin, tasks=2)], exact=False)) > 1
        assert len(matching_tasks(lost(), [listed()], [replace(twin, tasks=1)], exact=False)) == 1

    def test_identical_takes_share_their_tasks(self) -> None:
        """As many tasks as lost submits: each gets one, in the order of time, whoever is asked and whoever has one."""
        takes = [lost(f"kite-{n}", submitted_at=at(n)) for n in (1, 2, 3)]
        tasks = [listed(f"t-{n}", created_at=at(n + 1)) for n in (1, 2, 3)]
        for one, task in zip(takes, tasks, strict=True):
            assert matching_tasks(one, reversed(tasks), takes, exact=False) == [task]
        bound = [takes[0], replace(job_in(JobState.RUNNING, "kite-2"), task_id="t-2", model_sent="veo3-fast"), takes[2]]
        assert matching_tasks(takes[2], tasks, bound, exact=False) == [tasks[2]]
        boat = listed("t-4", prompt="a boat")
        assert matching_tasks(takes[0], [*tasks, boat], takes, exact=False) == [tasks[0]]

    @pytest.mark.parametrize(
        "other",
        [
            {"spec": spec("kite-2", seed=7)},
            {"spec": spec("kite-2", parent="boat")},
            {"origin": "https://other.example"},
            {"billed_duration_s": 4.0},
            {"attempts": 2},
            {"tasks": 1},
            {"state": JobState.SUBMITTING},
            {"state": JobState.PENDING},
            {"submitted_at": at(3000)},
        ],
    )
    def test_takes_that_differ_do_not(self, other: dict[str, Any]) -> None:
        """Other settings, another place, an open call, a call that was given up, another time: a person decides."""
        takes = [lost("kite-1"), replace(lost("kite-2"), **other)]
        tasks = [listed("t-1"), listed("t-2")]
        assert len(matching_tasks(takes[0], tasks, takes, exact=False)) > 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_more_or_fewer_tasks_are_not_shared(self, count: int) -> None:
        """A task too many is another's, and one too few may be anybody's."""
        takes = [lost("kite-1"), lost("kite-2")]
        assert len(matching_tasks(takes[0], [listed(f"t-{n}") for n in range(count)], takes, exact=False)) > 1

    def test_what_a_person_is_shown(self) -> None:
        """Tasks without an owner, in time or without one: the similar first; no secret, the beginning of a prompt."""
        link = "see https://cdn.example/a.png?Signature=s1gned " + "x" * 99
        tasks = [
            listed("t-1", prompt=link),
            listed("t-2", created_at=None),
            listed("t-3"),
            listed("t-4", created_at=at(9000)),
            listed("t-5"),
        ]
        owner = replace(job_in(JobState.RUNNING, "twin"), task_id="t-5")
        shown = unclaimed_tasks(lost(), tasks, [owner])
        assert [task.task_id for task in shown] == ["t-3", "t-1", "t-2"]
        assert "s1gned" not in shown[1].prompt
        assert len(shown[1].prompt) == 80

    def test_our_own_id_decides_alone(self) -> None:
        """Asked by our id: what comes is ours, unless it says that it is somebody else's."""
        bare, ours = Candidate(task_id="t-9"), Candidate(task_id="t-9", external_id="kite-1")
        assert matching_tasks(lost(), [bare], [], exact=True) == [bare]
        assert matching_tasks(lost(), [ours], [job_in(JobState.UNCERTAIN, "twin")], exact=True) == [ours]
        assert matching_tasks(lost(), [Candidate(task_id="t-9", external_id="kite-2")], [], exact=True) == []


def test_only_what_can_be_asked_after_is_asked_after() -> None:
    """Uncertain, at a provider that is still known and whose route serves lookup."""
    jobs = [
        lost(dialect="kling"),
        lost("veo"),
        lost("gone", dialect="kling", spec=spec("gone", provider="nobody")),
        replace(job_in(JobState.RUNNING, "running"), dialect="kling"),
    ]
    assert [job.id for job in jobs_to_reconcile(jobs, providers({}), lambda _: True)] == ["kite"]
    assert jobs_to_reconcile(jobs, providers({}), lambda _: False) == []


@pytest.mark.parametrize(
    ("notices", "lookup"),
    [
        ({"cometapi": {"lookup": "none"}}, {}),
        ({"cometapi": {}}, {"kling": "external_id"}),
        ({"cometapi": {"lookup": "list"}}, {"openai-videos": "list"}),
        ({"cometapi": {**KLING, "base_url": "https://k.example"}}, {"kling": "external_id"}),
        ({"cometapi": {"dialect": "xai"}}, {}),
    ],
)
def test_how_a_provider_is_asked_is_data(notices: dict[str, Any], lookup: dict[str, str]) -> None:
    """A manifest may say it for its own providers, or deny it for the built-in ones; another format forgets it."""
    assert providers(notices)["cometapi"].lookup == lookup


@pytest.mark.parametrize(("dialect", "way"), [("veo", "list"), ("xai", "external_id"), ("kling", "list")])
def test_a_way_that_the_format_has_not_is_refused(dialect: str, way: str) -> None:
    """Nobody is asked in a language that he does not speak."""
    with pytest.raises(UsageError, match=f"own does not support lookup by {way}: only "):
        providers({"own": {"dialect": dialect, "base_url": "https://o.example", "api_key_env": "", "lookup": way}})


@dataclass
class Case:
    """A run with one uncertain Kling job, and its notices."""

    context: RunContext
    lookup: Reconciler
    is_found: asyncio.Event
    found: list[Job] = field(default_factory=list)
    again: list[Job] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def job(self) -> Job:
        return self.context.job("kite")


@asynccontextmanager
async def case(tmp_path: Path, base_url: str, *, ago_s: float = 0.0, **row: Any) -> AsyncIterator[Case]:
    """The job was sent `ago_s` ago to the server at this address."""
    own = {"own": {**KLING, "base_url": base_url, "poll_every_s": 0.01, "polls_per_s": 1000, **row}}
    rows = providers(own)
    submitted = life(
        planned(spec(provider="own")), started(origin=base_url, dialect="kling"), WAYS[JobState.UNCERTAIN][1]
    )
    job = replace(submitted[-1].job, submitted_at=utc_now() - (at(ago_s) - at()))
    with StateFile(tmp_path / "state.sqlite3") as state:
        state.commit(submitted)
        recorder = Recorder(state, {"kite": job})
        async with Transport() as transport:
            found: list[Job] = []
            again: list[Job] = []
            notices: list[str] = []
            is_found = asyncio.Event()

            def dispatch(job: Job, **_: Any) -> None:
                if job.state is JobState.PENDING:
                    again.append(job)
                else:
                    found.append(job)
                    is_found.set()

            provider_state = ProviderState(
                provider=rows["own"],
                base_url=base_url,
                access=ANONYMOUS,
                slots=ConcurrencySlots(4),
                submits=SlidingWindowRateLimiter(60, 60.0),
                polls=SlidingWindowRateLimiter(rows["own"].polls_per_s, 1.0),
            )
            context = RunContext(
                recorder=recorder,
                transport=transport,
                provider_states={"own": provider_state},
                providers=rows,
                budget=Budget(),
                notice=notices.append,
                started=True,
            )
            context.active.add("kite")
            lookup = Reconciler(context, dispatch)
            yield Case(context, lookup, is_found, found, again, notices)
            await lookup.drain()
        await recorder.close()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(body: Any, status: int = 200) -> Answer:
    """Always this JSON."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


TASK: dict[str, Any] = {
    "code": 0,
    "data": {"task_id": "8", "task_status": "submitted", "task_info": {"external_task_id": "kite-1"}},
}
UNKNOWN = {"code": 1203, "message": "task not found"}
NO_KEY = {"code": 1002, "message": "Authorization is invalid"}


async def test_a_task_that_is_not_visible_at_once_is_found(tmp_path: Path) -> None:
    """Kling does not know it at the first two questions: the third finds it."""
    asked = 0

    async def answer(_request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.json_response(TASK) if asked == 3 else web.json_response(UNKNOWN, status=404)

    async with serving(answer) as server, case(tmp_path, server.base_url) as one:
        one.lookup.start(one.job, resumed=True)
        await one.is_found.wait()
        assert [job.task_id for job in one.found] == ["8"]
        assert one.job.state is JobState.RUNNING
        assert {path for _, path, _ in server.asked} == {"/v1/videos/text2video/kite-1"}


@pytest.mark.parametrize(("ago_s", "asked"), [(0.0, len(LOOKUP_DELAYS)), (120.0, 1)])
async def test_the_asking_ends(tmp_path: Path, ago_s: float, asked: int) -> None:
    """So often for a submit of just now, once for an old one; the job stays uncertain, and the result is recorded."""
    async with serving(says(UNKNOWN, 404)) as server, case(tmp_path, server.base_url, ago_s=ago_s) as one:
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert len(server.asked) == asked
        assert one.job.state is JobState.UNCERTAIN
        assert f"(asked {asked} time" in one.job.looked_up
        assert not one.found


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(dialect, name) for dialect in DIALECTS for name, way in DIALECTS[dialect].lookups.items() if way.kept_s],
)
async def test_after_the_time_that_a_vendor_keeps_its_tasks_nobody_is_asked(
    tmp_path: Path, dialect: str, name: str
) -> None:
    """Whatever the reply, it would prove nothing; a call with an old key would even buy a second task."""
    kept_s = DIALECTS[dialect].lookups[name].kept_s or 0
    row = {"dialect": dialect, "lookup": name}
    async with serving(says({})) as server, case(tmp_path, server.base_url, ago_s=kept_s + 1, **row) as one:
        one.context.recorder.jobs["kite"] = job = replace(one.job, dialect=dialect)
        one.lookup.start(job, resumed=True)
        await one.context.over.wait()
        assert server.asked == []
        assert one.job.state is JobState.UNCERTAIN
        assert one.job.looked_up.endswith(" h. No proof")


async def test_a_key_that_does_not_fit_ends_the_asking(tmp_path: Path) -> None:
    """More questions would get the same answer."""
    async with serving(says(NO_KEY, 401)) as server, case(tmp_path, server.base_url) as one:
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert len(server.asked) == 1
        assert one.job.looked_up == "lookup at own failed: Authorization is invalid"


async def test_another_ones_task_is_not_bound(tmp_path: Path) -> None:
    """A server that answers any id with some task of its own finds nothing."""
    other = {"code": 0, "data": {**TASK["data"], "task_info": {"external_task_id": "kite-2"}}}
    async with serving(says(other)) as server, case(tmp_path, server.base_url, ago_s=120) as one:
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert one.job.state is JobState.UNCERTAIN


async def test_the_task_of_another_call_is_not_adopted(tmp_path: Path) -> None:
    """A server that merges equal calls names, for our id, the task that it gave to another job."""
    async with serving(says(TASK)) as server, case(tmp_path, server.base_url, ago_s=120) as one:
        one.context.task_owners.claim(server.base_url, "8", "boat")
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert one.job.state is JobState.UNCERTAIN
        assert one.job.looked_up == "own names task 8 for it, which belongs to boat"


async def test_a_job_whose_provider_has_moved_is_not_asked_after(tmp_path: Path) -> None:
    """Its task lives at the address where it was bought: another one would know nothing of it, truly."""
    async with serving(says(UNKNOWN, 404)) as server, case(tmp_path, server.base_url) as one:
        one.context.recorder.jobs["kite"] = moved = replace(one.job, origin="https://elsewhere.example")
        one.lookup.start(moved, resumed=True)
        await one.context.over.wait()
        assert not server.asked


async def test_asking_obeys_the_poll_rate(tmp_path: Path) -> None:
    """Questions are polls: one a second means that the second one waits, and a stop ends that waiting at once."""
    was_asked = asyncio.Event()

    async def answer(_request: web.Request) -> web.StreamResponse:
        was_asked.set()
        return web.json_response(UNKNOWN, status=404)

    async with serving(answer) as server, case(tmp_path, server.base_url, polls_per_s=1) as one:
        one.lookup.start(one.job, resumed=True)
        await was_asked.wait()
        one.context.stop("interrupted")
        assert one.context.over.is_set()  # an uncertain job does not hold a stop up
        await one.lookup.drain()
        assert len(server.asked) == 1


async def test_a_lost_one_is_told_once_it_is_not_found(tmp_path: Path) -> None:
    """The run says that it may be paid for; what asking brought stands with the job."""
    async with serving(says(UNKNOWN, 404)) as server, case(tmp_path, server.base_url) as one:
        one.lookup.start(one.job)
        await one.context.over.wait()
        assert one.notices == ["kite is uncertain: reset. It may be paid for and is not sent again"]
        assert one.job.looked_up.startswith("own does not know it by our id of the call (asked 4 times). No proof")


async def test_what_an_earlier_run_lost_is_never_bought_again_by_itself(tmp_path: Path) -> None:
    """`on_lost_submit: resubmit` speaks of what this run loses: nothing else was asked to be bought by it."""
    async with (
        serving(says(UNKNOWN, 404)) as server,
        case(tmp_path, server.base_url, ago_s=120, on_lost_submit="resubmit") as one,
    ):
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert (one.job.state, one.again) == (JobState.UNCERTAIN, [])


@pytest.mark.parametrize(("wish", "asked"), [("0", len(LOOKUP_DELAYS)), ("3600", 1)])
async def test_a_vendor_that_wants_a_pause_is_left_alone(tmp_path: Path, wish: str, asked: int) -> None:
    """A short wish is kept; for a long one this run does not wait, and the next one asks."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": 1302, "message": "slow down"}, status=429, headers={"Retry-After": wish})

    async with serving(answer) as server, case(tmp_path, server.base_url) as one:
        one.lookup.start(one.job, resumed=True)
        await one.context.over.wait()
        assert len(server.asked) == asked
        assert one.job.looked_up == "lookup at own failed: slow down"
