"""`dialect`: check the definition of a wire format, and run recorded exchanges against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from batchvid.catalog.wire_formats import WireFormat
    from batchvid.dialects import Dialect


@click.group()
def dialect() -> None:
    """Check a wire format of your own, written in TOML."""


@dialect.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Read the wire formats of FILE, and show every problem with its line.

    FILE is a batchvid.toml with [dialects.NAME], or a file with one wire format. The exit code is 2 if anything is
    wrong. Nothing is sent.
    """
    for name, one in _read(file).items():
        click.echo(f"{name}: {_summary(one)}")


@dialect.command("test")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--exchanges",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with recorded exchanges, one JSON file each.",
)
def test_dialect(file: Path, folder: Path) -> None:
    """Run recorded exchanges against the wire formats of FILE.

    Shows each difference between a recording and what the definition sends, or reads in the reply. The exit code is 1
    if there is any. Nothing is sent.
    """
    from batchvid.commands.exchanges import differences, read_exchanges
    from batchvid.dialects.json_task import as_dialect
    from batchvid.errors import UsageError

    dialects: dict[str, Dialect] = {name: as_dialect(name, one.definition) for name, one in _read(file).items()}
    failed, run, others = 0, 0, 0
    for exchange in read_exchanges(folder):
        name = exchange.dialect or next(iter(dialects))
        if name not in dialects:
            others += 1
            continue
        run += 1
        found = list(differences(exchange, dialects[name]))
        failed += bool(found)
        for line in found:
            click.echo(f"{exchange.file}: {line}")
    if not run:
        raise UsageError(f"{folder}: no recording is of {' or '.join(dialects)}")
    skipped = f"; {others} of other wire formats left out" if others else ""
    ended = f"{failed} with differences" if failed else "all as recorded"
    click.echo(f"{run} exchanges, {ended}{skipped}")
    click.get_current_context().exit(1 if failed else 0)


def _read(file: Path) -> dict[str, WireFormat]:
    from batchvid.catalog.wire_formats import read_wire_formats
    from batchvid.errors import UsageError

    found = read_wire_formats(file)
    if not found:
        raise UsageError(f"{file}: has no [dialects.NAME]")
    return found


def _summary(one: WireFormat) -> str:
    definition = one.definition
    parts = [f"{definition.submit.method or 'POST'} {definition.submit.path}", f"poll {definition.poll.path}"]
    parts += [name for name in ("follow_up", "cancel", "list", "find") if getattr(definition, name)]
    return f"{', '.join(parts)}; {len(one.table)} keys, nothing wrong"
