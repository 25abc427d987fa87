"""`ledger.csv`: one row an attempt, refused and failed ones too, out of the event log. What the money went to."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from batchvid.atomic_file import write_atomic
from batchvid.domain.attempts import CHARGED, Attempt, AttemptStatus, Sum
from batchvid.report.csv_table import escape_formula, number, time

LEDGER_COLUMNS: dict[str, Callable[[Attempt], object]] = {
    "job": lambda row: row.job,
    "attempt": lambda row: row.number,
    "provider": lambda row: row.provider,
    "model": lambda row: row.model,
    "task_id": lambda row: row.task_id,
    "at": lambda row: time(row.at),
    "reserved_usd": lambda row: _usd(row.price.usd),
    "basis": lambda row: row.price.basis,
    "verdict": lambda row: row.verdict.value,
    "settled_usd": lambda row: _usd(row.settled_usd),
    "actual_usd": lambda row: row.actual_usd,
    "charged": lambda row: CHARGED[row.verdict],
    "seconds": lambda row: number(row.seconds),
    "tags": lambda row: " ".join(row.tags),
}
"""Every column in order, and how it is read off an attempt."""

TOLD = {
    AttemptStatus.SPENT: "spent",
    AttemptStatus.RESERVED: "reserved for what is under way",
    AttemptStatus.HELD: "held for uncertain submits",
    AttemptStatus.MAYBE: "maybe charged for what gave no clip",
}
"""The verdicts that count, in words for people."""


def write_ledger(path: Path, attempts: Iterable[Attempt]) -> None:
    """Write `ledger.csv` anew, whole or not at all."""
    write_atomic(path, ledger_text(attempts))


def ledger_text(attempts: Iterable[Attempt]) -> str:
    """The ledger as CSV text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LEDGER_COLUMNS)
    for row in attempts:
        cells = (read(row) for read in LEDGER_COLUMNS.values())
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def ledger_line(totals: Mapping[AttemptStatus, Sum]) -> str:
    """`4 spent: $1.20; 1 held for uncertain submits: $0.30`; empty where nothing was ever sent."""
    return "; ".join(
        f"{totals[one].attempts} {words}: {_in_all(totals[one])}" for one, words in TOLD.items() if totals[one].attempts
    )


def _in_all(total: Sum) -> str:
    unknown = f" + {total.unpriced} of unknown price" if total.unpriced else ""
    return f"${total.usd:.2f}{unknown}"


def _usd(usd: Decimal | None) -> str:
    return "unknown" if usd is None else f"{usd:f}"
