"""What can be bought and from whom: models and providers as data, and their readers. Nothing here talks to anybody."""

from __future__ import annotations

from batchvid.catalog.model import KINDS, POLL_EVERY_S, REFRESH_S, Model, ModelPrice, Tier, steps_words
from batchvid.catalog.model_policies import Pace, charged_on_failure, link_lifetime_s, pace_of
from batchvid.catalog.models import Models, built_in
from batchvid.catalog.provider import DEFAULT_PROVIDER, Provider, providers
from batchvid.catalog.resolution import Terms, check, terms_of
from batchvid.catalog.timeouts import Deadlines, deadlines_of
from batchvid.catalog.user_files import models_for

__all__ = [
    "DEFAULT_PROVIDER",
    "KINDS",
    "POLL_EVERY_S",
    "REFRESH_S",
    "Deadlines",
    "Model",
    "ModelPrice",
    "Models",
    "Pace",
    "Provider",
    "Terms",
    "Tier",
    "built_in",
    "charged_on_failure",
    "check",
    "deadlines_of",
    "link_lifetime_s",
    "models_for",
    "pace_of",
    "providers",
    "steps_words",
    "terms_of",
]
