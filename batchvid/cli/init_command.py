"""`init`: a first manifest to change."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path

import click


@click.command()
@click.argument("manifest", default="clips.yaml", type=click.Path(dir_okay=False))
def init(manifest: str) -> None:
    """Write a first manifest.

    It runs without changes, needs no key and has comments that explain it. The default of MANIFEST is clips.yaml.
    """
    from batchvid.manifest.reading.safe_names import safe_name

    path = Path(manifest if manifest.endswith((".yaml", ".yml")) else f"{manifest}.yaml")
    text = resources.files(__package__).joinpath("starter.yaml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("NAME.yaml", shlex.quote(path.name)).replace("NAME", safe_name(path.stem)))
    except FileExistsError:
        raise click.UsageError(f"{path} exists already; choose another name") from None
    except OSError as exc:
        raise click.UsageError(f"{path}: {exc.strerror}") from None
    click.echo(f"{path} is written. Next: batchvid plan {shlex.quote(str(path))}")
