"""The plan for people: what is bought, an example of each clip entry, and why; lines fit 80 columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batchvid.catalog.price_age import age_days
from batchvid.cli.console import console_for_people, price_of, seconds_of, sum_of
from batchvid.clock import utc_now
from batchvid.manifest import EntryCounts, Place
from batchvid.manifest.reading.tables import label
from batchvid.planning.addresses import describe_provider
from batchvid.planning.changes import escape_unprintable
from batchvid.planning.plan_types import BUYS, JobPlan, Plan, PlanAction
from batchvid.report.plan_report import job_values

MAX_SHOWN_JOBS = 8  # of one action, without --all
MAX_EXAMPLES = 8  # clip entries with an example
MAX_NAMED_ROWS = 3  # of those that where leaves out
COLUMNS = 80
DAYS_A_MONTH = 30
SHORT = "long texts end with …; batchvid plan --prompts shows every job with its whole prompt"
TEXTS = ("prompt", "negative_prompt")
INPUTS = ("image", "end_image", "reference_images", "request_action", "parent", "video", "audio", "options")
TERMS = ("model", "duration_s", "aspect_ratio", "resolution", "mode", "sound", "price_usd")


def print_plan(plan: Plan, *, show_all: bool) -> None:
    """What would be bought, by model and price; an example of each clip entry; then the jobs with their reasons."""
    console = console_for_people()
    _print_purchases(console, plan)
    for used in plan.providers:
        _print(console, describe_provider(used))
    if plan.caps:
        shown = "; ".join(f"{cap.key} {cap.limit} allows {cap.allowed} of {cap.planned} clips" for cap in plan.caps)
        together = f"; together they allow {plan.allowed}" if len(plan.caps) > 1 else ""
        _print(console, f"caps: {shown}{together}")
    for line in (*plan.cautions, *plan.notices):
        _print(console, line)
    print_notes(plan.notes)
    print_warnings(plan.warnings)
    _print_examples(console, plan)
    for action, count in plan.counts.items():
        jobs = [job for job in plan.jobs if job.action is action]
        _print(console, f"{action}: {count}")
        for job in jobs if show_all else jobs[:MAX_SHOWN_JOBS]:
            warning = f" ({job.warning})" if job.warning else ""
            _print(console, f"  {job.spec.id}: {job.reason}{warning}")
        if not show_all and count > MAX_SHOWN_JOBS:
            _print(console, f"  ... and {count - MAX_SHOWN_JOBS} more (--all shows them)")


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _print_purchases(console: Console, plan: Plan) -> None:
    today = utc_now().date()
    by_model: dict[tuple[str, str], list[JobPlan]] = defaultdict(list)
    for job in plan.to_buy:
        by_model[job.spec.provider, job.spec.request.model].append(job)
    table = Table("provider", "model", "clips", "seconds", "price at most", "how sure", box=None, pad_edge=False)
    for (provider, model), jobs in by_model.items():
        sure = "; ".join(dict.fromkeys(describe_basis(job, today) for job in jobs))
        table.add_row(provider, escape(model), str(len(jobs)), seconds_of(jobs), price_of(jobs), sure)
    if by_model:
        console.print(table)
    total = f", {seconds_of(plan.to_buy)} s" if plan.to_buy else ""
    console.print(f"to buy: {len(plan.to_buy)} clips{total}, {price_of(plan.to_buy)}")
    if all(job.action is PlanAction.REMOVED for job in plan.jobs):
        console.print("nothing to do: the manifest makes no clip")
    if any(job.fallback_prices for job in plan.to_buy):
        worst = [price for job in plan.to_buy for price in (job.price, *job.fallback_prices)]
        console.print(f"if every attempt fails, is charged and switches to every fallback: {sum_of(worst)}")


def describe_basis(job: JobPlan, today: date) -> str:
    """Where a price comes from, with its age in whole months."""
    months = (age_days(job.price_as_of, today) or 0) // DAYS_A_MONTH
    return f"{job.price.basis} ({months} {'month' if months == 1 else 'months'} ago)" if months else job.price.basis


def print_notes(notes: Sequence[str]) -> None:
    """What rules make of the manifest, where the user may not expect it."""
    for note in notes:
        console_for_people().print(f"note: {note}", markup=False, soft_wrap=True)


def print_warnings(warnings: Sequence[str]) -> None:
    """What is odd in the manifest and stops nothing."""
    for warning in warnings:
        _print(console_for_people(), f"warning: {warning}")


def _print_examples(console: Console, plan: Plan) -> None:
    """Of each clip entry its counts, and the first of its jobs that is bought."""
    to_buy: dict[Place, list[JobPlan]] = defaultdict(list)
    for job in plan.to_buy:
        if job.place is not None:
            to_buy[job.place].append(job)
    counts = {entry.place: entry for entry in plan.entries}
    places = [place for place in dict.fromkeys((*counts, *to_buy)) if place in to_buy or counts[place].kind]
    is_cut = False
    for place in places[:MAX_EXAMPLES]:
        jobs, counted = to_buy.get(place, []), counts.get(place)
        for line in _describe_entry(place, counted, len(jobs)):
            _print(console, line)
        lines = [(line, _shortened(line)) for line in describe_job(jobs[0])] if jobs else []
        is_cut = is_cut or any(line != short for line, short in lines)
        for _, short in lines:
            _print(console, short)
    if len(places) > MAX_EXAMPLES:
        _print(console, f"... and {len(places) - MAX_EXAMPLES} more clip entries (--prompts shows every job)")
    if is_cut:
        _print(console, SHORT)


def _describe_entry(place: Place, counted: EntryCounts | None, to_buy: int) -> Iterator[str]:
    """`entry kite: 3 rows read, 2 kept, 1 left out by where; 4 clips to buy, such as`, and the rows left out."""
    parts = []
    if counted is not None and counted.kind:
        left_out = f", {counted.left_out} left out by where" if counted.left_out else ""
        parts.append(f"{counted.rows_read} {counted.kind} read, {counted.kept} kept{left_out}")
    if to_buy:
        parts.append("1 clip to buy" if to_buy == 1 else f"{to_buy} clips to buy, such as")
    numbers = f": {'; '.join(parts)}"
    yield _shortened(f"entry {place.entry or place.file}{numbers}", len(numbers))
    if counted is not None and counted.left_out:
        named = counted.left_out_rows[:MAX_NAMED_ROWS]
        more = f" and {counted.left_out - len(named)} more" if counted.left_out > len(named) else ""
        yield f"  left out: {', '.join(named)}{more}"


def _shortened(line: str, kept_chars: int = 0) -> str:
    """The line cut to 80 columns, with … at the cut; the last `kept_chars` stay whole."""
    if len(line) <= COLUMNS:
        return line
    tail = line[len(line) - kept_chars :] if kept_chars else ""
    return line if len(tail) > COLUMNS // 2 else f"{line[: COLUMNS - 1 - len(tail)]}…{tail}"


def print_prompts(plan: Plan) -> None:
    """Every job of the manifest with its whole prompt and everything else that is bought; then what is odd in it."""
    for job in plan.jobs:
        if job.action is not PlanAction.REMOVED:
            for line in describe_job(job, is_long=True):
                click.echo(escape_unprintable(line))
    for entry in plan.entries:
        if entry.left_out:
            for line in _describe_entry(entry.place, entry, 0):
                click.echo(line)
    print_notes(plan.notes)
    print_warnings(plan.warnings)
    click.echo(f"to buy: {len(plan.to_buy)} clips, {price_of(plan.to_buy)}")


def describe_job(job: JobPlan, *, is_long: bool = False) -> Iterator[str]:
    """The lines of one job: its id and terms, then its texts and inputs."""
    values = job_values(job)
    action = f" ({job.action})" if is_long or job.action not in BUYS else ""
    yield f"  {job.spec.id}{action}: {', '.join(_terms(job, values))}"
    for name in TEXTS:
        if values[name]:
            yield f"    {name}: {escape_unprintable(values[name])}"
    for name in INPUTS:
        if value := values[name]:
            yield f"    {name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
    if is_long and job.row is not None:
        yield f"    row: {label(job.row.file, job.row)}"
    if is_long and job.warning:
        yield f"    warning: {job.warning}"


def _terms(job: JobPlan, values: dict[str, Any]) -> Iterator[str]:
    yield values["model"]
    if values["duration_s"] is not None:
        yield f"{values['duration_s']:g} s"
    yield from filter(None, (values["aspect_ratio"], values["resolution"], values["mode"]))
    if values["sound"] is not None:
        yield "with sound" if values["sound"] else "without sound"
    if job.action in BUYS:
        yield price_of([job])
