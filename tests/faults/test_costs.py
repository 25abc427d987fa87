"""A cost that the vendor names counts against the caps in every wire format, as soon as it is known."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from batchvid.commands import SpendingLimits
from batchvid.domain.jobs import JobState
from batchvid.state.readers import read_jobs
from tests.faults import all_formats, consistency_checks, matrix
from tests.faults.poll_faults import DEAR, DEAR_USD

CAP_USD = Decimal(6)
"""More than both clips of a job are estimated at, and less than the first one costs."""


WITHOUT_COST = {"fal", "comfy-router"}
"""Their results have fields of the model's own: a number there is no cost."""


@pytest.mark.parametrize("dialect", [name for name in all_formats.JOBS if name not in WITHOUT_COST])
def test_a_cost_above_the_estimate_counts_against_the_cap(vendor: matrix.Vendor, tmp_path: Path, dialect: str) -> None:
    """The next job is not bought: the cap is spent. Without the vendor's cost both are bought."""
    vendor.emulator.forget()
    vendor.set_faults(DEAR)
    batch = all_formats.load(tmp_path, vendor.proxy.base_url, [dialect], takes=2, concurrency=1)
    outcome, output = all_formats.run(all_formats.with_dials(batch), limits=SpendingLimits(usd=CAP_USD))
    assert outcome.exit_code == 3
    assert DEAR_USD in output
    states = Counter(job.state for job in read_jobs(batch.state_path))
    assert states == {JobState.SUCCEEDED: 1, JobState.PENDING: 1}
    ledger = vendor.emulator.ledger()
    assert ledger["purchases"] == 1
    assert consistency_checks.disagreements(batch.folder, ledger["tasks"]) == []


@pytest.mark.parametrize("dialect", all_formats.JOBS)
def test_the_cap_is_enough_for_both_estimates(vendor: matrix.Vendor, tmp_path: Path, dialect: str) -> None:
    """Where the vendor names no cost, the estimates count."""
    vendor.emulator.forget()
    vendor.set_faults()
    batch = all_formats.load(tmp_path, vendor.proxy.base_url, [dialect], takes=2, concurrency=1)
    outcome, _ = all_formats.run(all_formats.with_dials(batch), limits=SpendingLimits(usd=CAP_USD))
    assert outcome.exit_code == 0
    assert vendor.emulator.ledger()["purchases"] == 2
