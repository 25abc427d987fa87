"""A fault that every call meets belongs to the provider: one job meets it, the others wait for the next run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.state.readers import read_jobs
from tests.faults import all_formats, consistency_checks, matrix
from tests.faults.fault import Fault
from tests.faults.submit_faults import NOT_REACHED

JOBS = 3
DIALECTS = list(all_formats.JOBS)


@pytest.mark.parametrize("fault", NOT_REACHED, ids=lambda fault: fault.name)
def test_a_fault_of_every_call_stops_the_provider(vendor: matrix.Vendor, tmp_path: Path, fault: Fault) -> None:
    """One call goes out. Its job is as the matrix has it, the others are pending, and the next run stores them."""
    vendor.emulator.forget()
    vendor.set_faults(fault)
    batch = all_formats.load(tmp_path, vendor.base_url(fault), DIALECTS, takes=JOBS)
    all_formats.run(all_formats.with_dials(batch, concurrency=1))
    for dialect in DIALECTS:
        words = Counter(matrix.word(job) for job in read_jobs(batch.state_path) if job.spec.entry == dialect)
        assert words == Counter([fault.ending(dialect).word, *["pending"] * (JOBS - 1)]), dialect
    assert vendor.emulator.ledger()["purchases"] == 0
    vendor.set_faults()
    all_formats.run(all_formats.with_dials(batch))
    ledger = vendor.emulator.ledger()
    assert consistency_checks.disagreements(batch.folder, ledger["tasks"]) == []
    left = [job for job in read_jobs(batch.state_path) if job.state is not JobState.SUCCEEDED]
    assert {job.state for job in left} <= {JobState.UNCERTAIN}
    assert ledger["purchases"] == len(DIALECTS) * JOBS - len(left)
