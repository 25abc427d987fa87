"""docs/reference/models.md: what each built-in provider sells, made from `batchvid models --all --json`."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

from click.testing import CliRunner

from batchvid.catalog import steps_words
from batchvid.cli.main import group
from tests.docs.markdown import GENERATED, table

INTRO = """# Models

What each built-in provider sells. `batchvid models --all` prints it with your own additions and the last fetched price
lists. A model that is not listed can be bought as `DIALECT/ITS-ID`, and at a provider with one wire format by its id
alone, without checks of its limits. Prices, limits and defaults belong to a model at a provider: at another provider
the price is unknown until you state it ([catalogue](catalogue.md)). Prices are what the named source showed at the
named date.
"""
ELSEWHERE = """No built-in provider speaks these wire formats. They are for a server of your own: its owner chooses
models and prices."""


def page() -> str:
    """The whole page."""
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        environment = {"XDG_CACHE_HOME": empty, "BATCHVID_CATALOG": None}
        result = CliRunner().invoke(group, ["models", "--all", "--json"], env=environment, catch_exceptions=False)
    models = json.loads(result.stdout)
    columns: tuple[str, ...] = (
        "model",
        "wire format",
        "can make a clip from",
        "seconds",
        "ratios",
        "resolutions",
        "price in USD",
        "notes",
    )
    by_provider: dict[str, list[tuple[str, ...]]] = {}
    for name, facts in models.items():
        for provider, offer in {facts.get("provider", ""): facts, **facts.get("also_sold_by", {})}.items():
            by_provider.setdefault(provider, []).append(_row(name, offer))
    unsold = by_provider.pop("", [])
    parts = [f"## {provider}\n\n{table(columns, rows)}" for provider, rows in by_provider.items()]
    if unsold:
        parts.append(f"## A server of your own\n\n{ELSEWHERE}\n\n{table(columns, unsold)}")
    return "\n\n".join([GENERATED, INTRO.strip(), *parts]) + "\n"


def _row(name: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"`{name}`",
        f"`{facts['dialect']}`",
        ", ".join(facts["can"]),
        steps_words(facts.get("durations_s", ())),
        _list(facts.get("aspect_ratios", ())),
        _list(facts.get("resolutions", ())),
        _price(facts.get("price")),
        _notes(facts),
    )


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


def _price(price: Mapping[str, Any] | None) -> str:
    if not price:
        return "unknown"
    return f"{'; '.join(map(_tier, price['tiers']))} ({price['source']}, {price['as_of']})"


def _tier(tier: Mapping[str, Any]) -> str:
    sound = {None: "", True: "sound", False: "silent"}[tier.get("sound")]
    if "usd_per_million_tokens" in tier:
        amount = f"{tier['usd_per_million_tokens']} per million tokens"
    elif "usd_per_clip" in tier:
        low = f"{tier['lowest_usd_per_clip']} to " if "lowest_usd_per_clip" in tier else ""
        amount = f"{low}{tier['usd_per_clip']} per clip"
    else:
        amount = f"{tier['usd_per_s']} per second"
    given = {"text": "text only", "image": "with images"}.get(tier.get("input", ""), "")
    return " ".join(filter(None, (tier.get("resolution", ""), tier.get("mode", ""), sound, given, amount)))


def _notes(facts: Mapping[str, Any]) -> str:
    aliases = f"also {', '.join(f'`{alias}`' for alias in facts['aliases'])}" if facts.get("aliases") else ""
    sunset = f"sold until {facts['sunset']}" if facts.get("sunset") else ""
    return "; ".join(filter(None, (aliases, sunset)))
