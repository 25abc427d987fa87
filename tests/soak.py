"""A soak: `python -m tests.soak --jobs 2000 --seed 7 --seconds 120`. Faults and SIGKILLs at random, then the books.

Runs of one batch in every wire format are killed at random moments while the vendors misbehave at random. After half of
the time both stop; what is uncertain is settled out of the vendors' books, what is open is collected, what failed is
retried. Then every job must be stored, and no purchase, clip, limit or secret may have gone astray.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchvid import commands
from batchvid.commands import Batch
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, consistency_checks, crash_runner
from tests.faults.fault import AT_ONCE, MANGLED, NO_SLOT, QUOTING
from tests.faults.task_faults import CODELESS

CONCURRENCY = 8
SUBMITS_PER_MIN = 400
POLLS_PER_S = 60
LIMITS = {
    "concurrency": CONCURRENCY,
    "submits_per_min": SUBMITS_PER_MIN,
    "polls_per_s": POLLS_PER_S,
    "poll_every_s": 0.1,
}
OVERDUE_S = 2.0  # an uncertain job holds its slot for so long; a stuck task is given up then
SHORTEST_LIFE_S = 0.1  # of a run, before it is killed
LIVES = 40  # about so many lives fit into the time
LONGER = 0.05  # each life by so much of the first, so that a slow machine gets on, too
MOST_LIKELY = 0.03  # of each single fault
READ_TIMEOUT_S = 0.6  # shorter than the slow replies below
RESTS = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.UNCERTAIN})
MOST_MORNINGS = 4
UNFINISHED = frozenset({"queued", "throttled", "running", "undocumented"})
ENDLESS_AT = ("videos", "xai")
"""Tasks that never end hold a slot of the vendor's for ever, also when we have given up on them: only here."""

SUBMITS: tuple[Any, ...] = (
    {"rate": True, "headers": AT_ONCE}, {"status": 429, "empty": True}, {"concurrency": True, "headers": AT_ONCE},
    {"status": 503}, {"status": 503, "after": True}, {"status": 500, "after": True, "message": QUOTING},
    {"html": True, "after": True}, {"empty": True, "after": True}, {"error_200": True, "after": True},
    {"status": 200, "body": MANGLED, "after": True}, {"status": 524, "html": True, "after": True},
    {"status": 429, "json": {"code": "fail_to_fetch_task", "message": NO_SLOT}, "headers": AT_ONCE},
    "reset_before", "reset_after", "truncate_json", "moderation", {"invalid": True, "message": QUOTING},
    {"delay_s": 1.0}, {"auth": True, "message": QUOTING}, "balance",
)  # fmt: skip
OUTCOMES = (
    {"outcome": "fail_silent"}, {"outcome": "moderation"}, {"outcome": "error"}, {"outcome": "cancelled"},
    {**CODELESS, "message": QUOTING}, {"outcome": "progress_backwards"}, {"outcome": "progress_100_running"},
)  # fmt: skip
ENDLESS = ({"outcome": "stuck"}, {"outcome": "unknown_word"})
POLLS: tuple[Any, ...] = (
    "rate", {"status": 429, "empty": True}, {"status": 500}, {"status": 503}, {"status": 524, "html": True},
    "reset_before", "reset_after", "truncate_json", {"status": 200, "body": MANGLED}, {"html": True},
    {"error_200": True}, {"status": 404, "json": {}}, {"delay_s": 1.0},
)  # fmt: skip
BYTES: tuple[Any, ...] = (
    "expired", {"valid_once": True, "truncate": True}, "truncate", {"truncate": True, "no_range": True}, "chunked",
    "wrong_type", "json_200", "html_200", "zero", "endless", "reset_before", {"status": 503}, {"slow": 400_000},
)  # fmt: skip


