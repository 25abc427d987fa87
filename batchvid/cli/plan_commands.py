"""`plan` and `validate`: the commands that check a manifest and change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.atomic_file import write_atomic
from batchvid.cli.shell_completion import complete_target
from batchvid.cli.targets import (
    limit_option,
    load,
    many_option,
    max_clips_option,
    max_usd_option,
    new_batch_option,
    only_option,
    open_batch,
    out_option,
    regenerate_option,
    retired_option,
    sample_option,
    set_option,
    strict_option,
)
from batchvid.paths import quoted
from batchvid.selection import Selection

if TYPE_CHECKING:
    from decimal import Decimal

PLAN_TABLE = "\ufefffile,sheet,row,line,".encode()
PLAN_FILE = b'{\n "format": "batchvid plan"'
"""How the files of an earlier plan begin."""


@click.command()
@click.argument("target", shell_complete=complete_target)
@click.option("--all", "show_all", is_flag=True, help="Show every job, not only the first ones of each kind.")
@click.option("--prompts", is_flag=True, help="Show every job with its whole prompt and all that is bought.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write one row per job for a spreadsheet; - for the standard output.",
)
@click.option(
    "--save-plan",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the plan; run --plan FILE buys exactly that.",
)
@regenerate_option
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
def plan(
    target: str,
    show_all: bool,
    prompts: bool,
    as_json: bool,
    csv_file: str | None,
    save_plan: str | None,
    regenerate: tuple[str, ...],
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
) -> None:
    """Show what a run would do, why, and the price.

    TARGET is a manifest, or the name or folder of a batch. It is checked, expanded and compared with earlier runs.
    Nothing is sent and no key is needed.
    """
    from batchvid import commands
    from batchvid.cli.plan_output import print_plan, print_prompts
    from batchvid.report.plan_report import plan_facts, plan_table
    from batchvid.runner import SpendingLimits

    if prompts + as_json + (csv_file == "-") > 1:
        raise click.UsageError("--prompts, --json and --csv - print each on their own: give one of them")
    if save_plan is not None and (max_usd is not None or max_clips is not None):
        raise click.UsageError("--save-plan keeps no --max-usd or --max-clips: give them to run --plan")
    _refuse_to_overwrite(csv_file, PLAN_TABLE)
    _refuse_to_overwrite(save_plan, PLAN_FILE)
    batch = load(target, out, sets, Selection(only, sample, limit), many=many, strict=strict, new_batch=new_batch)
    planned = commands.plan(
        batch,
        regenerate=regenerate,
        allow_retired=allow_retired,
        limits=SpendingLimits(usd=max_usd, clips=max_clips),
    )
    if save_plan is not None:
        commands.save_plan(Path(save_plan), batch, planned, allow_retired=allow_retired)
        click.echo(f"saved: batchvid run --plan {quoted(save_plan)} buys exactly this", err=True)
    if csv_file == "-":
        click.echo(plan_table(planned), nl=False)
        for warning in planned.warnings:
            click.echo(f"warning: {warning}", err=True)
        return
    if csv_file is not None:
        write_atomic(Path(csv_file), plan_table(planned))
    if as_json:
        click.echo(json.dumps(plan_facts(planned, batch=batch.name, folder=str(batch.folder)), indent=1))
    elif prompts:
        print_prompts(planned)
    else:
        print_plan(planned, show_all=show_all)


def _refuse_to_overwrite(file: str | None, start: bytes) -> None:
    """Raise UsageError for a file that exists and is no earlier plan: it may be the user's sheet or manifest."""
    if file in (None, "-"):
        return
    try:
        with Path(file).open("rb") as existing:
            begins = existing.read(len(start))
    except OSError:
        return
    if begins not in (b"", start):
        raise click.UsageError(f"{file} exists and is no plan: it is not overwritten, choose another name")


@click.command()
@click.argument("target", shell_complete=complete_target)
@out_option
@set_option
@retired_option
@many_option
@strict_option
def validate(
    target: str, out: str | None, sets: tuple[str, ...], allow_retired: bool, many: bool, strict: bool
) -> None:
    """Check the manifest, every job as if nothing was bought yet.

    Every problem is shown with its file and line; the exit code is 2 if there is one. TARGET is a manifest, or the name
    or folder of a batch.
    """
    from batchvid import commands
    from batchvid.cli.plan_output import print_notes, print_warnings
    from batchvid.errors import ManifestError

    batch = open_batch(target, out, sets, many=many)
    checked = commands.validate(batch, allow_retired=allow_retired)
    if strict and checked.warnings:
        raise ManifestError(checked.warnings)
    print_notes(checked.notes)
    print_warnings(checked.warnings)
    click.echo(f"{target}: {len(checked.jobs)} clips, no problem")
