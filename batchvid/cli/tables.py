"""Still tables for people: the plan, the status. Counting is done elsewhere; this only lays it out."""

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
from batchvid.planning.plan import JobPlan, Plan
from batchvid.report import ledger_line
from batchvid.report.uncertain_jobs import UNCERTAIN_COLUMNS

SHOWN = 8  # jobs of a verdict, unless all are asked for
PIPE_COLUMNS = 400  # wider than any table: a script wants one line a row


def console_for_people() -> Console:
    """Where tables go; in a file or a pipe nothing is gained by folding lines at 80 columns."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)


def print_plan(plan: Plan, *, show_all: bool) -> None:
    """What would be bought and for how much, by model; then the jobs with their reasons."""
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
    in_all = f", {seconds_of(plan.to_buy)} s" if plan.to_buy else ""
    console.print(f"to buy: {len(plan.to_buy)} clips{in_all}, {price_of(plan.to_buy)}")
    if any(job.fallback_prices for job in plan.to_buy):
        worst = [price for job in plan.to_buy for price in (job.price, *job.fallback_prices)]
        console.print(f"if all of them were paid for in vain and turned to every fallback: {sum_of(worst)}")
    for caution in plan.cautions:
        console.print(caution, markup=False, soft_wrap=True)
    for verdict, count in plan.counts.items():
        jobs = [job for job in plan.jobs if job.verdict is verdict]
        console.print(f"{verdict}: {count}")
        for job in jobs if show_all else jobs[:SHOWN]:
            warning = f" ({job.warning})" if job.warning else ""
            console.print(f"  {job.spec.id}: {job.reason}{warning}", markup=False, soft_wrap=True)
        if not show_all and count > SHOWN:
            console.print(f"  ... and {count - SHOWN} more (--all shows them)")


def seconds_of(jobs: Sequence[JobPlan]) -> str:
    """The billed seconds as far as they are known, and of how many clips they are not."""
    known = [job.duration_s for job in jobs if job.duration_s is not None]
    unknown = len(jobs) - len(known)
    said = f"{sum(known):g}" if known else ""
    return " + ".join(filter(None, (said, f"{unknown} x unknown" if unknown else "")))


def price_of(jobs: Sequence[JobPlan | Job]) -> str:
    """What these jobs come to at most."""
    return sum_of([job.price for job in jobs])


def sum_of(prices: Sequence[Price]) -> str:
    """The sum of what is known, and how many are not."""
    known = [price.usd for price in prices if price.usd is not None]
    unknown = len(prices) - len(known)
    said = f"${sum(known, Decimal(0)):.2f}" if known or not unknown else ""
    return " + ".join(filter(None, (said, f"{unknown} x unknown" if unknown else "")))


def status_facts(jobs: Sequence[Job], holder: str, ledger: Mapping[AttemptStatus, Sum]) -> dict[str, Any]:
    """Where the batch stands, and what became of its money, as plain values."""
    counts = Counter(job.state for job in jobs)
    return {
        "running_as": holder,
        "jobs": len(jobs),
        "states": {state.value: counts[state] for state in JobState},
        "in_flight": sum(counts[state] for state in IN_FLIGHT),
        "committed_usd": str(sum((job.committed_usd for job in jobs), Decimal(0))),
        "unpriced_attempts": sum(job.unpriced_attempts for job in jobs),
        "ledger": {
            verdict.value: {"attempts": total.attempts, "usd": str(total.usd), "unpriced": total.unpriced}
            for verdict, total in ledger.items()
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
    """The jobs that wait for a person, with all that a vendor's console or support may ask for."""
    if not jobs:
        click.echo("nothing waits for a person")
    for job in jobs:
        _print_one({name: read(job) for name, read in UNCERTAIN_COLUMNS.items()})


def _print_one(job: Mapping[str, str]) -> None:
    ids = (f"our id {job['external_id']}", f"request id {job['request_id']}" if job["request_id"] else "")
    lines = (
        f"uncertain: {job['job']} ({job['provider']} {job['model']}, sent {job['sent_at']}): {job['message']}",
        f"  prompt: {job['prompt']}",
        f"  {', '.join(filter(None, ids))}",
        f"  {job['looked_up']}" if job["looked_up"] else "",
        f"  settle it: batchvid resolve {job['job']} --task-id ID | --abandon",
    )
    console_for_people().print("\n".join(filter(None, lines)), markup=False, soft_wrap=True)


def print_status(folder: Path, facts: dict[str, Any], ledger: Mapping[AttemptStatus, Sum]) -> None:
    """Uncertain jobs first: they wait for a person."""
    console = console_for_people()
    console.print(f"{folder}: {facts['jobs']} jobs; {facts['running_as'] or 'no run is at work'}", markup=False)
    for job in facts["uncertain"]:
        _print_one(job)
    if facts["states"]["submitting"] and not facts["running_as"]:
        console.print("the last run ended during paid calls: the next one shows those jobs as uncertain")
    states = ", ".join(f"{count} {state}" for state, count in facts["states"].items() if count)
    unknown = f" + {facts['unpriced_attempts']} of unknown price" if facts["unpriced_attempts"] else ""
    console.print(f"{states or 'nothing planned'}; ${Decimal(facts['committed_usd']):.2f} committed{unknown}")
    if told := ledger_line(ledger):
        console.print(f"of these: {told}", markup=False)
    for job in facts["failed"][:SHOWN]:
        console.print(f"failed: {job['job']} ({job['kind']}): {job['message']}", markup=False, soft_wrap=True)
    if len(facts["failed"]) > SHOWN:
        console.print(f"... and {len(facts['failed']) - SHOWN} more in the report")
