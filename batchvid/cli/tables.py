"""Tables for people: the plan and the status."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batchvid.domain.attempts import AttemptStatus, Sum
from batchvid.domain.job_spec import Price
from batchvid.domain.jobs import IN_FLIGHT, Job, JobState
from batchvid.planning.addresses import describe_provider
from batchvid.planning.plan import JobPlan, Plan
from batchvid.report import ledger_line
from batchvid.report.uncertain_jobs import UNCERTAIN_COLUMNS

MAX_SHOWN_JOBS = 8  # of one action, without --all
PIPE_COLUMNS = 400  # wider than any table: one line per row for scripts


def console_for_people() -> Console:
    """The console for tables; lines are not folded in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)


def print_plan(plan: Plan, *, show_all: bool) -> None:
    """What would be bought, by model and price; then the jobs with their reasons."""
    console = console_for_people()
    by_model: dict[tuple[str, str], list[JobPlan]] = defaultdict(list)
    for job in plan.to_buy:
        by_model[job.spec.provider, job.spec.request.model].append(job)
    table = Table("provider", "model", "clips", "seconds", "price at most", "how sure", box=None, pad_edge=False)
    for (provider, model), jobs in by_model.items():
        sure = "; ".join(dict.fromkeys(job.price.basis for job in jobs))
        table.add_row(provider, escape(model), str(len(jobs)), seconds_of(jobs), price_of(jobs), sure)
    if by_model:
        console.print(table)
    total = f", {seconds_of(plan.to_buy)} s" if plan.to_buy else ""
    console.print(f"to buy: {len(plan.to_buy)} clips{total}, {price_of(plan.to_buy)}")
    if any(job.fallback_prices for job in plan.to_buy):
        worst = [price for job in plan.to_buy for price in (job.price, *job.fallback_prices)]
        console.print(f"if every attempt fails, is charged and switches to every fallback: {sum_of(worst)}")
    for used in plan.providers:
        console.print(describe_provider(used), markup=False, soft_wrap=True)
    for caution in plan.cautions:
        console.print(caution, markup=False, soft_wrap=True)
    print_warnings(plan.warnings)
    for action, count in plan.counts.items():
        jobs = [job for job in plan.jobs if job.action is action]
        console.print(f"{action}: {count}")
        for job in jobs if show_all else jobs[:MAX_SHOWN_JOBS]:
            warning = f" ({job.warning})" if job.warning else ""
            console.print(f"  {job.spec.id}: {job.reason}{warning}", markup=False, soft_wrap=True)
        if not show_all and count > MAX_SHOWN_JOBS:
            console.print(f"  ... and {count - MAX_SHOWN_JOBS} more (--all shows them)")


def print_warnings(warnings: Sequence[str]) -> None:
    """What is odd in the manifest and stops nothing."""
    for warning in warnings:
        console_for_people().print(f"warning: {warning}", markup=False, soft_wrap=True)


def seconds_of(jobs: Sequence[JobPlan]) -> str:
    """The billed seconds that are known, and how many clips have an unknown length."""
    known = [job.duration_s for job in jobs if job.duration_s is not None]
    unknown = len(jobs) - len(known)
    total = f"{sum(known):g}" if known else ""
    return " + ".join(filter(None, (total, f"{unknown} x unknown" if unknown else "")))


def price_of(jobs: Sequence[JobPlan | Job]) -> str:
    """The maximum price of these jobs."""
    return sum_of([job.price for job in jobs])


def sum_of(prices: Sequence[Price]) -> str:
    """The sum of the known prices, and how many are unknown."""
    known = [price.usd for price in prices if price.usd is not None]
    unknown = len(prices) - len(known)
    total = f"${sum(known, Decimal(0)):.2f}" if known or not unknown else ""
    return " + ".join(filter(None, (total, f"{unknown} x unknown" if unknown else "")))


def status_facts(jobs: Sequence[Job], holder: str, ledger: Mapping[AttemptStatus, Sum]) -> dict[str, Any]:
    """The status of the batch and the use of its money, as plain values."""
    counts = Counter(job.state for job in jobs)
    return {
        "running_as": holder,
        "jobs": len(jobs),
        "states": {state.value: counts[state] for state in JobState},
        "rehearsals": sum(job.is_rehearsal or job.rehearsed_clip for job in jobs),
        "in_flight": sum(counts[state] for state in IN_FLIGHT),
        "committed_usd": str(sum((job.committed_usd for job in jobs), Decimal(0))),
        "unpriced_attempts": sum(job.unpriced_attempts for job in jobs),
        "ledger": {
            status.value: {"attempts": total.attempts, "usd": str(total.usd), "unpriced": total.unpriced}
            for status, total in ledger.items()
        },
        "uncertain": [
            {name: read(job) for name, read in UNCERTAIN_COLUMNS.items()}
            for job in jobs
            if job.state is JobState.UNCERTAIN
        ],
        "failed": [
            {"job": job.id, "kind": job.kind, "message": job.message, "task_id": job.task_id}
            for job in jobs
            if job.state is JobState.FAILED
        ],
    }


def print_waiting(jobs: Sequence[Job]) -> None:
    """The uncertain jobs, with everything that identifies them in a vendor's console."""
    if not jobs:
        click.echo("no job is uncertain")
    for job in jobs:
        _print_one({name: read(job) for name, read in UNCERTAIN_COLUMNS.items()})


def _print_one(job: Mapping[str, str]) -> None:
    ids = (
        f"our id {job['external_id']}" if job["external_id"] else "",
        f"request id {job['request_id']}" if job["request_id"] else "",
    )
    lines = (
        f"uncertain: {job['job']} ({job['provider']} {job['model']}, sent {job['sent_at']}): {job['message']}",
        f"  prompt: {job['prompt']}",
        f"  {', '.join(filter(None, ids))}" if any(ids) else "",
        f"  {job['looked_up']}" if job["looked_up"] else "",
        f"  tasks there that no job owns: {job['candidates']}" if job["candidates"] else "",
        f"  resolve it: batchvid resolve {job['job']} --task-id ID | --abandon",
    )
    console_for_people().print("\n".join(filter(None, lines)), markup=False, soft_wrap=True)


def print_status(folder: Path, facts: dict[str, Any], ledger: Mapping[AttemptStatus, Sum]) -> None:
    """The status of a batch. Uncertain jobs come first: they need a decision."""
    console = console_for_people()
    console.print(f"{folder}: {facts['jobs']} jobs; {facts['running_as'] or 'no run is active'}", markup=False)
    for job in facts["uncertain"]:
        _print_one(job)
    if facts["states"]["submitting"] and not facts["running_as"]:
        console.print("the last run ended during paid calls: the next run shows those jobs as uncertain")
    states = ", ".join(f"{count} {state}" for state, count in facts["states"].items() if count)
    unknown = f" + {facts['unpriced_attempts']} of unknown price" if facts["unpriced_attempts"] else ""
    console.print(f"{states or 'nothing planned'}; ${Decimal(facts['committed_usd']):.2f} committed{unknown}")
    if facts["rehearsals"]:
        console.print(f"{facts['rehearsals']} of these jobs are a rehearsal: the emulator made what they have")
    if totals := ledger_line(ledger):
        console.print(f"of these: {totals}", markup=False)
    for job in facts["failed"][:MAX_SHOWN_JOBS]:
        console.print(f"failed: {job['job']} ({job['kind']}): {job['message']}", markup=False, soft_wrap=True)
    if len(facts["failed"]) > MAX_SHOWN_JOBS:
        console.print(f"... and {len(facts['failed']) - MAX_SHOWN_JOBS} more in the report")
