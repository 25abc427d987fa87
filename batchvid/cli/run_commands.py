"""`run` and `retry`: the commands that buy."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.cli.shell_completion import complete_kind, complete_target
from batchvid.cli.targets import (
    dry_run_option,
    folder_of,
    load,
    many_option,
    max_clips_option,
    max_usd_option,
    new_batch_option,
    no_wait_option,
    only_option,
    open_batch,
    out_option,
    refuse_warnings,
    regenerate_option,
    retired_option,
    run_into,
    set_option,
    strict_option,
    try_now_option,
    verbose_option,
)
from batchvid.paths import BatchPaths, quoted

if TYPE_CHECKING:
    from decimal import Decimal

    from batchvid.runner import Outcome


@click.command()
@click.argument("target", shell_complete=complete_target)
@dry_run_option
@regenerate_option
@click.option("--collect-only", is_flag=True, help="Buy nothing; poll and download what is already paid for.")
@out_option
@set_option
@only_option
@retired_option
@many_option
@strict_option
@new_batch_option
@max_usd_option
@max_clips_option
@no_wait_option
@try_now_option
@verbose_option
def run(
    target: str,
    dry_run: bool,
    regenerate: tuple[str, ...],
    collect_only: bool,
    out: str | None,
    sets: tuple[str, ...],
    only: tuple[str, ...],
    allow_retired: bool,
    many: bool,
    strict: bool,
    new_batch: bool,
    max_usd: Decimal | None,
    max_clips: int | None,
    no_wait: bool,
    try_now: bool,
    verbose: bool,
) -> None:
    """Buy the clips, collect them, write the report.

    Run again to resume. TARGET is a manifest, or the name or folder of a batch that was run before. Stored clips are
    never bought again without --regenerate. The first Ctrl-C lets downloads finish, the second exits immediately;
    neither loses anything.
    """
    from batchvid import commands
    from batchvid.cli.tables import print_plan
    from batchvid.commands.batch_lookup import is_manifest
    from batchvid.display.progress import progress_for
    from batchvid.errors import ManifestError
    from batchvid.runner import SpendingLimits

    def collect(folder: Path) -> None:
        if dry_run:
            print_plan(commands.plan_collect(folder), show_all=False)
        else:
            _end(folder, commands.collect(folder, display=partial(progress_for, verbose=verbose)))

    if collect_only and not is_manifest(target):  # needs no manifest: it may be broken or missing
        collect(folder_of(target, out))
        return
    try:
        batch = open_batch(target, out, sets, only, many=many, new_batch=new_batch)
        if dry_run or strict:
            refuse_warnings(batch, strict=strict)
    except ManifestError as exc:
        bought_into = run_into(target, out) if collect_only else None
        if bought_into is None:
            raise
        click.echo(f"{exc.problems[0]}: collecting what was bought into {bought_into}", err=True)
        collect(bought_into)
        return
    limits = SpendingLimits(usd=max_usd, clips=max_clips)
    if dry_run:
        planned = commands.plan(
            batch, regenerate=regenerate, buy=not collect_only, allow_retired=allow_retired, limits=limits
        )
        print_plan(planned, show_all=False)
        return
    outcome = commands.run(
        batch,
        regenerate=regenerate,
        buy=not collect_only,
        allow_retired=allow_retired,
        limits=limits,
        wait=not no_wait,
        try_now=try_now,
        display=partial(progress_for, verbose=verbose),
    )
    _end(batch.folder, outcome)


@click.command()
@click.argument("target", shell_complete=complete_target)
@dry_run_option
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    shell_complete=complete_kind,
    help="Only failures of this kind, such as timeout (repeatable).",
)
@click.option(
    "--edits",
    type=click.Path(exists=True, dir_okay=False),
    metavar="CSV",
    help="An edit-these.csv with changed prompts: save them, and buy those jobs with them.",
)
@click.option("--new-task", is_flag=True, help="Buy a new task even if the old one may still finish.")
@out_option
@set_option
@only_option
@retired_option
@many_option
@strict_option
@max_usd_option
@max_clips_option
@no_wait_option
@try_now_option
@verbose_option
def retry(
    target: str,
    dry_run: bool,
    kinds: tuple[str, ...],
    edits: str | None,
    new_task: bool,
    out: str | None,
    sets: tuple[str, ...],
    only: tuple[str, ...],
    allow_retired: bool,
    many: bool,
    strict: bool,
    max_usd: Decimal | None,
    max_clips: int | None,
    no_wait: bool,
    try_now: bool,
    verbose: bool,
) -> None:
    """Buy failed jobs again, and only those.

    They are bought as the manifest has them now. TARGET is a manifest, or the name or folder of a batch. A task that
    batchvid gave up on is polled again first: it is paid for and may be finished. A job that a content filter refused
    is not bought again unchanged, unless --kind names it: change its prompt in edit-these.csv and pass that file to
    --edits. Cancelled jobs are bought only with --kind cancelled.
    """
    from batchvid import commands
    from batchvid.cli.tables import print_plan
    from batchvid.display.progress import progress_for
    from batchvid.domain.failures import FailureKind
    from batchvid.runner import SpendingLimits

    unknown = [kind for kind in kinds if kind not in set(FailureKind)]
    if unknown:
        raise click.UsageError(f"unknown kind {unknown[0]!r}; there are {', '.join(FailureKind)}")
    batch = load(target, out, sets, only, many=many, strict=strict)
    limits = SpendingLimits(usd=max_usd, clips=max_clips)
    if edits:
        batch = commands.edit(batch, Path(edits), save=not dry_run)
    if dry_run:
        planned = commands.plan_retry(batch, kinds=kinds, new_task=new_task, allow_retired=allow_retired, limits=limits)
        print_plan(planned, show_all=False)
        return
    outcome = commands.retry(
        batch,
        kinds=kinds,
        new_task=new_task,
        allow_retired=allow_retired,
        limits=limits,
        wait=not no_wait,
        try_now=try_now,
        display=partial(progress_for, verbose=verbose),
    )
    _end(batch.folder, outcome)


def _urgent_first(counted: tuple[str, int]) -> tuple[bool, str]:
    return counted[0] != "uncertain", counted[0]


def _end(folder: Path, outcome: Outcome) -> None:
    counts = (
        ", ".join(f"{count} {state}" for state, count in sorted(outcome.counts.items(), key=_urgent_first) if count)
        or "nothing to do"
    )
    _show(f"{counts}; report: {BatchPaths(folder).report}")
    if outcome.reason:
        _show(outcome.reason, err=True)
    if (refused := BatchPaths(folder).edit_these).exists():
        _show(
            f"a content filter refused some jobs: edit {refused}, then batchvid retry {quoted(folder)} --edits "
            f"{quoted(refused)}",
            err=True,
        )
    click.get_current_context().exit(outcome.exit_code)


def _show(text: str, *, err: bool = False) -> None:
    """Show a line. A stream that cannot be written does not change the result."""
    with contextlib.suppress(OSError):
        click.echo(text, err=err)
