"""Tries one fault in every wire format: one small run against the emulator, then its books and its folder are read.

The table for people is made here, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from batchvid.commands import Batch
from batchvid.domain.jobs import Job, JobState
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, consistency_checks
from tests.faults.faults import FAULTS, Ending, Fault

MOST_URGENT_FIRST = (5, 6, 1, 0)
"""Of the exit codes that hold for some jobs of a run, the first of these is told."""
WAITING_STATES = frozenset({JobState.PENDING, JobState.RUNNING, JobState.READY})


@dataclass(frozen=True, slots=True)
class Trial:
    """How the job of each wire format met a fault, the run's exit code, and all that is wrong."""

    endings: Mapping[str, Ending]
    exit_code: int
    wrong: list[str]


def try_fault(emulator: ServedEmulator, batch: Batch, fault: Fault, folder: Path) -> Trial:
    """Run the batch into that folder while the fault is in force; where a job still waits, run again without it."""
    emulator.forget()
    emulator.set_faults(*fault.rules)
    tried = all_formats.with_dials(replace(batch, folder=folder), **fault.dials)
    outcome, said = all_formats.run(tried)
    ledger, jobs = emulator.ledger(), read_jobs(folder / consistency_checks.STATE)
    sold = Counter(task["prompt"] for task in ledger["tasks"])
    wrong = consistency_checks.disagreements(folder, ledger["tasks"])
    if waiting := {job.id for job in jobs if job.state in WAITING_STATES}:
        emulator.set_faults()
        said += all_formats.run(tried)[1]
        later = [job for job in read_jobs(folder / consistency_checks.STATE) if job.id in waiting]
        wrong += [f"{job.id} is {job.state} after a second run" for job in later if job.state is not JobState.SUCCEEDED]
        ledger = emulator.ledger()
        wrong += consistency_checks.disagreements(folder, ledger["tasks"])
    if ledger["purchases"] > len(jobs):
        wrong.append(f"{ledger['purchases']} tasks were sold, and {len(jobs)} planned")
    if ledger["key_leaks"]:
        wrong.append("a key was sent with a signed link")
    wrong += consistency_checks.leaks(folder, said, all_formats.KEY, all_formats.SIGNATURES)
    endings = {job.spec.entry: Ending(_word(job), sold[job.spec.request.prompt]) for job in jobs}
    return Trial(endings, outcome.exit_code, wrong)


def expected(fault: Fault) -> dict[str, Ending]:
    """What faults.py says, by wire format."""
    return {dialect: fault.ending(dialect) for dialect in all_formats.JOBS}


def exit_code(endings: Mapping[str, Ending]) -> int:
    """What a run of all these jobs ends with."""
    codes = {ending.exit_code for ending in endings.values()}
    return next(code for code in MOST_URGENT_FIRST if code in codes)


def table(endings: Mapping[str, Mapping[str, Ending]]) -> str:
    """Fault by wire format, as Markdown."""
    dialects = list(all_formats.JOBS)
    lines = [f"| where | fault | {' | '.join(dialects)} |", "|---" * (len(dialects) + 2) + "|"]
    for name, row in endings.items():
        cells = [str(row[dialect]) for dialect in dialects]
        lines.append(f"| {FAULTS[name].group} | {FAULTS[name].name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _word(job: Job) -> str:
    if job.state is JobState.SUCCEEDED:
        return "stored"
    return f"failed: {job.kind}" if job.state is JobState.FAILED else str(job.state)
