"""Targets of commands: a batch's manifest, folder, state file or name; and the options that commands share."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.cli.shell_completion import complete_directory, complete_job
from batchvid.errors import ManifestError, UsageError
from batchvid.paths import shown
from batchvid.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from batchvid.commands import Batch

out_option = click.option(
    "--out",
    envvar="BATCHVID_OUT",
    shell_complete=complete_directory,
    help="Directory that holds all batches; default: outputs beside the manifest, or as batchvid.toml sets.",
)
new_batch_option = click.option(
    "--new-batch", is_flag=True, help="Begin a second batch, although the manifest was run into another folder."
)
set_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key (budget.usd=10) or a variable.",
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    shell_complete=complete_job,
    help="Only jobs whose id fits, or tag:NAME.",
)
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
listen_option = click.option(
    "--listen", metavar="HOST:PORT", help="Listen here for vendors that call when a task ends; needs --public-url."
)
public_url_option = click.option(
    "--public-url", metavar="URL", help="The https:// address under which vendors reach --listen, such as a tunnel's."
)
try_now_option = click.option(
    "--try-now", is_flag=True, help="Submit even before the time that a provider requested (a daily quota)."
)
many_option = click.option("--many", is_flag=True, help="Allow a manifest that makes more than 1,000,000 clips.")
strict_option = click.option("--strict", is_flag=True, help="Exit with 2 if the manifest has warnings.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Log every step, not only final results.")


def load(
    target: str,
    out: str | None,
    sets: tuple[str, ...] = (),
    selection: Selection = EVERYTHING,
    *,
    many: bool = False,
    strict: bool = False,
    new_batch: bool = False,
) -> Batch:
    """The same as `open_batch`, already expanded. Raises ManifestError; if `strict`, also for warnings."""
    batch = open_batch(target, out, sets, selection, many=many, new_batch=new_batch)
    refuse_warnings(batch, strict=strict)
    return batch


def refuse_warnings(batch: Batch, *, strict: bool) -> None:
    """Expand the manifest. Raises ManifestError with every problem, and if `strict` with every warning."""
    warnings = batch.manifest.warnings
    if strict and warnings:
        raise ManifestError(warnings)


def open_batch(
    target: str,
    out: str | None,
    sets: tuple[str, ...] = (),
    selection: Selection = EVERYTHING,
    *,
    many: bool = False,
    new_batch: bool = False,
) -> Batch:
    """The batch of a manifest, or the one that was run into a folder, with the options of that run."""
    from batchvid.commands.batch_lookup import open_target

    batch = open_target(target, out=out, sets=sets, selection=selection, many=many, new_batch=new_batch)
    return replace(batch, folder=shown(batch.folder))


def folder_of(target: str | None, out: str | None) -> Path:
    """The batch's folder. For a manifest that cannot be read, or was run elsewhere, the folder that it was run into.

    Without a target it is the only batch below the directory of all batches; raises UsageError when there is none, or
    more than one.
    """
    from batchvid.commands.batch_lookup import find_batch, is_manifest, only_batch

    if target is None:
        return shown(only_batch(out=out))
    if not is_manifest(target):
        return shown(find_batch(target, out=out))
    try:
        batch = open_batch(target, out)
    except ManifestError:
        if (folder := run_into(target, out)) is None:
            raise
        return folder
    if batch.state_path.exists():
        return batch.folder
    return run_into(target, out, batch.name) or batch.folder


def run_into(manifest: str, out: str | None, name: str | None = None) -> Path | None:
    """The folder that this manifest was run into. The manifest may be broken or missing.

    Raises UsageError when there are several.
    """
    from batchvid.commands.batch_lookup import describe_choice, find_by_manifest

    found = find_by_manifest(Path(manifest), out=out, name=name)
    if len(found) > 1:
        raise UsageError(describe_choice(manifest, found))
    return shown(found[0]) if found else None
