"""`probe`: find out what a server of the user's own speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from batchvid.commands.probe import ProbeResult

MAX_SHOWN_MODELS = 10
COLUMNS, INDENT = 80, "    "


@click.command()
@click.argument("url")
@click.option("--key-env", metavar="NAME", default="", help="The environment variable that holds the server's key.")
def probe(url: str, key_env: str) -> None:
    """Find the wire format of a server by free requests.

    URL is its address, with or without /v1. Only GET requests are sent: for lists, for a task that cannot exist, and
    for a path that cannot exist. Nothing is bought, no redirect is followed, and it takes a minute at most. Shows what
    fits and why, and the lines for `providers:`. The exit code is 1 if nothing fits, or if it only may fit.
    """
    from batchvid.commands.probe import probe_server

    result = probe_server(url, key_env=key_env)
    _print(result)
    click.get_current_context().exit(0 if result.is_sure else 1)


def _print(result: ProbeResult) -> None:
    click.echo(f"{result.base_url}: {result.calls} free GET requests; nothing was bought")
    if result.is_emulator:
        click.echo("This is batchvid's emulator: what it makes is a rehearsal")
    for (sureness, prefix, evidence), dialects in _grouped(result).items():
        below = f", with the prefix {prefix}" if prefix else ""
        click.echo(f"{sureness}: {', '.join(dialects)}{below}")
        for reason in evidence:
            click.echo(click.wrap_text(reason, COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT))
    if result.models:
        more = f" and {len(result.models) - MAX_SHOWN_MODELS} more" if len(result.models) > MAX_SHOWN_MODELS else ""
        click.echo(f"models: {', '.join(result.models[:MAX_SHOWN_MODELS])}{more}")
    if result.problem:
        click.echo(f"problem: {result.problem}", err=True)
    several = len(result.best) > 1 and not result.is_emulator
    if several:
        click.echo("Several wire formats fit equally well: what the server's pages say of its submit call decides.")
    if result.formats and (result.is_sure or not several):
        click.echo("\n" + "\n".join(result.lines()))


def _grouped(result: ProbeResult) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
    """The dialects that the same evidence speaks for."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for one in result.formats:
        groups.setdefault((one.sureness, one.prefix, one.evidence), []).append(one.dialect)
    return groups
