"""Batches of the first version continue: every job ends as it should, and nothing is bought twice.

`tests/fixtures/old_version/README.md` explains how the fixtures were made.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import Result, ServedEmulator

FIXTURES = Path(__file__).parents[1] / "fixtures" / "old_version"
PLACEHOLDER, ADDRESS = "/FOLDER", "127.0.0.1:RELAY"
COLUMNS = (
    ("meta", "value"),
    ("jobs", "spec"),
    ("jobs", "standing"),
    ("events", "data"),
)  # as the first version named them
STORED = {"stored", "two_t1", "two_t2", "house", "rerolled", "again", "turned"}
OPEN = {"answer-out", "running", "finished", "parent"}
FAILED = {"rude", "withheld", "broken", "invalid", "late"}


@dataclass(frozen=True)
class OldBatch:
    """A copy of a fixture, and the command line of the current version."""

    folder: Path
    run_cli: Callable[[Sequence[str]], Result]

    @property
    def batch(self) -> Path:
        return self.folder / "batches" / self.folder.name

    def cli(self, command: str, *args: str) -> Result:
        """A command for the whole batch."""
        return self.run_cli([command, self.folder.name, *args, "--out", str(self.folder / "batches")])

    def plan(self, *args: str) -> str:
        out = str(self.folder / "batches")
        planned = self.run_cli(["plan", str(self.folder / "batch.yaml"), "--all", "--out", out, *args])
        assert planned.code == 0, planned.err
        return planned.out

    def resolve(self, job: str, *how: str) -> None:
        assert self.run_cli(["resolve", job, *how, "--batch", str(self.batch)]).code == 0

    def tasks(self) -> list[tuple[str, str]]:
        """Prompt and id of every task that the emulator ever sold."""
        lines = (self.batch / "emulator" / "tasks.jsonl").read_text("utf-8").splitlines()
        tasks = [json.loads(line).get("task") for line in lines]
        return [(task["prompt"], task["id"]) for task in tasks if task]

    def bought_since(self, before: list[tuple[str, str]]) -> Counter[str]:
        """How often each prompt was bought since then."""
        return Counter(prompt for prompt, _ in self.tasks()) - Counter(prompt for prompt, _ in before)

    def fingerprints(self) -> dict[str, str]:
        """The fingerprints in the state file."""
        with closing(sqlite3.connect(self.batch / "state.sqlite3")) as connection:
            return dict(connection.execute("SELECT id, json_extract(spec, '$.fingerprint') FROM jobs"))

    def rows(self) -> dict[str, dict[str, str]]:
        """The report, by job."""
        with (self.batch / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            return {row["id"]: row for row in csv.DictReader(file)}

    def states(self) -> dict[str, str]:
        return {job: row["state"] for job, row in self.rows().items()}


@pytest.fixture
def old_batch(request: pytest.FixtureRequest, tmp_path: Path, run_cli: Callable[[Sequence[str]], Result]) -> OldBatch:
    """The fixture that the test names, as if it had been made in this directory."""
    folder = tmp_path / request.param
    shutil.copytree(FIXTURES / request.param, folder)
    batch = OldBatch(folder, run_cli)
    with closing(sqlite3.connect(batch.batch / "state.sqlite3")) as connection, connection:
        for table, column in COLUMNS:
            update = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
            connection.execute(update, (PLACEHOLDER, folder.as_posix()))
    return batch


every_state = pytest.mark.parametrize("old_batch", ["every_state"], indirect=True)
half_finished = pytest.mark.parametrize("old_batch", ["half_finished"], indirect=True)


@every_state
def test_a_plan_sees_nothing_changed(old_batch: OldBatch) -> None:
    """Fingerprints are the same, the user's own model of batchvid.toml is known, and each job is where it was.

    A paid call without an answer is uncertain, as a run records it first.
    """
    planned = old_batch.plan()
    assert "changed" not in planned
    for group in ("stored: 7", "failed: 5", "uncertain: 3", "in flight: 3", "waiting: 2", "to buy: 2 clips"):
        assert group in planned, group


@every_state
def test_status_and_report_read_the_old_state_file(old_batch: OldBatch) -> None:
    """Every job is counted in its state, and both tables are written."""
    status = json.loads(old_batch.cli("status", "--json").out)
    assert status["states"] == {
        "pending": 2, "submitting": 1, "running": 2, "ready": 1, "succeeded": 7, "failed": 5, "uncertain": 2,
    }  # fmt: skip
    before = old_batch.rows()
    assert old_batch.cli("report").code == 0
    after = old_batch.rows()
    assert {job for job, row in after.items() if row["state"] == "succeeded"} == STORED
    for job in STORED | FAILED:
        for column in ("state", "failure_kind", "message", "charged", "task_id", "path"):
            assert after[job][column] == before[job][column], (job, column)
    assert (old_batch.batch / "ledger.csv").read_text("utf-8").count("\n") > len(after)


@every_state
def test_a_run_buys_only_what_was_not_bought(old_batch: OldBatch) -> None:
    """Open tasks are collected, the unanswered paid call is found by its id, and two clips are bought."""
    tasks, fingerprints = old_batch.tasks(), old_batch.fingerprints()
    assert old_batch.cli("run").code == 5  # two uncertain submits are left
    assert old_batch.bought_since(tasks) == {"make it snow": 1, "a waiting kite": 1}
    states = old_batch.states()
    assert {job for job, state in states.items() if state == "succeeded"} == STORED | OPEN | {"child", "waiting"}
    assert {job for job, state in states.items() if state == "failed"} == FAILED
    assert {job for job, state in states.items() if state == "uncertain"} == {"lost-made", "lost-not-made"}
    assert old_batch.fingerprints() == fingerprints
    assert "changed" not in old_batch.plan()


@every_state
def test_resolve_and_retry_finish_the_batch(old_batch: OldBatch) -> None:
    """A found task is collected, an abandoned one bought again; a task that timed out is polled, not bought."""
    tasks = old_batch.tasks()
    old_batch.resolve("lost-made", "--task-id", dict(tasks)["a lost kite that was made"])
    old_batch.resolve("lost-not-made", "--abandon")
    old_batch.cli("run")
    assert old_batch.bought_since(tasks) == {"make it snow": 1, "a waiting kite": 1, "a lost kite that was not made": 1}
    tasks = old_batch.tasks()
    assert old_batch.cli("retry").code == 1  # the content filter's refusals are not bought again unchanged
    assert old_batch.bought_since(tasks) == {"a broken kite": 1, "an invalid kite": 1}
    tasks = old_batch.tasks()
    assert old_batch.cli("retry", "--kind", "moderation_input", "--kind", "moderation_output").code == 0
    assert old_batch.bought_since(tasks) == {"a rude kite": 1, "a withheld kite": 1}
    assert set(old_batch.states().values()) == {"succeeded"}
    assert (old_batch.rows()["turned"]["model"], old_batch.rows()["turned"]["model_asked"]) == (
        "veo3-fast", "veo3.1-fast",
    )  # fmt: skip


@half_finished
def test_a_killed_batch_goes_on(old_batch: OldBatch) -> None:
    """With its template variable, its caps and its open tasks: two clips are bought, then nothing more."""
    assert "changed" not in old_batch.plan("--set", "place=the harbour")
    tasks, fingerprints = old_batch.tasks(), old_batch.fingerprints()
    assert old_batch.cli("run").code == 0
    assert old_batch.bought_since(tasks) == {"a kite over the harbour": 1, "a boat": 1}
    assert Counter(old_batch.states().values()) == {"succeeded": 9}
    assert old_batch.fingerprints() == fingerprints
    assert (old_batch.batch / "clips" / "boat" / "boat_t3.mp4").stat().st_size > 0
    tasks = old_batch.tasks()
    assert old_batch.cli("run").code == 0
    assert old_batch.tasks() == tasks


@half_finished
def test_it_is_collected_without_its_manifest(old_batch: OldBatch) -> None:
    """The provider rows in the state file have their old keys; they are all that is needed."""
    (old_batch.folder / "batch.yaml").unlink()
    tasks = old_batch.tasks()
    old_batch.cli("run", "--collect-only")
    assert old_batch.tasks() == tasks
    assert Counter(old_batch.states().values()) == {"succeeded": 7, "pending": 2}


def test_a_batch_at_an_own_relay_goes_on(tmp_path: Path, run_cli: Callable[[Sequence[str]], Result]) -> None:
    """Its reservations keep the amounts of the old version; what is not bought yet needs the relay's own price."""
    folder = tmp_path / "own_relay"
    shutil.copytree(FIXTURES / "own_relay", folder)
    batch, tasks = OldBatch(folder, run_cli), folder / "tasks.jsonl"
    with ServedEmulator(Settings(state_file=tasks, life="seconds:0.1-0.2", needs_key=False, fps=2)) as relay:
        address = relay.base_url.removeprefix("http://")
        for file in (folder / "batch.yaml", tasks):
            file.write_text(file.read_text("utf-8").replace(ADDRESS, address), "utf-8")
        with closing(sqlite3.connect(batch.batch / "state.sqlite3")) as connection, connection:
            for table, column in (("meta", "value"), ("events", "data"), ("jobs", "job_data")):
                connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (ADDRESS, address))
        out = ("--out", str(folder / "batches"))
        run = ["run", str(folder / "batch.yaml"), *out]
        ended = run_cli(run)
        assert ended.code == 3, ended.err
        assert "unknown price of kling-v2-6 at relay" in ended.err
        assert relay.ledger()["submits"] == 0
        assert list(batch.states().values()) == ["succeeded"] * 4 + ["pending"]
        assert [row["committed_usd"] for row in batch.rows().values()] == ["2.64"] * 4 + ["0"]
        line = "[providers.relay.models.kling-v2-6]\nprice = { usd_per_clip = 9.45 }\n"
        (folder / "batchvid.toml").write_text(line, "utf-8")
        ended = run_cli(run)
        assert ended.code == 3, ended.err
        assert "budget.usd is 20: 10.56 are committed, one more may cost 9.45" in ended.err
        (folder / "batchvid.toml").write_text(line.replace("9.45", "9.44"), "utf-8")
        assert run_cli(run).code == 0
        assert relay.ledger()["submits"] == 1
        assert [row["committed_usd"] for row in batch.rows().values()] == ["2.64"] * 4 + ["9.44"]
