"""`accept`: stores a rejected file as a job's clip."""

from __future__ import annotations

import click

from batchvid.cli.shell_completion import complete_job, complete_target
from batchvid.cli.targets import folder_of, out_option


@click.command()
@click.argument("target", shell_complete=complete_target)
@click.argument("job", shell_complete=complete_job)
@click.option("--file", "file_name", default="", help="One of several rejected files of the job, by its name.")
@out_option
def accept(target: str, job: str, file_name: str, out: str | None) -> None:
    """Store a rejected file as the clip of JOB.

    A clip that differs from its request (on_mismatch: fail, container: mp4) or that stayed incomplete is kept beside
    its target as .rejected. If it plays, this command stores it; report.csv and the sidecar name what differs. TARGET
    is a manifest, or the folder or name of a batch. Nothing is bought or fetched.
    """
    from batchvid.commands.accept import accept as accept_file

    stored = accept_file(folder_of(target, out), job, file_name=file_name)
    if stored.clip is not None:
        click.echo(f"{stored.id}: stored as clips/{stored.clip.key}")
