"""OpenRouter's list of video models (`GET /videos/models`): what each can do, and its price by SKU.

The names of SKUs are not documented; those below are the ones in use (openrouter.ai/api/v1/videos/models, 2026-11). A
model with any other name has no known price here, and neither has one that is billed by tokens or megapixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from batchvid.catalog import listing_values
from batchvid.catalog.listing_values import amount
from batchvid.catalog.model import MAX_USD_PER_CLIP, MAX_USD_PER_S, Model

PATHS = ("/videos/models", "/v1/videos/models", "/api/v1/videos/models")
"""Below the address and the prefix of the provider, by where its row begins."""
_RESOLUTION = r"(?:[-_](?P<resolution>[0-9]{3,4}p|[1-9]k))?"
_RATES = (
    (r"duration_seconds(?:_with(?:out)?_audio)?", "", 1),
    (r"text_to_video_duration_seconds", "text", 1),
    (r"image_to_video_duration_seconds", "image", 1),
    (r"cents_per_(?:video_output_second|second_output)", "", 100),
    (r"per[-_]video[-_]second", "", 1),
)
"""SKUs per second of the clip: name, the inputs that they are for, and the part of a dollar. Sound makes no difference:
which of the two is the default is not documented, and the dearer one counts."""
_PATTERNS = [(re.compile(name + _RESOLUTION), inputs, unit) for name, inputs, unit in _RATES]
_FOR_IMAGES = re.compile(r"reference_images|cents_per_image_input|reference_duration_seconds.*")
_FOR_VIDEOS = re.compile(r"cents_per_second_video_continuation.*|.*_with_video_input.*")
_MINIMUM = "minimum_cents_per_generation"
INPUTS = ("text", "image")

Rates = dict[tuple[int, str], dict[str, Decimal]]
"""The highest rate by SKU family and its inputs, then by resolution; empty: every other one."""


def fields_of(row: Mapping[str, Any], known: Model | None) -> dict[str, Any]:
    """What a row states about its model, but for its price."""
    found: dict[str, Any] = {}
    if steps := listing_values.durations(row.get("supported_durations")):
        default = known.default_duration_s if known else None
        found |= {"durations_s": steps, "default_duration_s": default if default in steps else _usual(steps, 5.0, 8.0)}
    if ratios := listing_values.ratios(row.get("supported_aspect_ratios")):
        default_ratio = known.default_ratio if known else ""
        found |= {
            "aspect_ratios": ratios,
            "default_ratio": default_ratio if default_ratio in ratios else _usual(ratios, "16:9"),
            "doubtful_ratios": (),
        }
    if words := listing_values.resolutions(row.get("supported_resolutions")):
        default_resolution = known.default_resolution if known else ""
        found |= {
            "resolutions": words,
            "default_resolution": default_resolution if default_resolution in words else _usual(words, "720p"),
        }
    return found


def tiers_of(row: Mapping[str, Any], durations_s: tuple[float, ...] = ()) -> list[dict[str, Any]]:
    """The price of a clip without images, and of one with images, by resolution; empty if any of it is unclear.

    `durations_s` are the lengths that are sold. An action on another clip has no known price.
    """
    skus = row.get("pricing_skus")
    if not isinstance(skus, dict) or not skus:
        return []
    rates: Rates = {}
    inputs = list(INPUTS)
    for name, value in skus.items():
        if _FOR_IMAGES.fullmatch(str(name)):
            inputs = ["text"]  # so much for each image: no line can say that
        elif name != _MINIMUM and not _FOR_VIDEOS.fullmatch(str(name)) and not _add_rate(rates, str(name), value):
            return []
    words = {word for by_word in rates.values() for word in by_word if word}
    listed = listing_values.resolutions(row.get("supported_resolutions"))
    tiers = [
        tier
        for given in inputs
        for word in sorted({*words, *listed})
        if (tier := _tier(rates, given, word)) is not None
    ]
    tiers += [tier for given in inputs if (tier := _any_tier(tiers, rates, given, listed)) is not None]
    return tiers if _exceeds_minimum(skus, tiers, durations_s) else []


def _add_rate(rates: Rates, name: str, value: Any) -> bool:
    """Whether it is a SKU per second with an amount."""
    for number, (pattern, _inputs, unit) in enumerate(_PATTERNS):
        if found := pattern.fullmatch(name):
            rate = amount(value, MAX_USD_PER_S * unit)
            if rate is None:
                return False
            word = found["resolution"] or ""
            by_word = rates.setdefault((number, _PATTERNS[number][1]), {})
            by_word[word] = max(by_word.get(word, Decimal(0)), rate / unit)
            return True
    return False


def _tier(rates: Rates, given: str, word: str) -> dict[str, Any] | None:
    """The highest rate that may apply: of each SKU family that of the resolution, else that of every other one."""
    fitting = [by_word.get(word, by_word.get("")) for (_, inputs), by_word in rates.items() if inputs in ("", given)]
    found = [rate for rate in fitting if rate is not None]
    return {"resolution": word, "input": given, "usd_per_s": max(found)} if found else None


def _any_tier(tiers: list[dict[str, Any]], rates: Rates, given: str, listed: tuple[str, ...]) -> dict[str, Any] | None:
    """The line for a clip whose resolution is not set: the highest of all, if each of them has a price."""
    mine = {tier["resolution"]: tier["usd_per_s"] for tier in tiers if tier["input"] == given}
    general = _tier(rates, given, "")
    if general is not None:
        mine[""] = general["usd_per_s"]
    is_complete = general is not None or (bool(listed) and set(listed) <= mine.keys())
    return {"input": given, "usd_per_s": max(mine.values())} if mine and is_complete else None


def _exceeds_minimum(skus: Mapping[str, Any], tiers: list[dict[str, Any]], durations_s: tuple[float, ...]) -> bool:
    """Whether every clip costs at least the minimum of a generation, if there is one."""
    if _MINIMUM not in skus:
        return True
    minimum = amount(skus[_MINIMUM], MAX_USD_PER_CLIP * 100)
    shortest = Decimal(str(durations_s[0])) if durations_s else Decimal(0)
    return minimum is not None and all(tier["usd_per_s"] * shortest >= minimum / 100 for tier in tiers)


def _usual(values: tuple[Any, ...], *usual: Any) -> Any:
    """The first of the usual values that is sold, else the first of all."""
    return next((value for value in usual if value in values), values[0])
