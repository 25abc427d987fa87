"""`models`: the models as a table or as JSON, and the update from a provider's list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchvid.cli.shell_completion import complete_model

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from batchvid.catalog import Model


class OneOf(click.ParamType[str]):
    """A choice whose words are read when they are needed: `--help` must not read the catalogue."""

    name = "word"

    def __init__(self, words: Callable[[], Iterable[str]]) -> None:
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """One of the words, or an error that names them."""
        return click.Choice(list(self._words())).convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The words that fit."""
        return click.Choice(list(self._words())).shell_complete(ctx, param, incomplete)


def _dialects() -> Iterable[str]:
    from batchvid.dialects import DIALECTS

    return DIALECTS


def _kinds() -> Iterable[str]:
    from batchvid.catalog import KINDS

    return KINDS


@click.command()
@click.argument("pattern", required=False, shell_complete=complete_model)
@click.option("--dialect", type=OneOf(_dialects), help="Only models with this wire format.")
@click.option("--can", type=OneOf(_kinds), multiple=True, help="Only models that can do this (repeatable).")
@click.option("--all", "show_all", is_flag=True, help="Also models that no configured provider sells.")
@click.option("--wide", is_flag=True, help="Every column, on one line for each model, however narrow the screen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with everything that is known.")
@click.option("--refresh", is_flag=True, help="First fetch the provider's list (one free request, no key).")
@click.option("--provider", default="cometapi", show_default=True, help="The provider whose list --refresh fetches.")
def models(
    pattern: str | None,
    dialect: str | None,
    can: tuple[str, ...],
    show_all: bool,
    wide: bool,
    as_json: bool,
    refresh: bool,
    provider: str,
) -> None:
    """List the models with their abilities and prices.

    PATTERN selects by name, such as "kling*". Listed are the models of the wire formats that the configured providers
    speak: cometapi, and those of your files and of the manifests in this folder. The built-in catalogue is overridden
    by the last list that --refresh fetched, by the file that BATCHVID_CATALOG names, and by batchvid.toml in this
    folder. The exit code is 1 if nothing matches.
    """
    from batchvid import commands
    from batchvid.cli.model_table import print_models

    folder = Path.cwd()
    if refresh:
        listing = commands.refresh(provider, folder)
        missing = f"; {listing.missing} rows of its list are missing" if listing.missing else ""
        click.echo(f"{len(listing.models)} video models of {provider}, {listing.fetched_on}{missing}", err=True)
    every = commands.models(folder, pattern=pattern or "*", dialect=dialect or "", can=can)
    sold = every if show_all else commands.models(folder, sold_only=True)
    rows = {name: model for name, model in every.items() if name in sold}
    if as_json:
        click.echo(json.dumps({name: _facts(model) for name, model in rows.items()}, indent=1))
    elif rows:
        print_models(rows, wide=wide)
    if not rows:
        _tell_no_match(folder, pattern or "", every)
        click.get_current_context().exit(1)
    if unsold := len(every) - len(rows):
        formats = ", ".join(sorted({model.dialect for name, model in every.items() if name not in rows}))
        click.echo(f"{unsold} more in wire formats that no configured provider speaks ({formats}): --all", err=True)


def _tell_no_match(folder: Path, pattern: str, unsold: Mapping[str, Model]) -> None:
    """Say that nothing matches, and what probably does."""
    from batchvid.commands.models import similar_models

    if unsold:
        formats = ", ".join(sorted({model.dialect for model in unsold.values()}))
        hint = f"{len(unsold)} do in wire formats that no configured provider speaks ({formats}): add --all"
    elif near := similar_models(folder, pattern):
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = "batchvid models --all lists all of them"
    click.echo(f"no model matches{f' {pattern!r}' if pattern else ''}; {hint}", err=True)


def _facts(model: Model) -> Mapping[str, Any]:
    from pydantic import TypeAdapter

    from batchvid.catalog import Model

    facts = TypeAdapter(Model).dump_python(model, mode="json", exclude_defaults=True)
    return {**facts, "can": model.kinds}
