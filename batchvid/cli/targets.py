"""Targets of commands: a batch's manifest, folder, state file or name; and the options that commands share."""

from __future__ import annotations

import stat
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from batchvid.errors import ManifestError, UsageError
from batchvid.paths import STATE_NAME, BatchPaths, find_batches
from batchvid.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from batchvid.commands import Batch

out_option = click.option(
    "--out", default="outputs", show_default=True, envvar="BATCHVID_OUT", help="Directory that holds all batches."
)
set_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key (budget.usd=10) or a variable.",
)
only_option = click.option("--only", multiple=True, metavar="PATTERN", help="Only jobs whose id fits, or tag:NAME.")
sample_option = click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Only the first N clips of each clip entry."
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the first N clips in all. (--max-clips caps purchases.)",
)

retired_option = click.option(
    "--allow-retired", is_flag=True, help="Try models past their sunset instead of refusing them."
)


def _usd(context: click.Context, parameter: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        usd = Decimal(value)
    except InvalidOperation:
        usd = Decimal(0)
    if not usd.is_finite() or usd <= 0:
        raise click.BadParameter(f"{value} is not an amount of US dollars above 0, such as 2.50", context, parameter)
    return usd


regenerate_option = click.option(
    "--regenerate",
    multiple=True,
    metavar="changed|PATTERN",
    help="Buy stored clips again: changed ones, or by id.",
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would be bought with the same options, and stop. Changes nothing."
)
max_usd_option = click.option(
    "--max-usd", metavar="USD", callback=_usd, help="Spend at most this much in this run. The budget applies too."
)
max_clips_option = click.option(
    "--max-clips", type=click.IntRange(min=1), help="Buy at most this many clips in this run. The budget applies too."
)
no_wait_option = click.option(
    "--no-wait", is_flag=True, help="End rather than wait for slots that uncertain submits hold until their deadline."
)
try_now_option = click.option(
    "--try-now", is_flag=True, help="Submit even before the time that a provider requested (a daily quota)."
)
many_option = click.option("--many", is_flag=True, help="Allow a manifest that makes more than 1,000,000 clips.")
strict_option = click.option("--strict", is_flag=True, help="Exit with 2 if the manifest has warnings.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log every step, not only final results.")


def is_manifest(target: str) -> bool:
    """Whether the target is a manifest rather than a batch's folder, state file or name."""
    if target.endswith((".yaml", ".yml")) or target.startswith("/dev/"):
        return True
    try:
        return stat.S_ISFIFO(Path(target).stat().st_mode)  # a pipe, such as <(command)
    except (OSError, ValueError):
        return False


def load(
    target: str,
    out: str,
    sets: tuple[str, ...] = (),
    selection: Selection = EVERYTHING,
    *,
    many: bool = False,
    strict: bool = False,
) -> Batch:
    """The same as `open_batch`, already expanded. Raises ManifestError; if `strict`, also for warnings."""
    batch = open_batch(target, out, sets, selection, many=many)
    refuse_warnings(batch, strict=strict)
    return batch


def refuse_warnings(batch: Batch, *, strict: bool) -> None:
    """Expand the manifest. Raises ManifestError with every problem, and if `strict` with every warning."""
    warnings = batch.manifest.warnings
    if strict and warnings:
        raise ManifestError(warnings)


def open_batch(
    target: str, out: str, sets: tuple[str, ...] = (), selection: Selection = EVERYTHING, *, many: bool = False
) -> Batch:
    """The batch of a manifest, or the one that was run into a folder, with the options of that run."""
    from batchvid import commands

    if is_manifest(target):
        return commands.open_batch(target, out=out, sets=sets, selection=selection, many=many)
    return commands.reopen(folder_of(target, out), sets=sets, selection=selection, many=many)


def folder_of(target: str | None, out: str) -> Path:
    """The batch's folder. For a manifest that cannot be read, the folder that it was run into.

    Without a target it is the only batch below `out`; raises UsageError when there is none, or more than one.
    """
    if target is None:
        found = [paths.folder for paths in find_batches(Path(out))]
        if len(found) == 1:
            return found[0]
        names = ", ".join(path.name for path in found) or "none yet"
        raise UsageError(f"which batch? below {out}/ there are: {names}")
    if is_manifest(target):
        from batchvid import commands

        try:
            return commands.folder_of(target, out=out)
        except ManifestError:
            if (folder := came_from(target, out)) is None:
                raise
            return folder
    path = Path(target)
    for folder in (path.parent if path.name == STATE_NAME else path, Path(out) / target):
        if BatchPaths(folder).state.is_file():
            return folder
    raise UsageError(f"{target}: neither a manifest (*.yaml) nor a batch that was run below {out}/")


def came_from(manifest: str, out: str) -> Path | None:
    """The only batch below `out` that this manifest was run into. The manifest may be broken or missing."""
    from batchvid.errors import StateError
    from batchvid.state.readers import read_meta

    found, source = [], str(Path(manifest).absolute())
    for paths in find_batches(Path(out)):
        with suppress(StateError):
            found += [paths.folder] if read_meta(paths.state).get("manifest") == source else []
    return found[0] if len(found) == 1 else None


def complete_job(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Job ids for the shell, from the state file."""
    from batchvid.errors import BatchvidError
    from batchvid.state.readers import read_jobs

    try:
        folder = folder_of(context.params.get("batch"), context.params.get("out") or "outputs")
        jobs = read_jobs(BatchPaths(folder).state)
    except BatchvidError:
        return []
    return [CompletionItem(job.id, help=str(job.state)) for job in jobs if job.id.startswith(incomplete)]
