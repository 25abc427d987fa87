"""`doctor`: what to fix before a run."""

from __future__ import annotations

import click

from batchvid.cli.shell_completion import complete_target
from batchvid.cli.targets import out_option


@click.command()
@click.argument("target", required=False, shell_complete=complete_target)
@out_option
def doctor(target: str | None, out: str | None) -> None:
    """Check keys, addresses, clock, disk and permissions.

    Shows what to fix; the exit code is 1 if a check failed. With a TARGET (a manifest, or the name or folder
    of a batch), only what its run needs is checked. Every provider gets a few free requests, some of them with a wrong
    key; nothing is bought. A line with ? could not be checked. Keys are never printed.
    """
    from batchvid.commands.doctor import examine

    is_ok = True
    for result in examine(target, out=out):
        is_ok = is_ok and result.is_ok
        mark = "?   " if result.is_open else "ok  " if result.is_ok else "FAIL"
        click.echo(f"{mark}  {result.what}: {result.found}")
        if result.fix:
            click.echo(f"      fix: {result.fix}")
    click.get_current_context().exit(0 if is_ok else 1)
