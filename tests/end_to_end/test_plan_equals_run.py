"""For generated manifests and histories: what plan shows is what is bought, by run, retry and a saved plan.

Each seed writes a manifest (rows, matrix, takes, parents, caps) and then lets some commands follow each other. Before
each of them its plan is made; after it the paid calls in the log, and the tasks at the emulator, are compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from batchvid import commands
from batchvid.commands import Batch, SpendingLimits
from batchvid.domain.jobs import Job, JobState
from batchvid.emulator import Settings
from batchvid.planning.plan_types import Plan
from batchvid.runner import Outcome
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, ServedEmulator

SEEDS = range(14)
COMMANDS_OF_A_SEED = 4
COLOURS = ("red", "blue", "green", "white")
NAMES = ("kite", "boat", "lamp", "cup", "moon")
FAULTS: tuple[dict[str, Any], ...] = (
    {"outcome": "fail", "message": "broke"},
    {"outcome": "moderation"},
    {"invalid": True},
    {"reset_after": True},
)
"""A task that fails, one that a filter withholds, a refused call, and a call without a verdict."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[ServedEmulator]:
    """One emulator for all seeds."""
    with ServedEmulator(Settings(life="polls:1", render="shared", api_key=KEY)) as served:
        yield served


@dataclass
class Writer:
    """A manifest that changes from command to command."""

    random: Random
    base_url: str
    rows: list[list[str]] = field(default_factory=list)
    takes: int = 1
    is_filtered: bool = False
    has_matrix: bool = True
    has_chain: bool = True
    budget: dict[str, Any] = field(default_factory=dict)

    def draw(self) -> None:
        """A new manifest."""
        names = self.random.sample(NAMES, self.random.randint(1, 3))
        self.rows = [[name, self.random.choice(COLOURS), self.random.choice(("yes", "no"))] for name in names]
        self.rows[0][2] = "yes"
        self.takes = self.random.randint(1, 2)
        self.is_filtered = self.random.random() < 0.5
        self.has_matrix = self.random.random() < 0.6
        self.has_chain = self.random.random() < 0.6
        self.budget = self.random.choice([{}, {}, {"clips": 9}, {"per_run": {"clips": 3}}, {"usd": 100}])

    def change(self) -> None:
        """One edit by the user."""
        match self.random.randint(0, 4):
            case 0:
                self.random.choice(self.rows)[1] = self.random.choice(COLOURS)
            case 1 if unused := sorted(set(NAMES) - {row[0] for row in self.rows}):
                self.rows.insert(0, [self.random.choice(unused), self.random.choice(COLOURS), "yes"])
            case 2 if len(self.rows) > 1:
                self.rows.pop()
                self.rows[0][2] = "yes"
            case 3:
                self.takes = 3 - self.takes
            case _:
                self.has_matrix = not self.has_matrix

    def write(self, folder: Path) -> Path:
        """The files as they are now; the manifest's path."""
        table = "\n".join(["name,colour,pick", *(",".join(row) for row in self.rows)])
        (folder / "t.csv").write_text(table + "\n", "utf-8")
        where = "    where: pick == 'yes'\n" if self.is_filtered else ""
        clips = (
            f'  - id: "{{{{ name }}}}"\n    rows: t.csv\n{where}    takes: {self.takes}\n'
            f'    prompt: "a {{{{ colour }}}} {{{{ name }}}}"\n'
        )
        if self.has_matrix:
            clips += "  - {id: sea, prompt: 'the sea at {{ light }}', matrix: {light: [dawn, dusk]}}\n"
        if self.has_chain:
            grok = "model: grok-imagine-video, aspect_ratio: null"
            clips = (
                f"  - {{id: snow, {grok}, duration_s: null, action: edit, parent: hill, prompt: make it snow}}\n"
                f"{clips}  - {{id: hill, {grok}, duration_s: 1, prompt: a hill}}\n"
            )
        provider = {
            "base_url": self.base_url, "api_key_env": "TEST_KEY", "concurrency": 20, "submits_per_min": 60000,
            "polls_per_s": 1000, "poll_every_s": 0.02, "send_key_to_own_links": False,
        }  # fmt: skip
        path = folder / "batch.yaml"
        path.write_text(
            f"budget: {json.dumps(self.budget)}\nproviders: {{cometapi: {json.dumps(provider)}}}\n"
            f"defaults: {{model: veo3-fast, duration_s: 4, aspect_ratio: 16:9}}\nclips:\n{clips}",
            "utf-8",
        )
        return path


