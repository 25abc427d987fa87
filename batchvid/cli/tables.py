"""Still tables for people: the plan, the status, the models. Counting is done elsewhere; this only lays it out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batchvid import catalog
from batchvid.jobs import IN_FLIGHT, Job, JobState
from batchvid.planning import JobPlan, Plan

SHOWN = 8  # jobs of a verdict, unless all are asked for


def _console() -> Console:
    # in a file or a pipe nothing is gained by folding lines at 80 columns
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def print_plan(plan: Plan, *, show_all: bool) -> None:
    """What would be bought and for how much, by model; then the jobs with their reasons."""
    console = _console()
    by_model: dict[tuple[str, str], list[JobPlan]] = defaultdict(list)
    for job in plan.to_buy:
        by_model[job.spec.provider, job.spec.model].append(job)
    table = Table("provider", "model", "clips", "seconds", "price at most", "how sure", box=None, pad_edge=False)
    for (provider, model), jobs in by_model.items():
        seconds = sum(job.duration_s or 0 for job in jobs)
        table.add_row(provider, escape(model), str(len(jobs)), f"{seconds:g}", price_of(jobs), jobs[0].price.basis)
    if by_model:
        console.print(table)
    console.print(f"to buy: {len(plan.to_buy)} clips, {price_of(plan.to_buy)}")
    for verdict, count in plan.counts.items():
        jobs = [job for job in plan.jobs if job.verdict is verdict]
        console.print(f"{verdict}: {count}")
        for job in jobs if show_all else jobs[:SHOWN]:
            warning = f" ({job.warning})" if job.warning else ""
            console.print(f"  {job.spec.id}: {job.reason}{warning}", markup=False, soft_wrap=True)
        if not show_all and count > SHOWN:
            console.print(f"  ... and {count - SHOWN} more (--all shows them)")


def price_of(jobs: Sequence[JobPlan]) -> str:
    """The sum of what is known, and how many are not."""
    known = [job.price.usd for job in jobs if job.price.usd is not None]
    unknown = len(jobs) - len(known)
    said = f"${sum(known, Decimal(0)):.2f}" if known or not unknown else ""
    return " + ".join(filter(None, (said, f"{unknown} x unknown" if unknown else "")))


def status_facts(jobs: Sequence[Job], holder: str) -> dict[str, Any]:
    """Where the batch stands, as plain values."""
    counts = Counter(job.state for job in jobs)
    return {
        "running_as": holder,
        "jobs": len(jobs),
        "states": {state.value: counts[state] for state in JobState},
        "in_flight": sum(counts[state] for state in IN_FLIGHT),
        "committed_usd": str(sum((job.committed_usd for job in jobs), Decimal(0))),
        "unpriced_attempts": sum(job.unpriced_attempts for job in jobs),
        "uncertain": [_uncertain(job) for job in jobs if job.state is JobState.UNCERTAIN],
        "failed": [
            {"job": job.id, "kind": job.kind, "message": job.message, "task_id": job.task_id}
            for job in jobs
            if job.state is JobState.FAILED
        ],
    }


def _uncertain(job: Job) -> dict[str, Any]:
    sent_at = job.submitted_at.isoformat(timespec="seconds") if job.submitted_at else ""
    return {
        "job": job.id,
        "provider": job.spec.provider,
        "model": job.spec.model,
        "sent_at": sent_at,
        "external_id": job.external_id,
        "prompt": job.spec.prompt[:80],
        "message": job.message,
    }


def print_status(folder: Path, facts: dict[str, Any]) -> None:
    """Uncertain jobs first: they wait for a person."""
    console = _console()
    console.print(f"{folder}: {facts['jobs']} jobs; {facts['running_as'] or 'no run is at work'}", markup=False)
    for job in facts["uncertain"]:
        console.print(
            f"uncertain: {job['job']} ({job['provider']} {job['model']}, sent {job['sent_at']}): {job['message']}\n"
            f"  prompt: {job['prompt']}\n  settle it: batchvid resolve {job['job']} --task-id ID | --abandon",
            markup=False,
            soft_wrap=True,
        )
    if facts["states"]["submitting"] and not facts["running_as"]:
        console.print("the last run ended during paid calls: the next one shows those jobs as uncertain")
    states = ", ".join(f"{count} {state}" for state, count in facts["states"].items() if count)
    unknown = f" + {facts['unpriced_attempts']} of unknown price" if facts["unpriced_attempts"] else ""
    console.print(f"{states or 'nothing planned'}; ${Decimal(facts['committed_usd']):.2f} committed{unknown}")
    for job in facts["failed"][:SHOWN]:
        console.print(f"failed: {job['job']} ({job['kind']}): {job['message']}", markup=False, soft_wrap=True)
    if len(facts["failed"]) > SHOWN:
        console.print(f"... and {len(facts['failed']) - SHOWN} more in the report")


def print_models() -> None:
    """The catalogue."""
    console = _console()
    table = Table("model", "wire format", "seconds", "ratios", "images", "price", "as of", box=None, pad_edge=False)
    for name in catalog.model_names():
        model = catalog.find_model(name)
        images = ", ".join(f"{count} {role}" for role, count in (model.images or {}).items())
        table.add_row(
            name,
            model.dialect,
            " ".join(f"{step:g}" for step in model.durations_s),
            " ".join(model.aspect_ratios),
            f"{images}{' (needed)' if model.image_required else ''}",
            _price_words(model),
            model.price.as_of if model.price else "",
        )
    console.print(table)


def _price_words(model: catalog.Model) -> str:
    price = model.price
    if price is None:
        return "unknown"
    if price.usd_per_clip is None:
        return f"${price.usd_per_s}/s"
    low = f"${price.lowest_usd_per_clip}-" if price.lowest_usd_per_clip is not None else "$"
    return f"{low}{price.usd_per_clip}/clip"
