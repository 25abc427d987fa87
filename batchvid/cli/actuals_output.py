"""Prints and writes what `report --actuals` found: a table for people, actuals.csv, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import click
from rich.table import Table

from batchvid.cli.console import console_for_people
from batchvid.commands.actuals import Actuals, as_json
from batchvid.domain.bills import BilledAttempt, Difference, by_day, by_model
from batchvid.report.csv_table import write_table

COLUMNS: dict[str, Callable[[BilledAttempt], object]] = {
    "job": lambda row: row.attempt.job,
    "attempt": lambda row: row.attempt.number,
    "provider": lambda row: row.attempt.provider,
    "model": lambda row: row.attempt.model,
    "day": lambda row: f"{row.attempt.at:%Y-%m-%d}",
    "task_id": lambda row: row.attempt.task_id,
    "verdict": lambda row: row.attempt.status.value,
    "maybe_charged": lambda row: "yes" if row.is_open else "",
    "counted_usd": lambda row: _plain(row.attempt.settled_usd),
    "billed_usd": lambda row: _plain(row.billed_usd),
    "difference_usd": lambda row: _plain(row.difference_usd),
    "source": lambda row: row.source.value,
}
"""The columns of actuals.csv, in order."""


def show(actuals: Actuals, file: Path, *, as_json_text: bool) -> None:
    """Write actuals.csv, and print the table, or JSON alone. Raises OSError."""
    write_table(file, COLUMNS, actuals.rows)
    if as_json_text:
        click.echo(json.dumps(as_json(actuals), indent=1))
        return
    console = console_for_people()
    console.print(_attempts(actuals.rows))
    console.print(_groups("model", by_model(actuals.rows)))
    console.print(_groups("day", by_day(actuals.rows)))
    for line in (*actuals.counted, *actuals.notes):
        click.echo(line)
    click.echo(str(file))


def _attempts(rows: Iterable[BilledAttempt]) -> Table:
    table = Table("job", "model", "task", "verdict", "counted", "billed", "difference", "from")
    for row in rows:
        attempt = row.attempt
        cells = (_usd(attempt.settled_usd), _usd(row.billed_usd), _signed(row.difference_usd), row.source.value)
        verdict = f"{attempt.status.value}?" if row.is_open else attempt.status.value
        table.add_row(attempt.job, attempt.model, attempt.task_id[:24], verdict, *cells)
    return table


def _groups(name: str, groups: Iterable[Difference]) -> Table:
    table = Table(name, "attempts", "without a bill", "counted", "billed", "difference")
    for group in groups:
        sums = (_usd(group.counted_usd), _usd(group.billed_usd), _signed(group.difference_usd))
        table.add_row(group.name, str(group.attempts), str(group.unbilled or ""), *sums)
    return table


def _usd(usd: Decimal | None) -> str:
    return "" if usd is None else f"${usd:.4f}"


def _signed(usd: Decimal | None) -> str:
    return "" if usd is None else f"{usd:+.4f}"


def _plain(usd: Decimal | None) -> str:
    return "" if usd is None else f"{usd:f}"
