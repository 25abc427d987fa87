"""The models that can be bought, and the update from a provider's list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batchvid import catalog, manifest
from batchvid.catalog import Model, Models, Provider
from batchvid.catalog.remote_listing import NEEDS_KEY, Listing, cache_file, format_of, save
from batchvid.clock import utc_now
from batchvid.commands.batch_lookup import manifests_below
from batchvid.commands.event_loop import run_coroutine
from batchvid.errors import BatchvidError, UsageError
from batchvid.near_matches import near_matches
from batchvid.net.credentials import Credentials
from batchvid.net.listing_fetch import fetch_listing
from batchvid.planning.availability import Availability
from batchvid.quoting import quoted
from batchvid.selection import matches_name

MAX_MANIFESTS = 50  # of a folder, whose providers are read


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as a provider sells it; `provider` is empty if no configured provider speaks its wire format."""

    provider: str
    name: str
    model: Model


def models(
    folder: Path, *, pattern: str = "*", dialect: str = "", can: Sequence[str] = (), provider: str = ""
) -> list[Offer]:
    """What can be bought for manifests in this folder, of one provider or of each: also what no provider sells.

    Every offer fits the pattern and has every requested ability. Raises UsageError for an unknown provider.
    """
    configured = sellers(folder)
    if provider and provider not in configured:
        raise UsageError(f"unknown provider {quoted(provider)}; there are {', '.join(configured)}")
    return [
        offer
        for offer in _offers(catalog.load_models(folder), configured)
        if any(matches_name(pattern, one) for one in (offer.name, *offer.model.aliases))
        and provider in ("", offer.provider)
        and dialect in ("", offer.model.dialect)
        and set(can) <= set(offer.model.kinds)
    ]


def _offers(known: Models, configured: Mapping[str, Provider]) -> Iterator[Offer]:
    sold: set[str] = set()
    for seller in configured.values():
        for name, model in catalog.models_of(known, seller).rows.items():
            if model.dialect in seller.routes:
                sold.add(name)
                yield Offer(seller.name, name, model)
    yield from (Offer("", name, model) for name, model in known.rows.items() if name not in sold)


def sellers(folder: Path) -> dict[str, Provider]:
    """The configured providers: the default one, those of the user's files, and those of the manifests here.

    The emulator is none: it speaks everything and sells nothing. A manifest that cannot be read adds none.
    """
    configured = Availability(folder).providers
    found = {name: one for name, one in configured.items() if not one.free}
    for path in manifests_below(folder)[:MAX_MANIFESTS]:
        availability = Availability(folder)
        with suppress(BatchvidError, OSError):
            manifest.parse(path, checks=availability)
            found |= {name: one for name, one in availability.providers.items() if not one.free}
    return found


def similar_models(folder: Path, pattern: str) -> list[str]:
    """Names of the catalogue that are probably meant by a pattern that fits none: similar ones, or longer ones."""
    rows = catalog.load_models(folder).rows
    names = [*rows, *(alias for model in rows.values() for alias in model.aliases)]
    word = pattern.strip("*?")
    longer = [name for name in names if word and word.casefold() in name.casefold()]
    return near_matches(word, names) or longer[:5]


def provider_and_pattern(word: str, folder: Path) -> tuple[str, str | None]:
    """What the word after `--refresh` is: a provider, else the pattern that selects models."""
    return (word, None) if not word or word in Availability(folder).providers else ("", word)


def refresh(provider: str, folder: Path) -> Listing:
    """Fetch a provider's list of models and save it for every later plan.

    Raises UsageError for an unknown provider or a missing key, WireError when the list cannot be fetched or read.
    """
    availability = Availability(folder)
    known = availability.providers
    if provider not in known or not known[provider].base_url:
        raise UsageError(f"provider {provider} has no list of models; providers are {', '.join(known)}")
    row, keys = known[provider], Credentials(folder)
    access = keys.of(row) if format_of(row) in NEEDS_KEY else keys.way_to(row)
    sold = catalog.models_of(availability.models, row).rows.values()
    ids = [model.name for model in sold if model.dialect in row.routes]
    listing = run_coroutine(fetch_listing(row, utc_now().date(), access, known_ids=ids))
    save(listing, cache_file(provider))
    return listing
