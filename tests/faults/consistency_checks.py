"""Whether three books agree: what the emulator sold, what the event log says was bought, and what lies in the folder.

Knows no fault and no expectation; every function returns what is wrong, one line each, and nothing when all is well.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchvid.domain.jobs import Job, JobState
from batchvid.state.readers import read_jobs, replay
from tests import key_encodings

STATE = "state.sqlite3"
CONTAINERS = (".mp4", ".mov", ".webm")
Tasks = Sequence[Mapping[str, Any]]
"""The emulator's books, a line a task; the prompts of a batch must differ, for they tell whose task it is."""


def disagreements(folder: Path, tasks: Tasks, *, extra_sold: int = 0) -> list[str]:
    """All that is wrong with a batch at rest. `extra_sold`: so many tasks of each job somebody else may have bought."""
    jobs = read_jobs(folder / STATE)
    return [
        *wrong_purchases(folder / STATE, jobs, tasks, extra_sold=extra_sold),
        *wrong_clips(folder, jobs),
        *wrong_replay(folder / STATE),
    ]


def wrong_purchases(state: Path, jobs: Iterable[Job], tasks: Tasks, *, extra_sold: int = 0) -> list[str]:
    """Every task sold must be an accepted one, or one of an attempt without a verdict; never of a refused one."""
    happened = _events(state)
    sold: dict[str, set[str]] = defaultdict(set)
    for task in tasks:
        sold[task["prompt"]].add(task["task_id"])
    wrong, owner = [], dict[str, str]()
    for job in jobs:
        log = happened[job.id]
        accepted = {data["task_id"] for event, data in log if event == "SubmitAccepted"}
        count = Counter(event for event, _ in log)
        open_attempts = count["SubmitStarted"] - count["SubmitAccepted"] - count["SubmitRefused"]
        here = sold.pop(job.spec.request.prompt, set())
        if unsold := accepted - here:
            wrong.append(f"{job.id}: {unsold} is on record and was never sold")
        if len(here - accepted) > open_attempts + extra_sold:
            wrong.append(f"{job.id}: {here - accepted} were sold, and only {open_attempts} attempts have no verdict")
        shared = [task_id for task_id in accepted if owner.setdefault(task_id, job.id) != job.id]
        wrong += [f"{task_id} belongs to {owner[task_id]} and to {job.id}" for task_id in shared]
    return wrong + [f"{len(ids)} tasks were sold for {prompt!r}, which no job asks for" for prompt, ids in sold.items()]


def wrong_clips(folder: Path, jobs: Iterable[Job]) -> list[str]:
    """Every stored clip is there, whole, with its sidecar; and there is no other clip and no leftover part."""
    wrong = []
    expected = set()
    stored = [(job, clip) for job in jobs if job.clip is not None for clip in (job.clip, *job.more_clips)]
    for job, clip in stored:
        path = folder / "clips" / clip.key
        expected.add(path)
        sidecar = json.loads(path.with_name(path.name + ".json").read_text("utf-8"))
        if hashlib.sha256(path.read_bytes()).hexdigest() != clip.sha256:
            wrong.append(f"{job.id}: {path.name} is not what was stored")
        if job.state is JobState.SUCCEEDED and sidecar["task_id"] != job.task_id:
            wrong.append(f"{job.id}: {path.name} is the clip of task {sidecar['task_id']}, not of {job.task_id}")
    there = {path for path in folder.glob("clips/**/*") if path.suffix in CONTAINERS}
    waiting = {job.spec.key for job in jobs if job.state in (JobState.READY, JobState.RUNNING, JobState.FAILED)}
    expected |= {folder / "clips" / key for key in waiting}  # killed between the rename and the recorded event
    wrong += [f"{path.name} is nobody's clip" for path in there - expected]
    for part in folder.glob("clips/**/*.part*"):
        if str(part.relative_to(folder / "clips")).partition(".part")[0] not in waiting:
            wrong.append(f"{part.name} was left behind")
    return wrong


def wrong_replay(state: Path) -> list[str]:
    """The event log alone must lead to the jobs as they stand, but for progress, which is not kept."""
    told = replay(state)
    wrong = [
        job
        for job in read_jobs(state)
        if job != replace(told[job.id], vendor_status=job.vendor_status, progress=job.progress)
    ]
    return [f"{job.id}: its events tell another story than its row" for job in wrong]


def leaks(folder: Path, said: str, key: str, marks: Iterable[str]) -> list[str]:
    """Where the key stands, in any encoding, or one of these secrets: in a file of the batch, or in what was shown."""
    files = [(path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    found = key_encodings.leaks([*files, ("the output", said.encode("utf-8", "replace"))], [key])
    for mark in marks:
        found += [f"{mark!r} stands in {name}" for name, data in files if mark.encode() in data]
        found += [f"{mark!r} was said"] if mark in said else []
    return found


def mentions(folder: Path, text: str) -> bool:
    """Whether a table or a sidecar of the batch shows this text."""
    return any(text in path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".csv", ".json"))


def _events(state: Path) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    happened: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    with closing(sqlite3.connect(f"{state.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        for job_id, event, data in connection.execute("SELECT job, event, data FROM events ORDER BY seq"):
            happened[job_id].append((event, json.loads(data)))
    return happened
