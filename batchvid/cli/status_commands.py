"""`status`, `report`, `schema`, `completion`: commands that change no job."""

from __future__ import annotations

import json

import click

from batchvid.cli.shell_completion import complete_target
from batchvid.cli.targets import folder_of, out_option
from batchvid.paths import BatchPaths


@click.command()
@click.argument("target", required=False, shell_complete=complete_target)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@out_option
def status(target: str | None, as_json: bool, out: str | None) -> None:
    """Show the status of a batch, also during a run.

    TARGET is a manifest, or the folder or name of a batch. It is not needed if there is only one batch.
    """
    from batchvid.cli.tables import print_status, status_facts
    from batchvid.domain.attempts import sums
    from batchvid.state.lock import find_holder
    from batchvid.state.readers import read_attempts, read_jobs

    state_path = BatchPaths(folder_of(target, out)).state
    ledger = sums(read_attempts(state_path))
    facts = status_facts(read_jobs(state_path), find_holder(state_path), ledger)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        print_status(state_path.parent, facts, ledger)


@click.command()
@click.argument("target", required=False, shell_complete=complete_target)
@click.option("--xlsx", is_flag=True, help="Write report.xlsx, too: the same rows in two sheets, all texts as text.")
@click.option(
    "--actuals",
    is_flag=True,
    help="Read what the providers charged in the end, compare it with the estimates, and write actuals.csv, too.",
)
@click.option("--json", "as_json", is_flag=True, help="With --actuals: print JSON, for scripts.")
@out_option
def report(target: str | None, xlsx: bool, actuals: bool, as_json: bool, out: str | None) -> None:
    """Write report.csv, ledger.csv and edit-these.csv again, also during a run.

    With --actuals the bill of each provider is read by free requests. A charge above what was counted counts under
    every cap from then on.
    """
    from batchvid.commands.edit_sheet import write_refused
    from batchvid.domain.attempts import sums
    from batchvid.report import ledger_line, write_ledger, write_report
    from batchvid.state.readers import read_attempts, read_jobs

    if as_json and not actuals:
        raise click.UsageError("--json needs --actuals")
    paths = BatchPaths(folder_of(target, out))
    if actuals:
        from batchvid.cli.actuals_output import show
        from batchvid.commands.actuals import read_actuals

        show(read_actuals(paths.folder), paths.actuals, as_json_text=as_json)
    jobs = read_jobs(paths.state)
    write_report(paths.report, jobs)
    write_refused(paths.folder, jobs)
    attempts = list(read_attempts(paths.state))
    write_ledger(paths.ledger, attempts)
    if as_json:
        return
    click.echo(str(paths.report))
    click.echo(str(paths.ledger))
    if xlsx:
        from batchvid.report.workbook import write_workbook

        write_workbook(paths.workbook, jobs, attempts)
        click.echo(str(paths.workbook))
    click.echo(ledger_line(sums(attempts)) or "nothing was sent yet")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the manifest.

    An editor can use it for completion and checks.
    """
    from batchvid import catalog
    from batchvid.manifest import json_schema

    found = json_schema(catalog.built_in().rows, catalog.providers({}))
    click.echo(json.dumps(found, indent=1))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Activate it with: eval "$(batchvid completion bash)".
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "batchvid", "_BATCHVID_COMPLETE").source())
