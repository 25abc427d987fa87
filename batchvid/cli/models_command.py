"""`models`: the models as a table or as JSON, and the update from a provider's list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from batchvid.catalog import Model, Tier


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
@click.argument("pattern", required=False)
@click.option("--dialect", type=OneOf(_dialects), help="Only models with this wire format.")
@click.option("--can", type=OneOf(_kinds), multiple=True, help="Only models that can do this (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with everything that is known.")
@click.option("--refresh", is_flag=True, help="First fetch the provider's list (one free request, no key).")
@click.option("--provider", default="cometapi", show_default=True, help="The provider whose list --refresh fetches.")
def models(
    pattern: str | None, dialect: str | None, can: tuple[str, ...], as_json: bool, refresh: bool, provider: str
) -> None:
    """List the models with their abilities and prices.

    PATTERN selects by name, such as "kling*". The built-in catalogue is overridden by the last list that --refresh
    fetched, by the file that BATCHVID_CATALOG names, and by batchvid.toml in this folder.
    """
    from batchvid import commands

    if refresh:
        listing = commands.refresh(provider, Path.cwd())
        missing = f"; {listing.missing} rows of its list are missing" if listing.missing else ""
        click.echo(f"{len(listing.models)} video models of {provider}, {listing.fetched_on}{missing}", err=True)
    rows = commands.models(Path.cwd(), pattern=pattern or "*", dialect=dialect or "", can=can)
    if as_json:
        click.echo(json.dumps({name: _facts(model) for name, model in rows.items()}, indent=1))
    else:
        _print(rows)


def _facts(model: Model) -> Mapping[str, Any]:
    from pydantic import TypeAdapter

    from batchvid.catalog import Model

    facts = TypeAdapter(Model).dump_python(model, mode="json", exclude_defaults=True)
    return {**facts, "can": model.kinds}


def _print(rows: Mapping[str, Model]) -> None:
    from rich.table import Table

    from batchvid.catalog import steps_words
    from batchvid.cli.console import console_for_people

    table = Table("model", "wire format", "can", "seconds", "ratios", "resolutions", "price", "remarks")
    table.box, table.pad_edge = None, False
    for name, model in rows.items():
        table.add_row(
            name,
            model.dialect,
            " ".join(model.kinds),
            steps_words(model.durations_s),
            " ".join(model.aspect_ratios),
            " ".join(model.resolutions),
            _price_words(model),
            _remarks(model),
        )
    console_for_people().print(table)


def _price_words(model: Model) -> str:
    if model.price is None:
        return "unknown"
    return f"{', '.join(map(_tier_words, model.price.tiers))} ({model.price.as_of})"


def _tier_words(tier: Tier) -> str:
    sound = {None: "", True: "sound", False: "silent"}[tier.sound]
    amount = f"${tier.usd_per_s}/s"
    if tier.usd_per_clip is not None:
        low = "" if tier.lowest_usd_per_clip is None else f"{tier.lowest_usd_per_clip}-"
        amount = f"${low}{tier.usd_per_clip}/clip"
    return " ".join(filter(None, (tier.resolution, tier.mode, sound, amount)))


def _remarks(model: Model) -> str:
    remarks = (
        f"also {', '.join(model.aliases)}" if model.aliases else "",
        f"sold until {model.sunset}" if model.sunset else "",
        "" if model.charged_on_failure == "unknown" else f"charged on failure: {model.charged_on_failure}",
    )
    return "; ".join(filter(None, remarks))
