"""What can be bought: the catalogue for one folder, and a provider's own list laid over it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from batchvid import catalog
from batchvid.catalog import Model
from batchvid.catalog.remote_listing import Listing, cache_file, keep
from batchvid.clock import utc_now
from batchvid.errors import UsageError
from batchvid.net.provider_probe import fetch_listing
from batchvid.planning.availability import Availability
from batchvid.selection import matches_name


def models(folder: Path, *, pattern: str = "*", dialect: str = "", can: Sequence[str] = ()) -> dict[str, Model]:
    """The catalogue for manifests in this folder, by name: what fits the pattern and can do all that is asked."""
    return {
        name: model
        for name, model in catalog.load_models(folder).rows.items()
        if matches_name(pattern, name) and dialect in ("", model.dialect) and set(can) <= set(model.kinds)
    }


def refresh(provider: str, folder: Path) -> Listing:
    """Fetch a provider's own list of models and keep it, dated, for every later plan.

    Raises UsageError for a provider that is not known here, WireError when it cannot be asked or understood.
    """
    known = Availability(folder).providers
    if provider not in known or not known[provider].base_url:
        raise UsageError(f"provider {provider} has no list to ask for; there are {', '.join(known)}")
    listing = asyncio.run(fetch_listing(known[provider], utc_now().date()))
    keep(listing, cache_file())
    return listing
