"""Models and providers as data, and their readers. No network."""

from __future__ import annotations

from batchvid.catalog.model import KINDS, POLL_EVERY_S, REFRESH_S, Model, ModelPrice, Tier, steps_words
from batchvid.catalog.model_lookup import find_model, models_of
from batchvid.catalog.model_policies import charged_on_failure, find_poll_interval, link_lifetime_s
from batchvid.catalog.models import Models, built_in
from batchvid.catalog.provider import DEFAULT_PROVIDER, Provider, providers
from batchvid.catalog.resolution import ResolvedOptions, check, resolve_options
from batchvid.catalog.timeouts import Deadlines, timeouts_for
from batchvid.catalog.user_files import load_models

__all__ = [
    "DEFAULT_PROVIDER",
    "KINDS",
    "POLL_EVERY_S",
    "REFRESH_S",
    "Deadlines",
    "Model",
    "ModelPrice",
    "Models",
    "Provider",
    "ResolvedOptions",
    "Tier",
    "built_in",
    "charged_on_failure",
    "check",
    "find_model",
    "find_poll_interval",
    "link_lifetime_s",
    "load_models",
    "models_of",
    "providers",
    "resolve_options",
    "steps_words",
    "timeouts_for",
]
