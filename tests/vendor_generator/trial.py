"""Whole runs against one generated vendor, and what the vendor's books and the ledger disagree about.

For every paid call there is one attempt, in the same order. A call that was sold counts (reserved, spent, maybe or
held) and is never released; a refused one is released. A plain run buys no job twice, and `retry` buys none again whose
call has no verdict.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid import commands
from batchvid.commands import Batch
from batchvid.domain.attempts import Attempt, AttemptStatus
from batchvid.domain.jobs import JobState
from batchvid.errors import BatchvidError
from batchvid.state.readers import read_attempts, read_jobs
from tests.builders import make_clip
from tests.faults import all_formats
from tests.vendor_generator.scenarios import Scenario
from tests.vendor_generator.vendor import Call, RecordingVendor, Truth

SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # in memory: on a disk a trial mostly waits for fsync
MAX_STEP_S = 30.0  # no step has to wait for so long: a run that does hangs
RELEASED = AttemptStatus.RELEASED
NO_VERDICT = (AttemptStatus.HELD, AttemptStatus.RESERVED)
MAX_CLIP_WAIT_S = 0.05  # for a clip that is not there yet
STEPS = ("run", "run", "retry", "run")
DIALS: Mapping[str, Any] = {
    "wait_initial_s": 0.001,
    "grace_s": 0.02,
    "read_timeout_s": 0.3,
    "submit_read_timeout_s": 0.3,
    "timeout_s": 0.15,
    "queue_timeout_s": None,
}
"""The waits of the provider's row, turned down: no wait of ours is left out."""
LIMITS = {"concurrency": 2, "submits_per_min": 60_000, "polls_per_s": 5000, "poll_every_s": 0.01}
EXTRA: Mapping[str, Mapping[str, Any]] = {
    "runway": {"image": "https://cdn.example.com/kite.png", "aspect_ratio": "16:9"},
    "videos": {"resolution": "1280x720"},
    "openai-videos": {"resolution": "1280x720"},
}
"""What a clip in this wire format needs beside its prompt."""


@contextmanager
def running_vendor() -> Iterator[RecordingVendor]:
    """A vendor with a real clip. The environment holds its key, and a folder for what batchvid keeps for a user."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="batchvid-vendor-", dir=SCRATCH) as folder:
        clip = make_clip(Path(folder) / "clip.mp4", seconds=4, width=64, height=36, fps=1).read_bytes()
        homes = dict.fromkeys(("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), folder)
        os.environ.update(all_formats.ENVIRONMENT | homes)
        try:
            with RecordingVendor(clip) as vendor:
                yield vendor
        finally:
            os.environ.clear()
            os.environ.update(before)


def disagreements(vendor: RecordingVendor, scenario: Scenario) -> list[str]:
    """Run, run again, retry and run: all that is wrong after each of them."""
    vendor.begin(scenario.submits, scenario.rest, scenario.ids)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="batchvid-trial-", dir=SCRATCH) as folder:
        batch = _batch(Path(folder), vendor.base_url, scenario)
        for step in STEPS:
            before, rows = len(vendor.calls), _attempts(batch)
            since = time.monotonic()
            try:
                getattr(commands, step)(batch, display=all_formats.silent)
            except BatchvidError as exc:
                wrong.append(f"{step}: {exc}")
            if (took_s := time.monotonic() - since) > MAX_STEP_S:
                wrong.append(f"{step}: took {took_s:.0f} s")
            wrong += [f"{step}: {line}" for line in _wrong_books(batch, vendor.calls)]
            wrong += [f"{step}: {line}" for line in _wrong_purchases(step, vendor.calls, before, rows)]
            if wrong:
                break
    return wrong


def _batch(folder: Path, base_url: str, scenario: Scenario) -> Batch:
    dialect = scenario.dialect
    house = {"dialect": dialect, "base_url": base_url, "api_key_env": "TEST_KEY", **LIMITS}
    clip = {"model": f"{dialect}/house", "duration_s": 4, "provider": "house", **EXTRA.get(dialect, {})}
    clips = [{"id": f"kite-{job}", "prompt": f"paper kite {job}", **clip} for job in range(scenario.jobs)]
    path = folder / "batch.yaml"
    waits = {"wait_s": MAX_CLIP_WAIT_S}
    document = {"batch": "batch", "providers": {"house": house}, "downloads": waits, "clips": clips}
    path.write_text(json.dumps(document), "utf-8")
    return all_formats.with_dials(commands.load(path, out=folder), **DIALS)


def _attempts(batch: Batch) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    for row in read_attempts(batch.state_path) if batch.state_path.exists() else ():
        found[row.job.removeprefix("kite-")].append(row)
    return found


def _wrong_books(batch: Batch, calls: Sequence[Call]) -> list[str]:
    """Where call and attempt disagree, and where a stored clip was never sold."""
    wrong, attempts = [], _attempts(batch)
    mine: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        mine[call.job].append(call)
    for name in attempts.keys() | mine.keys():
        if len(mine[name]) != len(attempts[name]):
            wrong.append(f"job {name}: {len(mine[name])} calls, {len(attempts[name])} attempts in the ledger")
        for call, row in zip(mine[name], attempts[name], strict=False):
            if call.is_billed and not row.counts:
                wrong.append(f"job {name}: call {row.number} was sold and is {row.status}")
            if call.script.truth is Truth.REFUSED and row.counts:
                wrong.append(f"job {name}: call {row.number} was refused and is {row.status}")
    for job in read_jobs(batch.state_path):
        number = job.id.removeprefix("kite-")
        settled = sum((row.settled_usd or Decimal(0) for row in attempts[number]), Decimal(0))
        if settled != job.committed_usd:
            wrong.append(f"{job.id}: {job.committed_usd} committed, {settled} in the ledger")
        if job.state is JobState.SUCCEEDED and mine[number][-1].script.truth is not Truth.SOLD:
            wrong.append(f"{job.id} has a clip that was never sold")
    sold = sum(call.is_billed for call in calls)
    counted = sum(row.counts for rows in attempts.values() for row in rows)
    return wrong + ([f"{sold} sold, {counted} counted"] if sold > counted else [])


def _wrong_purchases(step: str, calls: Sequence[Call], before: int, rows: Mapping[str, Sequence[Attempt]]) -> list[str]:
    """Jobs that this step bought although an earlier call of theirs was sold, or has no verdict."""
    wrong = []
    sold = {call.job for call in calls[:before] if call.is_billed}
    last = {call.job: call for call in calls[:before]}
    for call in calls[before:]:
        is_refused = call.job in last and not last[call.job].is_billed and rows[call.job][-1].status is RELEASED
        if step == "run" and call.job in sold and not is_refused:  # a job that `retry` reopened stays pending
            wrong.append(f"job {call.job} is bought again without being asked to")
        if rows[call.job] and rows[call.job][-1].status in NO_VERDICT:
            wrong.append(f"job {call.job} is bought again, and its last call is {rows[call.job][-1].status}")
        if call.is_billed:
            sold.add(call.job)
    return wrong
