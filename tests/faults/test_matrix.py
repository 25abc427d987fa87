"""Every fault in every wire format: the run ends by itself, each job where it must, and the books agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid.commands import Batch
from batchvid.dialects import DIALECTS
from batchvid.domain.failures import STOPS_PROVIDER, FailureKind
from batchvid.runner.submission.refusals import ONLY_TIME_HELPS
from tests.exchanges import load
from tests.faults import all_formats, matrix
from tests.faults.__main__ import PAGE, page
from tests.faults.faults import FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault(vendor: matrix.Vendor, some_formats: list[Batch], tmp_path: Path, name: str) -> None:
    """Each job is stored, failed for the right reason, uncertain, or waits for a run that goes on and stores it.

    What the emulator sold is what the event log shows, never more than was planned; no file and no line holds the
    key or a signature; no clip exists twice and no part is left behind.
    """
    fault = FAULTS[name]
    batch = some_formats[list(FAULTS).index(name) % len(some_formats)]
    trial = matrix.try_fault(vendor, batch, fault, tmp_path / "batch")
    assert len(trial.endings) == len(batch.manifest.jobs)
    assert trial.wrong == []
    assert matrix.surprises(fault, trial) == []
    assert trial.exit_code == matrix.exit_code(trial.endings)


def test_the_page_is_made_from_the_table() -> None:
    """docs/faults.md says what the tests above demand; `python -m tests.faults` writes it."""
    expected = {name: matrix.expected(fault) for name, fault in FAULTS.items()}
    assert PAGE.read_text("utf-8") == page(expected)


def test_every_failure_kind_has_a_producer() -> None:
    """Jobs of the cells above end with it, or a recorded refusal has it and stops the provider."""
    endings = {ending for fault in FAULTS.values() for ending in matrix.expected(fault).values()}
    ended = {ending.word.removeprefix("failed: ") for ending in endings if ending.word.startswith("failed: ")}
    rejected = {
        recording.means["rejected"]["kind"] for recording in load(step="submit") if "rejected" in recording.means
    }
    assert ended | (rejected & (STOPS_PROVIDER | ONLY_TIME_HELPS)) == set(FailureKind)


def test_no_wire_format_is_left_out() -> None:
    """Whoever adds a dialect finds its column missing here."""
    assert list(all_formats.JOBS) == list(DIALECTS.coded)
    assert set(all_formats.DECLARED_JOBS) == set(DIALECTS) - set(DIALECTS.coded)


@pytest.mark.parametrize(
    "name",
    [
        "the paid call: 429 rate, once",
        "the paid call: wrong key",
        "the paid call: 500, after acting",
        "the paid call: reset after acting",
        "a poll: 500",
    ],
)
def test_a_fault_in_a_format_that_is_data(vendor: matrix.Vendor, tmp_path: Path, name: str) -> None:
    """A definition ends each of these as a wire format in Python does."""
    fault = FAULTS[name]
    batch = all_formats.load(tmp_path, vendor.emulator.base_url, list(all_formats.DECLARED_JOBS))
    trial = matrix.try_fault(vendor, batch, fault, tmp_path / "batch")
    assert trial.wrong == []
    assert {dialect: trial.endings[dialect] for dialect in all_formats.DECLARED_JOBS} == {
        dialect: fault.ending(dialect) for dialect in all_formats.DECLARED_JOBS
    }
