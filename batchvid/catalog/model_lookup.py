"""Finds the model that a name means at a provider."""

from __future__ import annotations

from functools import lru_cache

from batchvid.catalog.model import Model
from batchvid.catalog.models import Models
from batchvid.catalog.provider import Provider
from batchvid.dialects import DIALECTS
from batchvid.near_matches import near_matches

NEAR = 0.85  # of difflib: a typing error, not another version of the model


def find_model(models: Models, name: str, provider: Provider | None) -> Model:
    """The model with that name at this provider.

    At a provider of the user's own that speaks one wire format, a name that the catalogue does not know is the
    provider's own id, without limits or price. Raises UsageError, with similar names, for any other unknown name.
    """
    if provider is not None and is_own_id(models, name, provider):
        return Model(name=name, dialect=provider.own_dialect)
    return models.find(name, provider.routes if provider else ())


def is_own_id(models: Models, name: str, provider: Provider) -> bool:
    """Whether a name is the provider's own id of a model, because the catalogue does not know it."""
    own = provider.own_dialect
    if not own or not name or models.named(name) or f"{own}/{name}" in models.rows:
        return False
    dialect, slash, vendor_id = name.partition("/")
    return not slash or dialect not in DIALECTS or (dialect != own and models.named(vendor_id) is None)


def own_id_warning(models: Models, name: str, provider: Provider) -> str:
    """Says that a name is sent as the provider's own id although it is nearly one of the catalogue; empty if not."""
    if not is_own_id(models, name, provider):
        return ""
    near = _near(name, tuple(row for row, model in models.rows.items() if model.dialect in provider.routes))
    words = f"{name} is sent as {provider.name}'s own model id; the catalogue has {' and '.join(near)}"
    return words if near else ""


@lru_cache(maxsize=256)
def _near(name: str, listed: tuple[str, ...]) -> tuple[str, ...]:
    """Once for all jobs of a model: comparing takes a millisecond."""
    return tuple(near_matches(name, listed, cutoff=NEAR))
