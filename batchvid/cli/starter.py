"""`init`: a first manifest to change."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click


@click.command()
@click.argument("manifest", default="clips.yaml", type=click.Path(dir_okay=False))
def init(manifest: str) -> None:
    """Write a first manifest that runs as it is.

    It needs no key and explains itself; change it from there. MANIFEST is clips.yaml unless said otherwise.
    """
    path = Path(manifest).with_suffix(".yaml")
    text = resources.files(__package__).joinpath("starter.yaml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("NAME", path.stem))
    except FileExistsError:
        raise click.UsageError(f"{path} is there already; name another") from None
    except OSError as fault:
        raise click.UsageError(f"{path}: {fault.strerror}") from None
    click.echo(f"{path} is written. Next: batchvid plan {path}")
