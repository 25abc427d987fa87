"""`init`: a first manifest to change, for a sheet or with an example."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchvid.errors import BatchvidError
from batchvid.near_matches import did_you_mean

if TYPE_CHECKING:
    from batchvid.catalog import Model
    from batchvid.commands.first_manifest import Sheet

MAX_ROWS = 1_000  # of a sheet, to find out what its columns hold
DEFAULT_PROVIDER = "emulator"
DEFAULT_MODEL = "veo3-fast"
ENV_NAME = ".env.example"


@click.command()
@click.argument("manifest", default="clips.yaml", type=click.Path(dir_okay=False))
@click.option(
    "--csv", "sheet", type=click.Path(exists=True, dir_okay=False), help="A sheet (XLSX, ODS, CSV) with a row per clip."
)
@click.option("--provider", help=f"Who makes the clips; default: {DEFAULT_PROVIDER}, without cost.")
@click.option("--model", help=f"The model; default: {DEFAULT_MODEL}.")
def init(manifest: str, sheet: str | None, provider: str | None, model: str | None) -> None:
    """Write a first manifest.

    It runs without changes and has comments that explain it. Beside it are written: an example of the file .env for
    keys, and the JSON Schema for an editor. On a terminal, what no option says is asked. The default of MANIFEST is
    clips.yaml.
    """
    from batchvid.commands.first_manifest import manifest_for
    from batchvid.manifest.reading.safe_names import safe_name

    path = Path(manifest if manifest.endswith((".yaml", ".yml")) else f"{manifest}.yaml")
    if path.exists():
        raise click.UsageError(f"{path} exists already; choose another name")
    if sheet is None and provider is None and model is None and sys.stdin.isatty() and sys.stdout.isatty():
        sheet, provider, model = _ask()
    provider, model = provider or DEFAULT_PROVIDER, model or DEFAULT_MODEL
    row, keys = _check(provider, model)
    text = manifest_for(
        _read(sheet, path.parent) if sheet else None,
        file=shlex.quote(path.name),
        batch=safe_name(path.stem),
        provider=provider,
        name=model,
        model=row,
    )
    _write_all(path, text, keys)
    click.echo(f"{path} is written. Next: batchvid plan {shlex.quote(str(path))}")


def _ask() -> tuple[str | None, str, str]:
    sheet: str = click.prompt("A sheet with a row per clip (XLSX, ODS, CSV; empty: none)", "", show_default=False)
    provider = click.prompt("Provider", default=DEFAULT_PROVIDER)
    return sheet or None, provider, click.prompt("Model", default=DEFAULT_MODEL)


def _check(provider: str, model: str) -> tuple[Model, tuple[str, ...]]:
    """The model, and the names of the variables that hold keys. Raises UsageError for an unknown provider or model."""
    from batchvid.catalog import find_model
    from batchvid.planning.availability import Availability

    known = Availability(Path.cwd())
    if provider not in known.providers:
        hint = did_you_mean(provider, known.providers) or f"there are {', '.join(known.providers)}"
        raise click.UsageError(f"unknown provider {provider!r}; {hint}")
    row = find_model(known.models, model, known.providers[provider])
    chosen = [known.providers[provider]] if provider != DEFAULT_PROVIDER else known.providers.values()
    return row, tuple(sorted({name for one in chosen for name in one.key_variables}))


def _read(name: str, folder: Path) -> Sheet:
    from batchvid.commands.first_manifest import Sheet, find_roles
    from batchvid.manifest.expansion.image_hints import files_named
    from batchvid.manifest.reading.table_reader import read_rows
    from batchvid.manifest.reading.tables import BadTable

    path = Path(name)
    try:
        rows = [row.values for row in islice(read_rows(path), MAX_ROWS)]
    except BadTable as exc:
        raise click.UsageError(f"{name}: {exc}") from None
    if not rows:
        raise click.UsageError(f"{name} has no rows")
    file = os.path.relpath(path, folder).replace(os.sep, "/")
    sheet = Sheet(file=file, rows=rows)
    picture = find_roles(sheet).picture
    name = next(filter(None, sheet.cells(picture)), "") if picture else ""
    if not name or "://" in name or (folder / name).exists():
        return sheet
    found = [] if "/" in name or "\\" in name else files_named(name, folder)
    return Sheet(file=file, rows=rows, picture_folder=found[0].rpartition("/")[0] if found else "")


def _write_all(path: Path, manifest: str, keys: Iterable[str]) -> None:
    """Write the manifest and what belongs beside it; a file that exists stays as it is."""
    from batchvid import catalog
    from batchvid.commands.first_manifest import SCHEMA_NAME
    from batchvid.manifest import json_schema

    env = "".join(f"{key}=\n" for key in keys)
    env = f"# Copy this file to .env, write the keys, and keep .env out of version control.\n{env}"
    schema = json.dumps(json_schema(catalog.built_in().rows, catalog.providers({})), indent=1) + "\n"
    for file, text in ((path, manifest), (path.parent / ENV_NAME, env), (path.parent / SCHEMA_NAME, schema)):
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except FileExistsError:
            if file == path:
                raise click.UsageError(f"{path} exists already; choose another name") from None
        except FileNotFoundError:
            folder = shlex.quote(str(file.parent))
            raise click.UsageError(f"there is no folder {file.parent}; create it first: mkdir -p {folder}") from None
        except OSError as exc:
            raise BatchvidError(f"{file}: {exc.strerror}") from None
