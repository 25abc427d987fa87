"""Finds the model that a name means at a provider."""

from __future__ import annotations

from functools import lru_cache

from batchvid.catalog.model import Model
from batchvid.catalog.models import Models
from batchvid.catalog.provider import Provider
from batchvid.catalog.provider_models import ProviderModels
from batchvid.dialects import DIALECTS
from batchvid.near_matches import near_matches

NEAR = 0.85  # of difflib: a typing error, not another version of the model


def find_model(models: Models, name: str, provider: Provider | None) -> Model:
    """The model with that name as this provider sells it: with its prices, limits and defaults.

    At a provider that speaks one wire format, a name that the catalogue does not know is the provider's own id,
    without limits or price. Raises UsageError, with similar names, for any other unknown name.
    """
    sold = models_of(models, provider)
    model = sold.found.get(name)
    if model is None:
        if provider is not None and is_own_id(models, name, provider):
            model = sold.as_unlisted(name, provider.own_dialect)
        else:
            model = sold.find(name, provider.routes if provider else ())
        sold.found[name] = model
    return model


def models_of(models: Models, provider: Provider | None) -> ProviderModels:
    """The models as this provider sells them. The emulator rehearses those of every provider.

    The prices of a vendor do not count where `base_url` leads to somebody else.
    """
    if provider is None:
        return models.at("", ())
    return models.at(provider.name, provider.routes, sees_all=provider.is_emulator, is_elsewhere=provider.is_elsewhere)


def is_own_id(models: Models, name: str, provider: Provider) -> bool:
    """Whether a name is the provider's own id of a model, because the catalogue does not know it."""
    own, sold = provider.own_dialect, models_of(models, provider)
    if not own or not name or sold.named(name) or f"{own}/{name}" in sold.rows:
        return False
    dialect, slash, vendor_id = name.partition("/")
    return not slash or dialect not in DIALECTS or (dialect != own and sold.named(vendor_id) is None)


def own_id_warning(models: Models, name: str, provider: Provider) -> str:
    """Says that a name is sent as the provider's own id although it is nearly one of the catalogue; empty if not."""
    if not is_own_id(models, name, provider):
        return ""
    rows = models_of(models, provider).rows
    near = _near(name, tuple(row for row, model in rows.items() if model.dialect in provider.routes))
    words = f"{name} is sent as {provider.name}'s own model id; the catalogue has {' and '.join(near)}"
    return words if near else ""


@lru_cache(maxsize=256)
def _near(name: str, listed: tuple[str, ...]) -> tuple[str, ...]:
    """Once for all jobs of a model: comparing takes a millisecond."""
    return tuple(near_matches(name, listed, cutoff=NEAR))
