"""`doctor`: what is to be mended before a run."""

from __future__ import annotations

import click

from batchvid.cli.targets import out_option


@click.command()
@click.argument("manifest", required=False, type=click.Path(exists=True, dir_okay=False))
@out_option
def doctor(manifest: str | None, out: str) -> None:
    """Check keys, addresses, clock, disk and rights.

    Says what to mend; exit code 1 if there is anything. With a MANIFEST only what its run needs. Every provider is
    asked one free question; keys are never printed.
    """
    from batchvid.commands.doctor import examine

    well = True
    for finding in examine(manifest, out=out):
        well = well and finding.is_well
        click.echo(f"{'ok  ' if finding.is_well else 'MEND'}  {finding.what}: {finding.said}")
        if finding.mend:
            click.echo(f"      -> {finding.mend}")
    click.get_current_context().exit(0 if well else 1)
