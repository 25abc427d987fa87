"""How long a task may take and may be queued: the most specific setting of manifest, catalogue and provider."""

from __future__ import annotations

from dataclasses import dataclass

from batchvid.catalog.model import Model
from batchvid.catalog.model_lookup import find_model
from batchvid.catalog.models import Models, built_in
from batchvid.catalog.provider import Provider
from batchvid.errors import UsageError


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds from submit until a task times out: without a result, and (None: never) while it is queued."""

    verdict_s: float
    queue_s: float | None = None

    def next_s(self, age_s: float) -> float:
        """The next deadline of a task with that age, as an age in seconds."""
        if self.queue_s is None or age_s >= self.queue_s:
            return self.verdict_s
        return min(self.queue_s, self.verdict_s)


def timeouts_for(provider: Provider, model: str, models: Models | None = None) -> Deadlines:
    """The deadlines of this model's tasks at this provider, also for unknown models.

    The setting of the model at the provider wins over the model's in the catalogue, and that over the provider's.
    """
    try:
        row = find_model(models or built_in(), model, provider)
    except UsageError:
        row = None
    return find_deadlines(provider, model, row)


def find_deadlines(provider: Provider, model: str, row: Model | None) -> Deadlines:
    """The same, with the model's row of the catalogue; None for an unknown model."""
    names = dict.fromkeys((model, row.name if row else model, *(row.aliases if row else ())))
    verdict_s = next((provider.model_timeout_s[name] for name in names if name in provider.model_timeout_s), None)
    queue_s = next(
        (provider.model_queue_timeout_s[name] for name in names if name in provider.model_queue_timeout_s), None
    )
    if row is not None:
        verdict_s, queue_s = verdict_s or row.timeout_s, queue_s or row.queue_timeout_s
    return Deadlines(verdict_s or provider.timeout_s, queue_s or provider.queue_timeout_s)
