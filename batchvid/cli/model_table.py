"""The table of models: every column in a file or a pipe, those that fit on a narrow screen. No name is ever cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from batchvid.catalog import steps_words
from batchvid.catalog.model import FREE
from batchvid.cli.console import PIPE_COLUMNS, console_for_people

if TYPE_CHECKING:
    from batchvid.catalog import Model, Tier
    from batchvid.commands.models import Offer

WIDE = ("model", "wire format", "can", "seconds", "ratios", "resolutions", "price", "remarks")
NARROW = ("model", "can", "seconds", "price")
NARROWEST = ("model", "price")
MAX_TIERS = 3  # of a price
MAX_WIDTH = 100_000
MIN_COLUMN = 10  # characters; a word of any column but the first fits into it


def print_models(offers: Sequence[Offer], *, wide: bool) -> None:
    """One line for each model of each provider, or several where a screen is too narrow for one.

    With `wide`, and in a file or a pipe, each model has one line with everything.
    """
    console = console_for_people()
    is_whole = wide or not console.is_terminal
    if wide and console.is_terminal:
        console = Console(highlight=False, width=PIPE_COLUMNS)
    columns = _columns_that_fit(offers, console)
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column == "model" and _fits(offers, columns, console), overflow="fold")
    for offer in offers:
        cells = _cells(offer, is_narrow="remarks" not in columns)
        table.add_row(*(cells[column] for column in columns))
    if is_whole:
        unlimited = console.options.update(max_width=MAX_WIDTH)
        console.width = max(console.width, Measurement.get(console, unlimited, table).maximum)
    console.print(table)
    if "remarks" not in columns:
        console.print("--wide shows wire formats, ratios, resolutions and all remarks, on one line for each model")


def _columns_that_fit(offers: Sequence[Offer], console: Console) -> tuple[str, ...]:
    several = len({offer.provider for offer in offers if offer.provider}) > 1
    sets = [(*columns[:1], "provider", *columns[1:]) if several else columns for columns in (WIDE, NARROW, NARROWEST)]
    if console.width >= PIPE_COLUMNS:
        return sets[0]
    return next((columns for columns in (*sets[:3], NARROWEST) if _fits(offers, columns, console)), sets[2])


def _fits(offers: Sequence[Offer], columns: tuple[str, ...], console: Console) -> bool:
    """Whether the longest name has room beside the other columns."""
    longest = max((len(offer.name) for offer in offers), default=0)
    return longest + (MIN_COLUMN + 2) * (len(columns) - 1) <= console.width


def _cells(offer: Offer, *, is_narrow: bool) -> dict[str, str]:
    model = offer.model
    price, sunset = _price_words(model), f"sold until {model.sunset}" if model.sunset else ""
    return {
        "model": offer.name,
        "provider": offer.provider,
        "wire format": model.dialect,
        "can": " ".join(model.kinds),
        "seconds": steps_words(model.durations_s),
        "ratios": " ".join(model.aspect_ratios),
        "resolutions": " ".join(model.resolutions),
        "price": ", ".join(filter(None, (price, sunset))) if is_narrow else price,
        "remarks": _remarks(model),
    }


def _price_words(model: Model) -> str:
    if model.price is None:
        return "unknown"
    if model.price.source == FREE:
        return FREE
    dated = f" ({model.price.as_of})" if model.price.as_of else ""
    shown = list(map(_tier_words, model.price.tiers[:MAX_TIERS]))
    if (more := len(model.price.tiers) - MAX_TIERS) > 0:
        shown.append(f"and {more} more: --json")
    return f"{', '.join(shown)}{dated}"


def _tier_words(tier: Tier) -> str:
    sound = {None: "", True: "sound", False: "silent"}[tier.sound]
    amount = f"${tier.usd_per_s}/s"
    if tier.usd_per_million_tokens is not None:
        amount = f"${tier.usd_per_million_tokens}/M tokens"
    if tier.usd_per_clip is not None:
        low = "" if tier.lowest_usd_per_clip is None else f"{tier.lowest_usd_per_clip}-"
        amount = f"${low}{tier.usd_per_clip}/clip"
    given = {"text": "text only", "image": "with images"}.get(tier.input, "")
    return " ".join(filter(None, (tier.resolution, tier.mode, sound, given, amount)))


def _remarks(model: Model) -> str:
    remarks = (
        f"also {', '.join(model.aliases)}" if model.aliases else "",
        f"sold until {model.sunset}" if model.sunset else "",
        "" if model.charged_on_failure == "unknown" else f"charged on failure: {model.charged_on_failure}",
    )
    return "; ".join(filter(None, remarks))
