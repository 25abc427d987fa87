"""`ledger.csv` and the ledger in a line: every attempt a row that joins to its job, unknown prices told as unknown."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

from batchvid.domain.attempts import AttemptStatus, Sum, build_attempts
from batchvid.domain.job_spec import UNPRICED
from batchvid.report import ledger_line, write_ledger
from batchvid.report.attempt_report import ledger_text
from batchvid.state.readers import read_attempts
from tests.builders import ACCEPTED, SUCCEEDED, life, planned, spec, started, state_file
from tests.domain.test_attempts import LOST, REFUSED


def test_a_row_tells_all_of_an_attempt(tmp_path: Path) -> None:
    """Who was asked for what, when, for how much, and what became of it."""
    job = planned(spec(tags=("hero", "wide")))
    path = state_file(tmp_path / "state.sqlite3", life(job, started(), REFUSED, started(), ACCEPTED, SUCCEEDED))
    written = tmp_path / "ledger.csv"
    write_ledger(written, read_attempts(path))
    first, second = csv.DictReader(io.StringIO(written.read_text("utf-8-sig"), newline=""))
    assert second == {
        "job": "kite", "attempt": "2", "provider": "cometapi", "model": "veo3-fast", "task_id": "t-1",
        "at": "2026-03-01T20:00:01.000Z", "reserved_usd": "0.10", "basis": "estimate: a list", "verdict": "spent",
        "settled_usd": "0.10", "actual_usd": "", "charged": "yes", "seconds": "8", "tags": "hero wide",
    }  # fmt: skip
    assert written.read_text("utf-8").startswith("\ufeffjob,attempt,provider,model,task_id,at,")
    assert (first["verdict"], first["reserved_usd"], first["settled_usd"], first["charged"]) == (
        "released", "0.10", "0", "no",
    )  # fmt: skip


def test_unknown_stays_unknown_and_harmless() -> None:
    """What nobody can price is no 0, an unknown length is empty, and no cell is a formula."""
    rows = build_attempts(spec("=kite"), [started(price=UNPRICED, duration_s=None), LOST])
    (row,) = csv.DictReader(io.StringIO(ledger_text(rows), newline=""))
    assert (row["reserved_usd"], row["settled_usd"], row["seconds"]) == ("unknown", "unknown", "")
    assert (row["verdict"], row["charged"], row["job"]) == ("held", "unknown", "'=kite")


def test_the_line_tells_what_counts() -> None:
    """By verdict, with how many have no price; released attempts and empty sums are not told."""
    totals = dict.fromkeys(AttemptStatus, Sum()) | {AttemptStatus.RELEASED: Sum(3)}
    assert ledger_line(totals) == ""
    totals |= {AttemptStatus.SPENT: Sum(4, Decimal("1.2")), AttemptStatus.MAYBE: Sum(2, Decimal("0.3"), 1)}
    assert ledger_line(totals) == ("4 spent: $1.20; 2 maybe charged for what gave no clip: $0.30 + 1 of unknown price")
