"""Every fault in every wire format: the run ends by itself, each job where it must, and the books agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid.commands import Batch
from batchvid.dialects import DIALECTS
from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, matrix
from tests.faults.__main__ import PAGE, page
from tests.faults.faults import FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault(emulator: ServedEmulator, everyone: Batch, tmp_path: Path, name: str) -> None:
    """Each job is stored, failed for the right reason, uncertain, or waits for a run that goes on and stores it.

    What the emulator sold is what the event log shows, never more than was planned; no file and no line holds the
    key or a signature; no clip exists twice and no part is left behind.
    """
    fault = FAULTS[name]
    trial = matrix.try_fault(emulator, everyone, fault, tmp_path / "batch")
    assert trial.wrong == []
    assert trial.endings == matrix.expected(fault)
    assert trial.exit_code == matrix.exit_code(trial.endings)


def test_the_page_is_made_from_the_table() -> None:
    """docs/faults.md says what the tests above demand; `python -m tests.faults` writes it anew."""
    expected = {name: matrix.expected(fault) for name, fault in FAULTS.items()}
    assert PAGE.read_text("utf-8") == page(expected)


def test_no_wire_format_is_left_out() -> None:
    """Whoever adds a dialect finds its column missing here."""
    assert list(all_formats.JOBS) == list(DIALECTS)
