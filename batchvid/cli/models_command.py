"""`models`: the models as a table or as JSON, and the update from a provider's list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchvid.cli.shell_completion import complete_model

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from batchvid.catalog import Model
    from batchvid.commands.models import Offer


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
@click.option(
    "--refresh",
    is_flag=False,
    flag_value="",
    metavar="[PROVIDER]",
    help="First fetch the list of --provider, of PROVIDER or of cometapi (free; only fal's needs its key).",
)
@click.option("--provider", help="Only models of this provider.")
def models(
    pattern: str | None,
    dialect: str | None,
    can: tuple[str, ...],
    show_all: bool,
    wide: bool,
    as_json: bool,
    refresh: str | None,
    provider: str | None,
) -> None:
    """List the models of each provider with their abilities and prices.

    PATTERN selects by name, such as "kling*". Listed are the models of the wire formats that the configured providers
    speak: the built-in ones, and those of your files and of the manifests in this folder. What a provider sells is
    overridden by the last list that --refresh fetched from it, by the file that BATCHVID_CATALOG names, and by
    batchvid.toml in this folder. The exit code is 1 if nothing matches.
    """
    from batchvid import commands
    from batchvid.cli.model_table import print_models

    folder = Path.cwd()
    if refresh is not None:
        name, rest = commands.provider_and_pattern(refresh, folder)
        pattern = pattern or rest
        listing = commands.refresh(name or provider or "cometapi", folder)
        missing = f"; {listing.missing} rows of its list are missing" if listing.missing else ""
        click.echo(f"{len(listing.models)} video models of {listing.provider}, {listing.fetched_on}{missing}", err=True)
    every = commands.models(folder, pattern=pattern or "*", dialect=dialect or "", can=can, provider=provider or "")
    offers = [offer for offer in every if offer.provider or show_all]
    unsold = [offer for offer in every if not offer.provider and not show_all]
    if as_json:
        click.echo(json.dumps(_all_facts(offers), indent=1))
    elif offers:
        print_models(offers, wide=wide)
    if not offers:
        _tell_no_match(folder, pattern or "", unsold)
        click.get_current_context().exit(1)
    if unsold:
        formats = ", ".join(sorted({offer.model.dialect for offer in unsold}))
        click.echo(
            f"{len(unsold)} more in wire formats that no configured provider speaks ({formats}): --all", err=True
        )


def _tell_no_match(folder: Path, pattern: str, unsold: Sequence[Offer]) -> None:
    """Say that nothing matches, and what probably does."""
    from batchvid.commands.models import similar_models

    if unsold:
        formats = ", ".join(sorted({offer.model.dialect for offer in unsold}))
        hint = f"{len(unsold)} do in wire formats that no configured provider speaks ({formats}): add --all"
    elif near := similar_models(folder, pattern):
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = "batchvid models --all lists all of them"
    click.echo(f"no model matches{f' {pattern!r}' if pattern else ''}; {hint}", err=True)


def _all_facts(offers: Iterable[Offer]) -> dict[str, dict[str, Any]]:
    """By name: what the first provider sells, and under `also_sold_by` the same model at others."""
    found: dict[str, dict[str, Any]] = {}
    for offer in offers:
        facts = _facts(offer.model)
        if first := found.get(offer.name):
            first.setdefault("also_sold_by", {})[offer.provider] = facts
        else:
            found[offer.name] = {**({"provider": offer.provider} if offer.provider else {}), **facts}
    return found


def _facts(model: Model) -> Mapping[str, Any]:
    from pydantic import TypeAdapter

    from batchvid.catalog import Model

    facts = TypeAdapter(Model).dump_python(model, mode="json", exclude_defaults=True)
    return {**facts, "can": model.kinds}
