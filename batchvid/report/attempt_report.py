"""`ledger.csv`: one row per attempt, from the event log. It shows what the money was spent on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from batchvid.domain.attempts import CHARGED, Attempt, AttemptStatus, Sum
from batchvid.report.csv_table import format_table, number, time, write_table

LEDGER_COLUMNS: dict[str, Callable[[Attempt], object]] = {
    "job": lambda row: row.job,
    "attempt": lambda row: row.number,
    "provider": lambda row: row.provider,
    "model": lambda row: row.model,
    "task_id": lambda row: row.task_id,
    "at": lambda row: time(row.at),
    "reserved_usd": lambda row: _usd(row.price.usd),
    "basis": lambda row: row.price.basis,
    "verdict": lambda row: row.status.value,
    "settled_usd": lambda row: _usd(row.settled_usd),
    "actual_usd": lambda row: row.actual_usd,
    "charged": lambda row: CHARGED[row.status],
    "seconds": lambda row: number(row.seconds),
    "tags": lambda row: " ".join(row.tags),
}
"""Every column, in order, and how it is read from an attempt."""

STATUS_LABELS = {
    AttemptStatus.SPENT: "spent",
    AttemptStatus.RESERVED: "reserved for what is under way",
    AttemptStatus.HELD: "held for uncertain submits",
    AttemptStatus.MAYBE: "maybe charged for what gave no clip",
    AttemptStatus.REHEARSAL: "rehearsed with the emulator",
}
"""The statuses that are summed up, in words for people."""


def write_ledger(path: Path, attempts: Iterable[Attempt]) -> None:
    """Write `ledger.csv`, whole or not at all."""
    write_table(path, LEDGER_COLUMNS, attempts)


def ledger_text(attempts: Iterable[Attempt]) -> str:
    """The ledger as CSV text."""
    return format_table(LEDGER_COLUMNS, attempts)


def ledger_line(totals: Mapping[AttemptStatus, Sum]) -> str:
    """`4 spent: $1.20; 1 held for uncertain submits: $0.30`; empty if nothing was sent yet."""
    return "; ".join(
        f"{totals[status].attempts} {label}: {_format_total(totals[status])}"
        for status, label in STATUS_LABELS.items()
        if totals[status].attempts
    )


def _format_total(total: Sum) -> str:
    unknown = f" + {total.unpriced} of unknown price" if total.unpriced else ""
    return f"${total.usd:.2f}{unknown}"


def _usd(usd: Decimal | None) -> str:
    return "unknown" if usd is None else f"{usd:f}"
