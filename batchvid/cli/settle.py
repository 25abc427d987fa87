"""`resolve`, `cancel`: what a person decides about jobs."""

from __future__ import annotations

import click

from batchvid.cli.batches import STATE_NAME, complete_job, folder_of, only_option, out_option


@click.command()
@click.argument("job", shell_complete=complete_job)
@click.option("--task-id", help="The task that the paid call made, as the provider's console names it.")
@click.option("--abandon", is_flag=True, help="There is none, or it is given up: the next run buys again.")
@click.option("--batch", help="Manifest, folder or name of the batch; may be left out if there is only one.")
@out_option
def resolve(job: str, task_id: str | None, abandon: bool, batch: str | None, out: str) -> None:
    """Settle an uncertain job.

    The paid call for JOB got no verdict, and it was not sent again.

    Look for the task in the provider's console (status shows when it was sent and with which prompt), then bind it with
    --task-id; or release the job with --abandon.
    """
    from batchvid import session

    if bool(task_id) == abandon:
        raise click.UsageError("give either --task-id ID or --abandon")
    settled = session.resolve(folder_of(batch, out) / STATE_NAME, job, task_id=task_id or "")
    click.echo(f"{settled.id} is {settled.state}; the next run {'buys it again' if abandon else 'collects it'}")


@click.command()
@click.argument("target")
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=complete_job)
@only_option
@out_option
def cancel(target: str, jobs: tuple[str, ...], only: tuple[str, ...], out: str) -> None:
    """Cancel jobs: those named, those that fit --only, or all that are open.

    What waits is not bought. A running task is cancelled at the vendor where its provider serves that; else it is no
    longer watched, and may be billed. What is finished, stored or uncertain is left alone. retry --kind cancelled
    takes it back.
    """
    from batchvid.cancel import cancel as call_off

    done = call_off(folder_of(target, out), names=jobs, only=only)
    for job, said in done.told.items():
        click.echo(f"{job}: {said}")
    click.echo(f"{len(done.waiting)} jobs that waited were cancelled and will not be bought")
