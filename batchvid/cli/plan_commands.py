"""`plan` and `validate`: the commands that check a manifest and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from batchvid.cli.shell_completion import complete_target
from batchvid.cli.targets import (
    load,
    many_option,
    max_clips_option,
    max_usd_option,
    new_batch_option,
    only_option,
    out_option,
    regenerate_option,
    retired_option,
    set_option,
    strict_option,
)

if TYPE_CHECKING:
    from decimal import Decimal


@click.command()
@click.argument("target", shell_complete=complete_target)
@click.option("--all", "show_all", is_flag=True, help="Show every job, not only the first ones of each kind.")
@regenerate_option
@out_option
@set_option
@only_option
@retired_option
@many_option
@strict_option
@new_batch_option
@max_usd_option
@max_clips_option
def plan(
    target: str,
    show_all: bool,
    regenerate: tuple[str, ...],
    out: str | None,
    sets: tuple[str, ...],
    only: tuple[str, ...],
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
    from batchvid.cli.tables import print_plan
    from batchvid.runner import SpendingLimits

    planned = commands.plan(
        load(target, out, sets, only, many=many, strict=strict, new_batch=new_batch),
        regenerate=regenerate,
        allow_retired=allow_retired,
        limits=SpendingLimits(usd=max_usd, clips=max_clips),
    )
    print_plan(planned, show_all=show_all)


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
    """Check the manifest.

    Every problem is shown with its file and line; the exit code is 2 if there is one. TARGET is a manifest, or the name
    or folder of a batch.
    """
    from batchvid import commands
    from batchvid.cli.tables import print_warnings

    batch = load(target, out, sets, many=many, strict=strict, new_batch=True)  # nothing is bought, so anywhere
    commands.plan(batch, allow_retired=allow_retired)
    print_warnings(batch.manifest.warnings)
    click.echo(f"{target}: {len(batch.manifest.jobs)} clips, no problem")
