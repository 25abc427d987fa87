"""Costs in a vendor's replies, and one task for two jobs: what is bought, counted and reported, over real sockets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchvid import commands
from batchvid.commands import Batch
from batchvid.domain.jobs import JobState
from batchvid.runner import Outcome
from batchvid.state.readers import read_jobs
from tests.faults import all_formats
from tests.vendor_generator import trial
from tests.vendor_generator.vendor import RecordingVendor, Reply, SubmitScript, TaskScript, Truth

CATALOGUE = """
[models.kite-model]
dialect = "xai"
default_duration_s = 4
price = { as_of = "2026-11", source = "a list", tiers = [{ usd_per_clip = 0.10 }] }
"""
TICKS = 10**10  # of xAI, to the dollar


@pytest.fixture(scope="module")
def vendor() -> Iterator[RecordingVendor]:
    """One for all tests."""
    with trial.running_vendor() as served:
        yield served


def sells(usd: str | None, status: str = "done") -> SubmitScript:
    """A task that ends at the first poll, with that cost in its reply."""
    document: dict[str, Any] = {"status": status}
    if usd is not None:
        document["usage"] = {"cost_in_usd_ticks": int(Decimal(usd) * TICKS)}
    if status == "done":
        document["video"] = {"url": "%BASE%/clips/%ID%"}
    else:
        document["error"] = {"code": "moderation_blocked", "message": "blocked by our moderation system"}
    poll = Reply(200, json.dumps(document).encode())
    return SubmitScript(Truth.SOLD, Reply(200, b'{"request_id":"%ID%"}'), TaskScript((poll,)))


def batch_of(folder: Path, vendor: RecordingVendor, jobs: int = 3, budget: str = "", **limits: object) -> Batch:
    """So many clips at an estimate of $0.10 each."""
    house = {"dialect": "xai", "base_url": vendor.base_url, "api_key_env": "TEST_KEY", **trial.LIMITS, **limits}
    clips = [{"id": f"kite-{job}", "prompt": f"paper kite {job}", "model": "kite-model"} for job in range(jobs)]
    (folder / "batchvid.toml").write_text(CATALOGUE)
    path = folder / "batch.yaml"
    document = {"batch": "batch", "providers": {"house": house}, "defaults": {"provider": "house"}, "clips": clips}
    path.write_text(json.dumps(document | ({"budget": {"usd": float(budget)}} if budget else {})))
    return all_formats.with_dials(commands.load(path, out=folder), **trial.DIALS)


def run(batch: Batch) -> tuple[Outcome, str]:
    """Run it; how it ended, and all lines."""
    return all_formats.run(batch)


def ledger(batch: Batch) -> list[dict[str, str]]:
    """ledger.csv."""
    with (batch.folder / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def states(batch: Batch) -> list[JobState]:
    """The state of each job."""
    return [job.state for job in read_jobs(batch.state_path)]


def test_a_cost_above_the_cap_stops_all_purchases(vendor: RecordingVendor, tmp_path: Path) -> None:
    """Three jobs at $0.10 fit under $0.30; the first costs $1000: nothing more is bought, also by the next run."""
    batch = batch_of(tmp_path, vendor, budget="0.30", concurrency=1)
    vendor.begin((), sells("1000"), "task-{}")
    outcome, said = run(batch)
    assert (len(vendor.calls), outcome.exit_code) == (1, 3)
    assert (
        "kite-0 (task task-1): the vendor charged $1000, the estimate was $0.10, more than 1000 times as much" in said
    )
    assert "nothing more is bought: budget.usd is 0.3: 1000.00 are committed" in said or "1000 are committed" in said
    (row,) = ledger(batch)
    assert (row["reserved_usd"], row["settled_usd"], row["actual_usd"]) == ("0.10", "1000", "1000")
    assert states(batch) == [JobState.SUCCEEDED, JobState.PENDING, JobState.PENDING]
    assert [line for line in commands.plan(batch).cautions if "1000" in line]
    assert (run(batch)[0].exit_code, len(vendor.calls)) == (3, 1)


@pytest.mark.parametrize(("submit_usd", "settled_usd", "sold"), [("1000", "1000", 1), ("0.02", "0.10", 3)])
def test_a_cost_in_the_reply_of_a_submit(
    vendor: RecordingVendor, tmp_path: Path, submit_usd: str, settled_usd: str, sold: int
) -> None:
    """A higher one counts at once; a lower one may not be final, so the estimate stays in force."""
    batch = batch_of(tmp_path, vendor, jobs=5, budget="0.30", concurrency=1)
    document = {"request_id": "%ID%", "usage": {"cost_in_usd_ticks": int(Decimal(submit_usd) * TICKS)}}
    script = replace(sells(None), reply=Reply(200, json.dumps(document).encode()))
    vendor.begin((), script, "task-{}")
    outcome, said = run(batch)
    assert (len(vendor.calls), outcome.exit_code) == (sold, 3)
    assert ("the vendor may charge $1000" in said) is (sold == 1)
    assert [(row["settled_usd"], row["actual_usd"]) for row in ledger(batch)] == [(settled_usd, submit_usd)] * sold


def test_a_cost_below_the_estimate_makes_room(vendor: RecordingVendor, tmp_path: Path) -> None:
    """Under $0.15 one clip of $0.10 fits; at a cost of $0.02 each there is room for three."""
    batch = batch_of(tmp_path, vendor, jobs=5, budget="0.15")
    vendor.begin((), sells("0.02"), "task-{}")
    outcome, said = run(batch)
    assert (len(vendor.calls), outcome.exit_code) == (3, 3)
    assert "the vendor charged" not in said
    assert sum(Decimal(row["settled_usd"]) for row in ledger(batch)) == Decimal("0.06")
    assert sum(job.committed_usd for job in read_jobs(batch.state_path)) == Decimal("0.06")


def test_the_cost_of_a_failed_task_counts(vendor: RecordingVendor, tmp_path: Path) -> None:
    """It was charged, with what the reply says."""
    batch = batch_of(tmp_path, vendor, jobs=1)
    vendor.begin((), sells("0.25", "failed"), "task-{}")
    _, said = run(batch)
    (row,) = ledger(batch)
    assert (row["verdict"], row["charged"], row["settled_usd"]) == ("spent", "yes", "0.25")
    assert "the vendor charged $0.25, the estimate was $0.10" in said


def test_one_task_for_two_jobs_stops_the_provider(vendor: RecordingVendor, tmp_path: Path) -> None:
    """The second job is uncertain with its money held; no clip has two names, and nothing more is submitted."""
    batch = batch_of(tmp_path, vendor, jobs=4, concurrency=2)
    vendor.begin((), sells(None), "same")
    outcome, said = run(batch)
    assert (len(vendor.calls), outcome.exit_code) == (2, 5)
    assert states(batch) == [JobState.SUCCEEDED, JobState.UNCERTAIN, JobState.PENDING, JobState.PENDING]
    assert "house is stopped: it gave kite-1 a task that is sold already: task same already belongs to kite-0" in said
    assert "batchvid resolve kite-1" in said
    assert [row["verdict"] for row in ledger(batch)] == ["spent", "held"]
    run(batch)
    assert states(batch)[:3] == [JobState.SUCCEEDED, JobState.UNCERTAIN, JobState.UNCERTAIN]
    assert len(vendor.calls) == 1 + states(batch).count(JobState.UNCERTAIN)  # one, or two that went out together


def test_one_task_for_two_jobs_is_not_bought_again(vendor: RecordingVendor, tmp_path: Path) -> None:
    """`on_lost_submit: resubmit` is for lost replies: this one came, and says that something is wrong."""
    batch = batch_of(tmp_path, vendor, jobs=2, concurrency=1, on_lost_submit="resubmit")
    vendor.begin((), sells(None), "same")
    run(batch)
    assert (len(vendor.calls), states(batch)) == (2, [JobState.SUCCEEDED, JobState.UNCERTAIN])


def test_a_task_of_an_earlier_attempt_is_no_new_one(vendor: RecordingVendor, tmp_path: Path) -> None:
    """`retry` buys a failed job again; a vendor that answers with the failed task again sold nothing, or hides it."""
    batch = batch_of(tmp_path, vendor, jobs=1)
    broken = replace(sells(None, "failed"), task=TaskScript((Reply(200, b'{"status":"failed","error":"no GPU"}'),)))
    vendor.begin((broken,), sells(None), "same")
    run(batch)
    commands.retry(batch, display=all_formats.silent)
    said = [job.message for job in read_jobs(batch.state_path)]
    assert (len(vendor.calls), states(batch)) == (2, [JobState.UNCERTAIN])
    assert said == ["house answered with a task of another call: task same already belongs to its earlier attempt"]


def test_a_cost_named_before_the_end_counts_at_once(vendor: RecordingVendor, tmp_path: Path) -> None:
    """The task runs on and ends without a cost: what its polls named counts under the cap, once, and is reported."""
    running = {"status": "pending", "usage": {"cost_in_usd_ticks": 5 * TICKS}}
    done = {"status": "done", "video": {"url": "%BASE%/clips/%ID%"}}
    polls = tuple(Reply(200, json.dumps(document).encode()) for document in (running, running, done))
    batch = batch_of(tmp_path, vendor, budget="0.30", concurrency=1)
    vendor.begin((), SubmitScript(Truth.SOLD, Reply(200, b'{"request_id":"%ID%"}'), TaskScript(polls)), "task-{}")
    outcome, said = run(batch)
    assert (len(vendor.calls), outcome.exit_code) == (1, 3)
    assert "the vendor may charge $5, the estimate was $0.10" in said
    kite = next(job for job in read_jobs(batch.state_path) if job.state is JobState.SUCCEEDED)
    assert (kite.committed_usd, kite.actual_usd) == (Decimal(5), "5")
    assert [(row["settled_usd"], row["actual_usd"]) for row in ledger(batch)] == [("5", "5")]