@dataclass
class Case:
    """One seed: a folder, a manifest and an emulator."""

    folder: Path
    emulator: ServedEmulator
    random: Random
    writer: Writer

    def opened(self, **selection: Any) -> Batch:
        return commands.load(self.writer.write(self.folder), out=self.folder / "outputs", **selection)

    def jobs(self) -> dict[str, Job]:
        path = self.folder / "outputs" / "batch" / "state.sqlite3"
        return {job.id: job for job in read_jobs(path)} if path.exists() else {}

    def paid_calls(self) -> Counter[str]:
        """The paid calls of all runs by job, as the log has them: a clip that is adopted keeps its calls."""
        path = self.folder / "outputs" / "batch" / "run.log"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines]
        return Counter(event["job"] for event in events if event["event"] == "SubmitStarted")


Step = tuple[Plan, Callable[[], Outcome]]


def draw_run(case: Case) -> Step:
    """`run` with one of its options."""
    options: dict[str, Any] = case.random.choice(
        [
            {},
            {},
            {"regenerate": ["changed"]},
            {"regenerate": ["*"]},
            {"buy": False},
            {"limits": SpendingLimits(clips=2)},
        ]
    )
    selection: dict[str, Any] = case.random.choice(
        [{}, {}, {"sample": 1}, {"limit": 2}, {"sample": 1, "limit": 3}, {"only": ["*"], "limit": 4}]
    )
    plan = commands.plan(case.opened(**selection), **options)
    return plan, lambda: commands.run(case.opened(**selection), wait=False, **options)


def draw_retry(case: Case) -> Step:
    """`retry` with one of its options."""
    options: dict[str, Any] = case.random.choice(
        [{}, {"kinds": ["moderation_input", "invalid"]}, {"new_task": True}, {"limits": SpendingLimits(clips=1)}]
    )
    plan = commands.plan_retry(case.opened(), **options)
    return plan, lambda: commands.retry(case.opened(), wait=False, **options)


def draw_saved(case: Case) -> Step:
    """`plan --save-plan`, an edit of the manifest, and `run --plan`."""
    regenerate = case.random.choice([[], ["changed"]])
    batch = case.opened(**case.random.choice([{}, {"sample": 1}]))
    plan = commands.plan(batch, regenerate=regenerate)
    path = case.folder / "plan.json"
    commands.save_plan(path, batch, plan)
    case.writer.change()
    case.writer.write(case.folder)
    again = commands.plan_saved(commands.open_saved(path))
    assert [job.spec for job in again.to_buy] == [job.spec for job in plan.to_buy]
    return plan, lambda: commands.run_saved(commands.open_saved(path), wait=False)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_planned_is_what_is_bought(
    seed: int, emulator: ServedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By id and number, for each command in turn."""
    monkeypatch.setenv("TEST_KEY", KEY)
    random = Random(seed)
    case = Case(tmp_path, emulator, random, Writer(random, emulator.base_url))
    case.writer.draw()
    emulator.forget()
    for number in range(COMMANDS_OF_A_SEED):
        has_failed = any(job.state is JobState.FAILED for job in case.jobs().values())
        draws = (draw_retry, draw_retry, draw_run, draw_saved) if has_failed else (draw_run, draw_saved)
        draw = random.choice(draws) if number else draw_run
        plan, command = draw(case)
        faults = [fault(random, plan)] if plan.to_buy and random.random() < 0.6 else []
        emulator.set_faults(*faults)
        compare(case, plan, command, has_faults=bool(faults))
        case.writer.change()


def fault(random: Random, plan: Plan) -> dict[str, Any]:
    """What happens to one of the clips that are bought."""
    prompt = random.choice(plan.to_buy).spec.request.prompt
    return {"match": {"step": "submit", "prompt": prompt}, "do": random.choice(FAULTS)}


def compare(case: Case, plan: Plan, command: Callable[[], Outcome], *, has_faults: bool) -> None:
    """Run the command; its paid calls are those of the plan."""
    calls_before, tasks_before = case.paid_calls(), case.emulator.ledger()["tasks"]
    command()
    called, after, tasks = case.paid_calls() - calls_before, case.jobs(), case.emulator.ledger()["tasks"]
    planned = {job.spec.id: job for job in plan.to_buy}
    assert set(called.values()) <= {1}
    assert called.keys() <= planned.keys()
    made = Counter(task["prompt"] for task in tasks) - Counter(task["prompt"] for task in tasks_before)
    asked = Counter(planned[job_id].spec.request.prompt for job_id in called)
    assert made <= asked
    allowed = len(planned) if plan.allowed is None else plan.allowed
    if not has_faults:
        assert len(called) == allowed
        assert made == asked
    elif plan.allowed is None or plan.allowed == len(planned):
        missing = {planned[job_id].spec.parent for job_id in planned.keys() - called.keys()}
        assert all(parent and after[parent].state is not JobState.SUCCEEDED for parent in missing)
