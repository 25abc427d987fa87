"""`run` and `retry`: the commands that buy."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from batchvid.cli.shell_completion import complete_kind, complete_target
from batchvid.cli.targets import (
    dry_run_option,
    folder_of,
    limit_option,
    listen_option,
    load,
    many_option,
    max_clips_option,
    max_usd_option,
    new_batch_option,
    no_wait_option,
    only_option,
    open_batch,
    out_option,
    public_url_option,
    refuse_warnings,
    regenerate_option,
    retired_option,
    run_into,
    sample_option,
    set_option,
    strict_option,
    try_now_option,
    verbose_option,
)
from batchvid.paths import BatchPaths, quoted, shown
from batchvid.selection import Selection

if TYPE_CHECKING:
    from decimal import Decimal

    from batchvid.runner import Outcome


@click.command()
@click.argument("target", required=False, shell_complete=complete_target)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Buy exactly what plan --save-plan saved; without TARGET.",
)
@dry_run_option
@regenerate_option
@click.option("--collect-only", is_flag=True, help="Buy nothing; poll and download what is already paid for.")
@out_option
@set_option
@only_option
@sample_option
@limit_option
@retired_option
@many_option
@strict_option
@new_batch_option
@max_usd_option
@max_clips_option
@no_wait_option
@try_now_option
@listen_option
@public_url_option
@verbose_option
def run(
    target: str | None,
    plan_file: str | None,
    dry_run: bool,
    regenerate: tuple[str, ...],
    collect_only: bool,
    out: str | None,
    sets: tuple[str, ...],
    only: tuple[str, ...],
    sample: int | None,
    limit: int | None,
    allow_retired: bool,
    many: bool,
    strict: bool,
    new_batch: bool,
    max_usd: Decimal | None,
    max_clips: int | None,
    no_wait: bool,
    try_now: bool,
    listen: str | None,
    public_url: str | None,
    verbose: bool,
) -> None:
    """Buy the clips, collect them, write the report.

    Run again to resume. TARGET is a manifest, or the name or folder of a batch that was run before. Stored clips are
    never bought again without --regenerate. With --plan a saved plan is bought, even if the manifest changed since; the
    exit code is 2 if a price rose, or a picture or the address of a provider changed. The first Ctrl-C lets downloads
    finish, the second exits immediately; neither loses anything.
    """
    from batchvid import commands
    from batchvid.cli.plan_output import print_plan
    from batchvid.commands.batch_lookup import is_manifest
    from batchvid.display.progress import progress_for
    from batchvid.errors import ManifestError
    from batchvid.runner import SpendingLimits
    from batchvid.runner.callbacks.addresses import parse_settings

    limits, callbacks = SpendingLimits(usd=max_usd, clips=max_clips), parse_settings(listen, public_url)
    show = partial(progress_for, verbose=verbose)
    if plan_file is not None:
        context = click.get_current_context()
        _refuse_other_options(context)
        is_given = context.get_parameter_source("out") is ParameterSource.COMMANDLINE
        saved = commands.open_saved(Path(plan_file), out=out if is_given else None)
        if dry_run:
            print_plan(commands.plan_saved(saved, limits=limits), show_all=False)
            return
        batch, outcome = commands.run_saved(
            saved, limits=limits, wait=not no_wait, try_now=try_now, callbacks=callbacks, display=show
        )
        _end(shown(batch.folder), outcome)
        return
    if target is None:
        raise click.UsageError("Missing argument 'TARGET': a manifest, or the name or folder of a batch.")

    def collect(folder: Path) -> None:
        if dry_run:
            print_plan(commands.plan_collect(folder), show_all=False)
        else:
            _end(folder, commands.collect(folder, callbacks=callbacks, display=show))

    if collect_only and not is_manifest(target):  # needs no manifest: it may be broken or missing
        collect(folder_of(target, out))
        return
    try:
        batch = open_batch(target, out, sets, Selection(only, sample, limit), many=many, new_batch=new_batch)
        if dry_run or strict:
            refuse_warnings(batch, strict=strict)
    except ManifestError as exc:
        bought_into = run_into(target, out) if collect_only else None
        if bought_into is None:
            raise
        click.echo(f"{exc.problems[0]}: collecting what was bought into {bought_into}", err=True)
        collect(bought_into)
        return
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
        callbacks=callbacks,
        display=show,
    )
    _end(batch.folder, outcome)


WITH_A_PLAN = {
    "plan_file",
    "out",
    "dry_run",
    "max_usd",
    "max_clips",
    "no_wait",
    "try_now",
    "listen",
    "public_url",
    "verbose",
}


def _refuse_other_options(context: click.Context) -> None:
    """Raise UsageError for an option that selects or changes clips: a saved plan is bought as it is."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in WITH_A_PLAN:
            raise click.UsageError(
                f"--plan buys exactly the plan: {'TARGET' if parameter.name == 'target' else parameter.opts[0]} cannot "
                f"be given with it"
            )


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
    metavar="FILE",
    help="An edit-these.csv with changed prompts, as CSV, XLSX or ODS: save them, and buy those jobs and no others.",
)
@click.option("--new-task", is_flag=True, help="Buy a new task even if the old one may still finish.")
@out_option
@set_option
@only_option
@sample_option
@limit_option
@retired_option
@many_option
@strict_option
@max_usd_option
@max_clips_option
@no_wait_option
@try_now_option
@listen_option
@public_url_option
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
    sample: int | None,
    limit: int | None,
    allow_retired: bool,
    many: bool,
    strict: bool,
    max_usd: Decimal | None,
    max_clips: int | None,
    no_wait: bool,
    try_now: bool,
    listen: str | None,
    public_url: str | None,
    verbose: bool,
) -> None:
    """Buy failed jobs again, and only those.

    They are bought as the manifest has them now. TARGET is a manifest, or the name or folder of a batch. A task that
    batchvid gave up on is polled again first: it is paid for and may be finished. A job that a content filter refused
    is not bought again unchanged, unless --kind names it: change its prompt in edit-these.csv and pass that file to
    --edits. Cancelled jobs are bought only with --kind cancelled.
    """
    from batchvid import commands
    from batchvid.cli.plan_output import print_plan
    from batchvid.display.progress import progress_for
    from batchvid.domain.failures import FailureKind
    from batchvid.runner import SpendingLimits
    from batchvid.runner.callbacks.addresses import parse_settings

    unknown = [kind for kind in kinds if kind not in set(FailureKind)]
    if unknown:
        raise click.UsageError(f"unknown kind {unknown[0]!r}; there are {', '.join(FailureKind)}")
    callbacks = parse_settings(listen, public_url)
    batch = load(target, out, sets, Selection(only, sample, limit), many=many, strict=strict)
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
        callbacks=callbacks,
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
    if outcome.price_lines:
        _show("\n".join(("write into batchvid.toml:", *outcome.price_lines)), err=True)
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
