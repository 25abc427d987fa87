"""Tries one fault in every wire format: one small run against the emulator, then its books and its folder are read.

The table for people is made here, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from batchvid import commands
from batchvid.commands import Batch
from batchvid.commands.relocate import relocate
from batchvid.domain.jobs import Job, JobState, may_still_finish
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, consistency_checks
from tests.faults.fault import Ending, Fault
from tests.faults.faults import FAULTS
from tests.faults.proxy import FaultProxy
from tests.faults.task_faults import TASK

MOST_URGENT_FIRST = (5, 6, 1, 0)
"""Of the exit codes that hold for some jobs of a run, the first of these is the run's."""
WAITING_STATES = frozenset({JobState.PENDING, JobState.RUNNING, JobState.READY})


@dataclass(frozen=True, slots=True)
class Trial:
    """How the job of each wire format met a fault, the run's exit code, and all that is wrong."""

    endings: Mapping[str, Ending]
    exit_code: int
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Vendor:
    """The emulator, and the proxy before it."""

    emulator: ServedEmulator
    proxy: FaultProxy

    def set_faults(self, fault: Fault | None = None, *, has_moved: bool = False) -> None:
        """Put this fault in force, or none."""
        self.emulator.set_faults(*(fault.rules if fault else ()))
        self.proxy.set_faults(*(fault.wire if fault else ()), has_moved=has_moved)

    def base_url(self, fault: Fault) -> str:
        """Where batchvid finds it: only faults of the wire need the proxy."""
        return self.proxy.base_url if fault.wire else self.emulator.base_url


@contextmanager
def open_vendor(settings: Settings) -> Iterator[Vendor]:
    """Run the emulator and the proxy."""
    with ServedEmulator(settings) as emulator, FaultProxy(emulator.base_url) as proxy:
        yield Vendor(emulator, proxy)


def try_fault(vendor: Vendor, batch: Batch, fault: Fault, folder: Path) -> Trial:
    """Run the batch into that folder while the fault is in force, then again without it."""
    vendor.emulator.forget()
    vendor.set_faults(fault)
    dials = {"send_key_to_own_links": True, "base_url": vendor.base_url(fault), **fault.dials}
    tried = all_formats.with_dials(replace(batch, folder=folder), **dials)
    outcome, output = all_formats.run(tried)
    ledger, jobs = vendor.emulator.ledger(), read_jobs(folder / consistency_checks.STATE)
    sold = Counter(task["prompt"] for task in ledger["tasks"])
    wrong = consistency_checks.disagreements(folder, ledger["tasks"], extra_sold=fault.extra_sold)
    wrong += _early_calls(vendor.proxy, fault)
    if fault.shows and fault.shows not in output and not consistency_checks.mentions(folder, fault.shows):
        wrong.append(f"{fault.shows!r} is shown nowhere")
    more_output, more_wrong = _go_on(vendor, tried, fault, jobs)
    output, wrong, ledger = output + more_output, wrong + more_wrong, vendor.emulator.ledger()
    wrong += consistency_checks.disagreements(folder, ledger["tasks"], extra_sold=fault.extra_sold)
    wrong += [
        f"{job.id}: {count} clips" for job in jobs if (count := _clips(job)) not in (0, fault.clips_of(job.spec.entry))
    ]
    if ledger["purchases"] > len(jobs) * (1 + fault.extra_sold):
        wrong.append(f"{ledger['purchases']} tasks were sold, and {len(jobs)} planned")
    if ledger["key_leaks"]:
        wrong.append("a key was sent with a signed link")
    wrong += consistency_checks.leaks(folder, output, all_formats.KEY, all_formats.SIGNATURES)
    endings = {job.spec.entry: Ending(word(job), sold[job.spec.request.prompt]) for job in jobs}
    return Trial(endings, outcome.exit_code, wrong)


