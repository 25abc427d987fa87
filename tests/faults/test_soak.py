"""A small soak: `python -m tests.soak` is the large one."""

from __future__ import annotations

from pathlib import Path

from tests.faults import all_formats
from tests.soak import soak


def test_a_small_soak(tmp_path: Path) -> None:
    """Faults and kills at random over five jobs in each wire format: all stored, and the books agree."""
    found = soak(jobs=5 * len(all_formats.JOBS), seed=3, seconds=20, folder=tmp_path)
    assert found.wrong == []
    assert found.kills > 0
