"""Policies of a model at a provider: poll interval, charge on failure, link lifetime, cost of tokens."""

from __future__ import annotations

from decimal import Decimal

from batchvid.catalog.model import POLL_EVERY_S, REFRESH_S, made_from
from batchvid.catalog.model_lookup import find_model
from batchvid.catalog.models import Models, built_in
from batchvid.catalog.provider import Provider
from batchvid.catalog.resolution import resolve_options
from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.failures import Charged
from batchvid.domain.poll_interval import PollInterval
from batchvid.errors import UsageError


def find_poll_interval(provider: Provider, model: str, models: Models | None = None) -> PollInterval:
    """The poll interval of a model at this provider. The provider's setting wins; unknown models have a default."""
    if provider.poll_every_s is not None:
        return PollInterval(provider.poll_every_s, provider.poll_every_s)
    try:
        known = find_model(models or built_in(), model, provider)
    except UsageError:
        return PollInterval(POLL_EVERY_S, REFRESH_S)
    return PollInterval(known.poll_every_s, known.refresh_s)


def charged_on_failure(provider: Provider, model: str, models: Models | None = None) -> Charged:
    """Whether this provider charges for a failed task of this model, if its reply does not contain that."""
    try:
        return find_model(models or built_in(), model, provider).charged_on_failure
    except UsageError:
        return Charged.UNKNOWN


def link_lifetime_s(provider: Provider, model: str, models: Models | None = None) -> float | None:
    """How long a finished clip of this model can be fetched, in seconds; None if unknown."""
    try:
        return find_model(models or built_in(), model, provider).link_lifetime_s
    except UsageError:
        return None


def cost_of_tokens(provider: Provider, request: ClipRequest, tokens: str, models: Models | None = None) -> str:
    """What the tokens of a finished task cost in US dollars; empty where its price is not per token, or not known."""
    if provider.free or not (tokens.isascii() and tokens.isdecimal()):
        return ""
    try:
        model = find_model(models or built_in(), request.model, provider)
    except UsageError:
        return ""
    resolution = resolve_options(model, request).resolution
    tier = model.tier_of(resolution=resolution, mode=request.mode, sound=request.sound, given=made_from(request))
    return tier.usd_of_tokens(Decimal(tokens)) if tier else ""
