"""docs/reference/commands.md: every command with its arguments and options, made from click."""

from __future__ import annotations

import re

import click

from batchvid.cli.main import group
from tests.docs.markdown import GENERATED, sentence, table

INTRO = """# Commands

Made from the command line itself: `batchvid COMMAND --help` prints the same. TARGET is a manifest, or the name or the
folder of a batch that an earlier run created; a name continues with the settings of that run. `--help` (`-h`) works
everywhere. [Exit codes](exit-codes.md) has its own page.
"""


def every_command() -> dict[str, click.Command]:
    """The commands by their names, those of a group as `dialect check`."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        inner = command.commands if isinstance(command, click.Group) else None
        found |= {f"{name} {one}": value for one, value in inner.items()} if inner else {name: command}
    return found


def page() -> str:
    """The whole page."""
    context = click.Context(group, info_name="batchvid")
    names = group.list_commands(context)
    sections = [part for name in names for part in _sections(context, group.commands[name])]
    return "\n\n".join([GENERATED, INTRO.strip(), *sections]) + "\n"


def _sections(parent: click.Context, command: click.Command) -> list[str]:
    """The section of a command, or those of the commands of a group."""
    if not isinstance(command, click.Group):
        return [_section(parent, command)]
    context = click.Context(command, info_name=command.name, parent=parent)
    return [_section(context, one) for one in command.commands.values()]


def _section(parent: click.Context, command: click.Command) -> str:
    context = click.Context(command, info_name=command.name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## `{context.command_path}`", f"```text\n{usage}\n```"]
    parts += [sentence(paragraph) for paragraph in re.split(r"\n\s*\n", command.help or "")]
    rows = []
    for param in command.get_params(context):
        if isinstance(param, click.Option) and "--help" not in param.opts:
            record = param.get_help_record(context)
            assert record
            rows.append((f"`{record[0]}`", sentence(record[1]) + (f" [env: `{param.envvar}`]" if param.envvar else "")))
    if rows:
        parts.append(table(("option", "meaning"), rows))
    return "\n\n".join(parts)
