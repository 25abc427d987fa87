"""What can be bought and from whom: models and providers as data, and their readers. Nothing here talks to anybody."""

from __future__ import annotations

from batchvid.catalog.model import KINDS, POLL_EVERY_S, Model, ModelPrice, Tier, steps_words
from batchvid.catalog.models import Models, built_in
from batchvid.catalog.own import models_for
from batchvid.catalog.provider import DEFAULT_PROVIDER, Provider, providers
from batchvid.catalog.wishes import Terms, check, terms_of
from batchvid.errors import UsageError
from batchvid.failures import Charged

__all__ = [
    "DEFAULT_PROVIDER",
    "KINDS",
    "POLL_EVERY_S",
    "Model",
    "ModelPrice",
    "Models",
    "Provider",
    "Terms",
    "Tier",
    "built_in",
    "charged_on_failure",
    "check",
    "models_for",
    "poll_every_s",
    "providers",
    "steps_words",
    "terms_of",
]


def poll_every_s(provider: Provider, model: str, models: Models | None = None) -> float:
    """How often to ask this provider about a task of this model, in seconds; for models no longer known, too."""
    if provider.poll_every_s is not None:
        return provider.poll_every_s
    try:
        return (models or built_in()).find(model, provider.routes).poll_every_s
    except UsageError:
        return POLL_EVERY_S


def charged_on_failure(provider: Provider, model: str, models: Models | None = None) -> Charged:
    """Whether this provider charges for a failed task of this model, where its reply does not say."""
    try:
        return (models or built_in()).find(model, provider.routes).charged_on_failure
    except UsageError:
        return Charged.UNKNOWN
