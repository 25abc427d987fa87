"""The command line: parse, call one function of the package, print, exit."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Sequence

import click

from batchvid.cli import (
    accept_command,
    dialect_commands,
    doctor_command,
    emulator_command,
    init_command,
    models_command,
    plan_commands,
    probe_command,
    resolve_commands,
    run_commands,
    status_commands,
)
from batchvid.cli.output import (
    discard_output,
    flush_streams,
    open_missing_streams,
    redacted_streams,
    save_traceback,
)
from batchvid.cli.shell_completion import complete_command
from batchvid.errors import BatchvidError, ManifestError
from batchvid.near_matches import did_you_mean
from batchvid.redaction import strip_queries
from batchvid.version import __version__

HELP = """Give it a manifest in the evening; in the morning every clip is on disk, checked, named and priced.

\b
  batchvid plan kites.yaml      what would be bought, and for how much (no key, no network)
  batchvid run kites.yaml       buy it, collect it; run again to go on after any interruption
  batchvid status kites.yaml    where it stands, also while it runs
  batchvid retry kites.yaml     buy the failed ones again

\b
Exit codes: 0 all stored; 1 some failed; 2 bad usage or manifest; 3 budget reached; 4 another run holds the
state file; 5 uncertain submits wait for a person; 6 a provider was stopped (key, balance); 70 an error of batchvid
itself; 130 interrupted.
"""


MAX_WARNINGS = 10  # beside problems
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h


class Commands(click.Group):
    """Lists commands in the order of use, and suggests one for a misspelled name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command with the first argument's name. Raises UsageError with similar names."""
        name = args[0] if args else ""
        if name and name not in self.commands and not name.startswith("-"):
            is_manifest = name.endswith((".yaml", ".yml"))
            near = did_you_mean(name, self.commands) or "batchvid help lists the commands"
            hint = f"write batchvid plan {name}" if is_manifest else near
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(cls=Commands, help=HELP, context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="batchvid")
def group() -> None:
    """All commands."""


@click.command("help")
@click.argument("name", required=False, metavar="COMMAND", shell_complete=complete_command)
@click.pass_context
def help_command(context: click.Context, name: str | None) -> None:
    """Show the help of batchvid, or of one command."""
    root = click.Context(group, info_name="batchvid", **group.context_settings)
    command = group.resolve_command(context, [name])[1] if name else None
    of = click.Context(command, parent=root, info_name=name) if command else root
    click.echo(of.get_help())


COMMANDS = (
    init_command.init,
    plan_commands.plan,
    plan_commands.validate,
    run_commands.run,
    run_commands.retry,
    status_commands.status,
    status_commands.report,
    resolve_commands.resolve,
    resolve_commands.cancel,
    accept_command.accept,
    resolve_commands.relocate,
    models_command.models,
    doctor_command.doctor,
    probe_command.probe,
    dialect_commands.dialect,
    status_commands.schema,
    emulator_command.emulator,
    status_commands.completion,
    help_command,
)
for command in COMMANDS:
    group.add_command(command)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit; every error is one sentence, never a traceback."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # outside a run, too, it exits with 130
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with redacted_streams():
        code = _run_command(args)
        flush_streams()
    sys.exit(code)


def _run_command(args: Sequence[str] | None) -> int:
    """Run one command; its exit code."""
    code: object
    try:
        code = group.main(args, prog_name="batchvid", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except click.ClickException as exc:
        exc.show()
        code = exc.exit_code
    except ManifestError as exc:
        for problem in exc.problems:
            click.echo(strip_queries(problem), err=True)
        for note in exc.notes:
            click.echo(f"note: {strip_queries(note)}", err=True)
        for warning in exc.warnings[:MAX_WARNINGS]:
            click.echo(f"warning: {strip_queries(warning)}", err=True)
        if len(exc.warnings) > MAX_WARNINGS:
            click.echo(f"and {len(exc.warnings) - MAX_WARNINGS} more warnings", err=True)
        click.echo(f"{len(exc.problems)} problem(s); nothing was bought", err=True)
        code = exc.exit_code
    except BatchvidError as exc:
        click.echo(f"batchvid: {strip_queries(str(exc))}", err=True)
        code = exc.exit_code
    except BrokenPipeError:  # the reader of our output is gone; what is done is recorded
        discard_output(sys.stdout)
        code = 1
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        with contextlib.suppress(OSError):
            click.echo(f"batchvid: {where}{exc.strerror or exc}", err=True)
        code = 1
    except Exception as exc:
        saved = save_traceback()
        where = f"; the full text is in {saved}" if saved else ""
        click.echo(
            f"batchvid: an error of batchvid itself: {type(exc).__name__}: {strip_queries(str(exc))[:200]}{where}. "
            f"What is paid for is recorded: run again to go on",
            err=True,
        )
        code = INTERNAL_ERROR
    return code if isinstance(code, int) else 0


def entry() -> None:
    """The program: `main`; a signal after it cannot change the exit code."""
    open_missing_streams()
    try:
        main()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
