"""`resolve`, `cancel`, `relocate`: decisions about jobs, and the list of jobs that need one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.cli.shell_completion import complete_job, complete_target
from batchvid.cli.targets import folder_of, only_option, out_option
from batchvid.paths import BatchPaths, quoted

if TYPE_CHECKING:
    from batchvid.domain.jobs import Job

MAX_SHOWN_IDS = 5


@click.command()
@click.argument("job", required=False, shell_complete=complete_job)
@click.option("--task-id", help="The id of the task that the paid call created, from the provider's console.")
@click.option("--abandon", is_flag=True, help="There is no task, or it is given up: the next run buys again.")
@click.option("--all", "every", is_flag=True, help="With --abandon: every uncertain job, after a typed confirmation.")
@click.option("--ask", is_flag=True, help="Look up the tasks now, at the providers that support it.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the list as CSV.")
@click.option(
    "--batch",
    shell_complete=complete_target,
    help="Manifest, folder or name of the batch. Not needed if there is only one.",
)
@out_option
def resolve(
    job: str | None,
    task_id: str | None,
    abandon: bool,
    every: bool,
    ask: bool,
    as_csv: bool,
    batch: str | None,
    out: str | None,
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
        print_waiting(folder, waiting)


def _abandon_all(folder: Path, waiting: list[Job]) -> None:
    """Release them after a typed confirmation with the number of jobs and the money that may be paid twice."""
    from batchvid import commands
    from batchvid.cli.console import price_of
    from batchvid.cli.tables import print_waiting

    print_waiting(folder, waiting)
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
@click.argument("target", shell_complete=complete_target)
@click.argument("jobs", nargs=-1, metavar="[JOB]...", shell_complete=complete_job)
@only_option
@out_option
def cancel(target: str, jobs: tuple[str, ...], only: tuple[str, ...], out: str | None) -> None:
    """Cancel jobs: those named, those that fit --only, or all open jobs.

    Pending jobs are not bought. A running task is cancelled at the vendor if its provider supports that; otherwise it
    is no longer polled, and may be billed. A finished clip that could not be fetched is given up only if its job is
    named. Stored and uncertain jobs do not change. retry --kind cancelled undoes it.
    """
    from batchvid.commands.cancel import cancel as cancel_jobs

    done = cancel_jobs(folder_of(target, out), names=jobs, only=only)
    for job, message in done.messages.items():
        click.echo(f"{job}: {message}")
    click.echo(f"{len(done.not_bought)} pending jobs were cancelled and will not be bought")


@click.command()
@click.argument("target", shell_complete=complete_target)
@click.option("--from", "old", required=True, metavar="URL", help="The address at which the tasks were bought.")
@click.option("--to", "new", required=True, metavar="URL", help="The address of the same server now.")
@click.option("--dry-run", is_flag=True, help="Ask the new address, show what would change, and change nothing.")
@out_option
def relocate(target: str, old: str, new: str, dry_run: bool, out: str | None) -> None:
    """Move the tasks of a batch to the new address of their gateway or server.

    A task is collected only where it was bought. If that server has a new name, host or port, this command records it.
    First one task of the batch is polled at the new address, which is free. If it does not know the task, nothing is
    changed. TARGET is a manifest, or the folder or name of a batch.
    """
    from batchvid.commands.relocate import relocate as relocate_jobs

    folder = folder_of(target, out)
    moved = relocate_jobs(folder, old=old, new=new, dry_run=dry_run)
    for task_id in moved.known_tasks:
        click.echo(f"{moved.new} knows task {task_id}")
    verb = "would move" if dry_run else "moved"
    click.echo(f"{len(moved.jobs)} jobs {verb} from {old} to {moved.new}: {_shown(moved.jobs)}")
    if not dry_run:
        names = ", ".join(f"providers.{name}.base_url" for name in moved.providers)
        click.echo(
            f"if the manifest has the old address, write {names}: {moved.new}; then: batchvid run {quoted(folder)}"
        )


def _shown(jobs: Sequence[Job]) -> str:
    more = f" and {len(jobs) - MAX_SHOWN_IDS} more" if len(jobs) > MAX_SHOWN_IDS else ""
    return f"{', '.join(job.id for job in jobs[:MAX_SHOWN_IDS])}{more}"
