"""The models that can be bought, and the update from a provider's list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batchvid import catalog
from batchvid.catalog import Model
from batchvid.catalog.remote_listing import Listing, cache_file, save
from batchvid.clock import utc_now
from batchvid.commands.event_loop import run_coroutine
from batchvid.errors import UsageError
from batchvid.net.provider_probe import fetch_listing
from batchvid.planning.availability import Availability
from batchvid.selection import matches_name


def models(folder: Path, *, pattern: str = "*", dialect: str = "", can: Sequence[str] = ()) -> dict[str, Model]:
    """The models for manifests in this folder that fit the pattern and have every requested ability, by name."""
    return {
        name: model
        for name, model in catalog.load_models(folder).rows.items()
        if matches_name(pattern, name) and dialect in ("", model.dialect) and set(can) <= set(model.kinds)
    }


def refresh(provider: str, folder: Path) -> Listing:
    """Fetch a provider's list of models and save it for every later plan.

    Raises UsageError for an unknown provider, WireError when the list cannot be fetched or read.
    """
    known = Availability(folder).providers
    if provider not in known or not known[provider].base_url:
        raise UsageError(f"provider {provider} has no list of models; providers are {', '.join(known)}")
    listing = run_coroutine(fetch_listing(known[provider], utc_now().date()))
    save(listing, cache_file())
    return listing
