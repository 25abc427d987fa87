"""`report --actuals`: what the vendors charged in the end, compared with what the attempts count as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.commands.event_loop import run_coroutine
from batchvid.commands.execution import known_providers
from batchvid.commands.recovery import recover_jobs
from batchvid.domain.attempts import Attempt
from batchvid.domain.bills import BilledAttempt, BillEntry, compare, costs_above, describe
from batchvid.domain.origins import same_origin
from batchvid.errors import StateLocked, UsageError, WireError
from batchvid.net.account_client import fetch_bill
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.redaction import redact
from batchvid.state.readers import read_attempts, read_meta
from batchvid.state.state_file import StateFile, record_offline

WINDOW = timedelta(hours=1)  # around the attempts: clocks differ, and a refund may come later than the end
LATEST = timedelta(days=7)  # after the last attempt: no refund is looked for later


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuals:
    """Every attempt with its bill; `notes` say what could not be read, `counted` what counts from now on."""

    rows: list[BilledAttempt]
    notes: list[str]
    counted: list[str]


def read_actuals(folder: Path) -> Actuals:
    """Read the bills of a batch's providers, and count what they charge above what was counted.

    Sends a few free requests. Raises StateError when the batch cannot be read.
    """
    paths = BatchPaths(folder)
    meta = read_meta(paths.state)
    providers = known_providers(meta)
    keys = Credentials(Path(meta["manifest"]).parent if "manifest" in meta else None)
    attempts = list(read_attempts(paths.state))
    entries: list[BillEntry] = []
    notes: list[str] = []
    for name, rows in _by_provider(attempts).items():
        entries += _bill_of(providers.get(name), name, rows, keys, notes)
    billed = compare(attempts, entries)
    return Actuals(rows=billed, notes=notes, counted=_count(paths, billed, notes))


def _by_provider(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for row in attempts:
        if row.counts or row.task_id:
            found.setdefault(row.provider, []).append(row)
    return found


def _bill_of(
    provider: Provider | None, name: str, rows: list[Attempt], keys: Credentials, notes: list[str]
) -> list[BillEntry]:
    """The bill of one provider. What is missing is a note: the other providers are read all the same."""
    own = [row for row in rows if provider is not None and row.task_id and same_origin(row.origin, provider.base_url)]
    if provider is None or provider.account is None:
        notes.append(f"{name}: no account is configured: only costs in its replies are shown")
        return []
    if not own:
        notes.append(f"{name}: no attempt has a task id that could be on its bill")
        return []
    since, until = min(row.at for row in own) - WINDOW, min(utc_now(), max(row.at for row in own) + LATEST) + WINDOW
    try:
        access = keys.account_of(provider)
        ids = {row.task_id for row in own}
        return run_coroutine(fetch_bill(provider, access, since=since, until=until, task_ids=ids))
    except (UsageError, WireError) as exc:
        notes.append(f"{name}: its bill could not be read: {redact(str(exc))}")
        return []


def _count(paths: BatchPaths, rows: list[BilledAttempt], notes: list[str]) -> list[str]:
    """Record what was charged above what was counted; return the lines for people."""
    now = utc_now()
    if not costs_above(rows, now):
        return []
    try:
        state = StateFile(paths.state)
    except StateLocked:
        notes.append("a run of this batch is going on: higher costs count once this command is repeated after it")
        return []
    with state:
        jobs = recover_jobs(state)
        fresh = compare(read_attempts(state.path), _entries(rows))
        events = costs_above(fresh, now)
        record_offline(state, jobs, events)
        moved = {(job, event.attempt) for job, event in events}
        return [describe(row) for row in fresh if (row.attempt.job, row.attempt.number) in moved]


def _entries(rows: Iterable[BilledAttempt]) -> list[BillEntry]:
    """The bill again, by task id, for attempts that are read again."""
    return [
        BillEntry(task_id=row.attempt.task_id, usd=row.billed_usd)
        for row in rows
        if row.source == "bill" and row.billed_usd is not None
    ]


def as_json(actuals: Actuals) -> dict[str, Any]:
    """The differences per job, model and day, as JSON for scripts."""
    from batchvid.domain.bills import by_day, by_model

    groups = {"models": by_model(actuals.rows), "days": by_day(actuals.rows)}
    sums: Mapping[str, Any] = {
        name: [
            {
                "name": group.name,
                "attempts": group.attempts,
                "unbilled": group.unbilled,
                "counted_usd": _text(group.counted_usd),
                "billed_usd": _text(group.billed_usd),
                "difference_usd": _text(group.difference_usd),
            }
            for group in found
        ]
        for name, found in groups.items()
    }
    return {"attempts": list(map(_row, actuals.rows)), **sums, "notes": actuals.notes, "counted": actuals.counted}


def _row(row: BilledAttempt) -> dict[str, Any]:
    attempt = row.attempt
    return {
        "job": attempt.job,
        "attempt": attempt.number,
        "provider": attempt.provider,
        "model": attempt.model,
        "day": _day(attempt.at),
        "task_id": attempt.task_id,
        "verdict": attempt.status.value,
        "maybe_charged": row.is_open,
        "counted_usd": _text(attempt.settled_usd),
        "billed_usd": _text(row.billed_usd),
        "difference_usd": _text(row.difference_usd),
        "source": row.source.value,
    }


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"