def _go_on(vendor: Vendor, batch: Batch, fault: Fault, jobs: Sequence[Job]) -> tuple[str, list[str]]:
    """Without the fault, the next run stores the jobs that wait, and `retry` fetches those that were given up.

    Returns the output and what is wrong.
    """
    vendor.set_faults(has_moved=fault.moves)
    waiting = {job.id for job in jobs if job.state in WAITING_STATES}
    given_up = {job.id: job.kind for job in jobs if job.state is JobState.FAILED and may_still_finish(job)}
    output, wrong = "", list[str]()
    if waiting and fault.moves:
        batch = all_formats.with_dials(batch, base_url=vendor.proxy.new_url)
        output += all_formats.run(batch)[1]
        wrong += [f"{job.id} is {job.state} before relocate" for job in _unlike(batch, waiting, JobState.RUNNING)]
        relocate(batch.folder, old=vendor.proxy.base_url, new=vendor.proxy.new_url)
    if waiting:
        output += all_formats.run(batch, try_now=True)[1]
        wrong += [f"{job.id} is {job.state} after a second run" for job in _unlike(batch, waiting, JobState.SUCCEEDED)]
    if given_up and fault.group != TASK:  # a task's end stays what it is
        sold = vendor.emulator.ledger()["purchases"]
        kinds = sorted({str(kind) for kind in given_up.values()})
        output += all_formats.run(batch, command=commands.retry, kinds=kinds)[1]
        wrong += [f"{job.id} is {job.state} after a retry" for job in _unlike(batch, given_up, JobState.SUCCEEDED)]
        if vendor.emulator.ledger()["purchases"] != sold:
            wrong.append("retry bought what it had to fetch")
    return output, wrong


def _unlike(batch: Batch, jobs: Container[str], state: JobState) -> list[Job]:
    """Which of these jobs are not in that state."""
    return [job for job in read_jobs(batch.state_path) if job.id in jobs and job.state is not state]


def _early_calls(proxy: FaultProxy, fault: Fault) -> list[str]:
    """The jobs that did not wait as long as the vendor requests, or that called more often than twice."""
    if not fault.wait_s:
        return []
    times: dict[str, list[float]] = defaultdict(list)
    for call in proxy.calls:
        if call.step == "submit":
            times[call.subject].append(call.at_s)
    wrong = [f"{subject}: {len(at_s)} paid calls, not 2" for subject, at_s in times.items() if len(at_s) != 2]
    waits = {subject: at_s[1] - at_s[0] for subject, at_s in times.items() if len(at_s) > 1}
    return wrong + [f"{subject}: only {wait_s:.3f} s" for subject, wait_s in waits.items() if wait_s < fault.wait_s]


def expected(fault: Fault) -> dict[str, Ending]:
    """What faults.py says, by wire format."""
    return {dialect: fault.ending(dialect) for dialect in all_formats.JOBS}


def surprises(fault: Fault, trial: Trial) -> list[str]:
    """The wire formats whose job did not end as expected."""
    return [
        f"{dialect}: {trial.endings[dialect]}, expected: {ending}"
        for dialect, ending in expected(fault).items()
        if dialect in trial.endings and trial.endings[dialect] != ending
    ]


def exit_code(endings: Mapping[str, Ending]) -> int:
    """What a run of all these jobs ends with."""
    codes = {ending.exit_code for ending in endings.values()}
    return next(code for code in MOST_URGENT_FIRST if code in codes)


def table(endings: Mapping[str, Mapping[str, Ending]]) -> str:
    """How each fault ends in most wire formats, and in which ones otherwise, as Markdown."""
    lines = ["| where | fault | ends | otherwise |", "|---|---|---|---|"]
    for name, row in endings.items():
        (usual, _), *others = Counter(map(str, row.values())).most_common()
        exceptions = [
            f"{', '.join(dialect for dialect, ending in row.items() if str(ending) == other)}: {other}"
            for other, _ in others
        ]
        lines.append(f"| {FAULTS[name].group} | {FAULTS[name].name} | {usual} | {'; '.join(exceptions)} |")
    return "\n".join(lines)


def _clips(job: Job) -> int:
    return 0 if job.clip is None else 1 + len(job.more_clips)


def word(job: Job) -> str:
    """How the matrix names where the job stands."""
    if job.state is JobState.SUCCEEDED:
        return "stored"
    return f"failed: {job.kind}" if job.state is JobState.FAILED else str(job.state)