@dataclass(slots=True)
class Soak:
    """What happened. `wrong` is all that must not be."""

    runs: int = 0
    kills: int = 0
    ledger: Mapping[str, Any] = field(default_factory=dict)
    states: Mapping[JobState, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def draw_rules(dice: random.Random) -> list[dict[str, Any]]:
    """Every fault with a small probability of its own."""
    rules = []
    for step, deeds in (("submit", SUBMITS + OUTCOMES), ("poll", POLLS), ("download", BYTES), ("content", BYTES)):
        rules += [
            {"match": {"step": step, "probability": dice.uniform(0.002, MOST_LIKELY)}, "do": deed} for deed in deeds
        ]
    for route in ENDLESS_AT:
        rules += [{"match": {"step": "submit", "route": route, "probability": 0.01}, "do": deed} for deed in ENDLESS]
    dice.shuffle(rules)
    return rules


def soak(jobs: int, seed: int, seconds: float, folder: Path) -> Soak:
    """Soak a batch of so many jobs for about so long; the emulator's and our own choices come from the seed."""
    dice = random.Random(seed)
    found = Soak()
    settings = Settings(
        life="seconds:0.02-0.4", render="shared", api_key=all_formats.KEY, seed=seed, runway_hidden_polls=2
    )
    with ServedEmulator(settings) as emulator:
        takes = max(1, jobs // len(all_formats.JOBS))
        batch = all_formats.load(folder, emulator.base_url, list(all_formats.JOBS), takes=takes, **LIMITS)
        batch = all_formats.with_dials(
            batch, timeout_s=OVERDUE_S, read_timeout_s=READ_TIMEOUT_S, submit_read_timeout_s=READ_TIMEOUT_S
        )
        emulator.set_faults(*draw_rules(dice))
        until = time.monotonic() + seconds / 2
        while time.monotonic() < until and not _at_rest(batch):
            _live_and_die(batch, dice, found, max(2 * SHORTEST_LIFE_S, seconds / LIVES))
        emulator.set_faults()
        found.states = Counter(job.state for job in read_jobs(batch.state_path))
        found.wrong = consistency_checks.disagreements(batch.folder, emulator.ledger()["tasks"])
        _mend_all(batch, emulator, found)
        found.ledger = emulator.ledger()
    found.wrong += _astray(batch, found.ledger)
    return found


def _live_and_die(batch: Batch, dice: random.Random, found: Soak, longest_s: float) -> None:
    """One run, killed when its time has come, unless it ends before."""
    run = crash_runner.start(crash_runner.lives, batch)
    found.runs += 1
    run.join(dice.uniform(SHORTEST_LIFE_S, longest_s) * (1 + found.runs * LONGER))
    if run.exitcode is None:
        run.kill()
        run.join()
        found.kills += 1
    run.close()


def _mend_all(batch: Batch, emulator: ServedEmulator, found: Soak) -> None:
    """What a user does in the morning: settle what is uncertain, run again, ask for what failed, then buy it again."""
    for _ in range(MOST_MORNINGS):
        all_formats.settle(batch, emulator.ledger()["tasks"])
        crash_runner.death(crash_runner.lives, batch)
        found.runs += 1
        if {job.state for job in read_jobs(batch.state_path)} <= {JobState.SUCCEEDED, JobState.FAILED}:
            break
    for new_task in (False, True):
        every_kind = [*FailureKind]
        commands.retry(batch, kinds=every_kind, new_task=new_task, allow_retired=True, display=all_formats.silent)
        found.runs += 1


def _at_rest(batch: Batch) -> bool:
    return batch.state_path.exists() and all(job.state in RESTS for job in read_jobs(batch.state_path))


def _astray(batch: Batch, ledger: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong in the end."""
    jobs = read_jobs(batch.state_path)
    yield from consistency_checks.disagreements(batch.folder, ledger["tasks"])
    yield from consistency_checks.leaks(batch.folder, "", all_formats.KEY, all_formats.SIGNATURES)
    yield from (f"{job.id} is {job.state} ({job.kind}: {job.message})" for job in jobs if job.clip is None)
    made = {task["task_id"] for task in ledger["tasks"] if task["status"] == "succeeded"}
    yield from (f"{task_id} was made, and its clip is not here" for task_id in made - {job.task_id for job in jobs})
    for dialect in all_formats.JOBS:
        name = all_formats.FAMILIES.get(dialect, dialect)
        account = ledger["families"][name]
        endless = sum(task["family"] == name and task["status"] in UNFINISHED for task in ledger["tasks"])
        bounds = {
            "in_flight_max": CONCURRENCY + endless,
            "max_submits_per_60s": SUBMITS_PER_MIN,
            "max_polls_per_s": 2 * POLLS_PER_S,  # a run does not know of an earlier one's polls of a second ago
        }
        for what, most in bounds.items():
            if account[what] > most:
                yield f"{dialect}: {what} is {account[what]}, allowed are {most}"
        if endless and dialect not in ENDLESS_AT:
            yield f"{dialect}: {endless} tasks never ended"
    if ledger["key_leaks"]:
        yield "a key was sent with a signed link"


def main() -> int:
    """Soak, and tell."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--jobs", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked.add_argument("--seconds", type=float, default=120)
    args = asked.parse_args()
    print(f"seed {args.seed}", flush=True)
    os.environ.update(all_formats.ENVIRONMENT)
    logging.disable(logging.CRITICAL)  # the emulator's server tells of every client that is killed
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="batchvid-soak-") as folder:
        os.environ["XDG_STATE_HOME"] = folder  # not among the user's own batches
        found = soak(args.jobs, args.seed, args.seconds, Path(folder))
    books_say = ", ".join(
        f"{found.ledger[name]} {name}" for name in ("submits", "purchases", "refused", "polls", "downloads")
    )
    print(f"{time.monotonic() - began:.0f} s, {found.runs} runs, {found.kills} killed; {books_say}")
    print("when faults and kills stopped: " + ", ".join(f"{count} {state}" for state, count in found.states.items()))
    print(*found.wrong or ["all is well"], sep="\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
