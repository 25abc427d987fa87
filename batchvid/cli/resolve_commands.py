"""`resolve`, `cancel`: decisions about jobs, and the list of jobs that need one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.cli.targets import complete_job, folder_of, only_option, out_option
from batchvid.paths import BatchPaths

if TYPE_CHECKING:
    from batchvid.domain.jobs import Job


@click.command()
@click.argument("job", required=False, shell_complete=complete_job)
@click.option("--task-id", help="The id of the task that the paid call created, from the provider's console.")
@click.option("--abandon", is_flag=True, help="There is no task, or it is given up: the next run buys again.")
@click.option("--all", "every", is_flag=True, help="With --abandon: every uncertain job, after a typed confirmation.")
@click.option("--ask", is_flag=True, help="Look up the tasks now, at the providers that support it.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the list as CSV.")
@click.option("--batch", help="Manifest, folder or name of the batch. Not needed if there is only one.")
@out_option
def resolve(
    job: str | None,
    task_id: str | None,
    abandon: bool,
    every: bool,
    ask: bool,
    as_csv: bool,
    batch: str | None,
    out: str,
) -> None:
    """Resolve uncertain jobs, or list them.

    The paid call of such a job got no answer, and it was not sent again. Without an option, the jobs are listed with
    what identifies them in the provider's console. Look for the task there. If it exists, adopt it with --task-id; if
    not, release the job with --abandon. --all --abandon releases every job. It asks for a typed confirmation, because
    each job may already be paid for; a script can give it on standard input.
    """
    from batchvid import commands
    from batchvid.cli.tables import print_waiting
    from batchvid.report.uncertain_jobs import uncertain_csv

    if sum(map(bool, (task_id, abandon, ask, as_csv))) > 1:
        raise click.UsageError("give one of --task-id, --abandon, --ask and --csv")
    if every and (job or not abandon):
        raise click.UsageError("--all goes with --abandon, and without a JOB")
    if (task_id or (abandon and not every)) and not job:
        raise click.UsageError("which job? Name it, or see all with: batchvid resolve")
    folder = folder_of(batch, out)
    if ask:
        commands.collect(folder, only_reconcile=True)
    waiting = [one for one in commands.uncertain(BatchPaths(folder).state) if job in (None, one.id)]
    if every:
        _abandon_all(folder, waiting)
    elif job and (task_id or abandon):
        settled = commands.resolve(BatchPaths(folder).state, job, task_id=task_id or "")
        click.echo(f"{settled.id} is {settled.state}; the next run {'buys it again' if abandon else 'collects it'}")
    elif job and not waiting:
        raise click.UsageError(f"job {job} is not uncertain: there is nothing to resolve")
    elif as_csv:
        click.echo(uncertain_csv(waiting), nl=False)
    else:
        print_waiting(waiting)


def _abandon_all(folder: Path, waiting: list[Job]) -> None:
    """Release them after a typed confirmation with the number of jobs and the money that may be paid twice."""
    from batchvid import commands
    from batchvid.cli.tables import price_of, print_waiting

    print_waiting(waiting)
    if not waiting:
        return
    word = f"abandon {len(waiting)} for {price_of(waiting)}"
    click.echo("Each of them may already be paid for. If you abandon them, the next run buys them again.")
    click.echo(f"Type  {word}  to continue: ", nl=False)
    typed = sys.stdin.readline()
    if " ".join(typed.split()) != word:
        raise click.UsageError("the confirmation is different: nothing was abandoned")
    commands.abandon(BatchPaths(folder).state, [job.id for job in waiting])
    click.echo(f"{len(waiting)} released; the next run buys them again")


@click.command()
@click.argument("target")
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=complete_job)
@only_option
@out_option
def cancel(target: str, jobs: tuple[str, ...], only: tuple[str, ...], out: str) -> None:
    """Cancel jobs: those named, those that fit --only, or all open jobs.

    Pending jobs are not bought. A running task is cancelled at the vendor if its provider supports that; otherwise it
    is no longer polled, and may be billed. Finished, stored and uncertain jobs do not change. retry --kind cancelled
    undoes it.
    """
    from batchvid.commands.cancel import cancel as cancel_jobs

    done = cancel_jobs(folder_of(target, out), names=jobs, only=only)
    for job, message in done.messages.items():
        click.echo(f"{job}: {message}")
    click.echo(f"{len(done.not_bought)} pending jobs were cancelled and will not be bought")
