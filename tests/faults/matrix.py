"""Tries one fault in every wire format: one small run against the emulator, then its books and its folder are read.

The table for people is made here, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from batchvid.commands import Batch
from batchvid.domain.jobs import Job, JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, consistency_checks
from tests.faults.fault import Ending, Fault
from tests.faults.faults import FAULTS
from tests.faults.proxy import FaultProxy

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

    def set_faults(self, fault: Fault | None = None) -> None:
        """Put this fault in force, or none."""
        self.emulator.set_faults(*(fault.rules if fault else ()))
        self.proxy.set_faults(*(fault.wire if fault else ()))

    def base_url(self, fault: Fault) -> str:
        """Where batchvid finds it: only faults of the wire need the proxy."""
        return self.proxy.base_url if fault.wire else self.emulator.base_url


@contextmanager
def open_vendor(settings: Settings) -> Iterator[Vendor]:
    """Run the emulator and the proxy."""
    with ServedEmulator(settings) as emulator, FaultProxy(emulator.base_url) as proxy:
        yield Vendor(emulator, proxy)


def try_fault(vendor: Vendor, batch: Batch, fault: Fault, folder: Path) -> Trial:
    """Run the batch into that folder while the fault is in force; where a job still waits, run again without it."""
    vendor.emulator.forget()
    vendor.set_faults(fault)
    tried = all_formats.with_dials(replace(batch, folder=folder), base_url=vendor.base_url(fault), **fault.dials)
    outcome, output = all_formats.run(tried)
    ledger, jobs = vendor.emulator.ledger(), read_jobs(folder / consistency_checks.STATE)
    sold = Counter(task["prompt"] for task in ledger["tasks"])
    wrong = consistency_checks.disagreements(folder, ledger["tasks"], extra_sold=fault.extra_sold)
    wrong += _early_calls(vendor.proxy, fault)
    if fault.shows and fault.shows not in output and not consistency_checks.mentions(folder, fault.shows):
        wrong.append(f"{fault.shows!r} is shown nowhere")
    if waiting := {job.id for job in jobs if job.state in WAITING_STATES}:
        vendor.set_faults()
        if fault.moves:
            tried = all_formats.move(tried, vendor.proxy.base_url, vendor.proxy.other_url)
        output += all_formats.run(tried)[1]
        later = [job for job in read_jobs(folder / consistency_checks.STATE) if job.id in waiting]
        wrong += [f"{job.id} is {job.state} after a second run" for job in later if job.state is not JobState.SUCCEEDED]
        ledger = vendor.emulator.ledger()
        wrong += consistency_checks.disagreements(folder, ledger["tasks"], extra_sold=fault.extra_sold)
    if ledger["purchases"] > len(jobs) * (1 + fault.extra_sold):
        wrong.append(f"{ledger['purchases']} tasks were sold, and {len(jobs)} planned")
    if ledger["key_leaks"]:
        wrong.append("a key was sent with a signed link")
    wrong += consistency_checks.leaks(folder, output, all_formats.KEY, all_formats.SIGNATURES)
    endings = {job.spec.entry: Ending(_word(job), sold[job.spec.request.prompt]) for job in jobs}
    return Trial(endings, outcome.exit_code, wrong)


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
