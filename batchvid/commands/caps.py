"""Converts the budgets of a manifest and the limits of a run to caps."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest import Budget, ManifestModel
from batchvid.runner.budget.caps import Cap, Period, SpendingLimits


def build_caps(settings: ManifestModel, limits: SpendingLimits | None = None) -> tuple[Cap, ...]:
    """All caps: those of the manifest's budgets, and those of a run with these limits."""
    caps = list(_budget_caps("budget", settings.budget))
    for name, provider in settings.providers.items():
        if provider.budget:
            caps += _budget_caps(f"providers.{name}.budget", provider.budget, provider=name)
    for tag, budget in settings.budget.tags.items():
        caps += _budget_caps(f"budget.tags.{tag}", budget, tag=tag)
    if limits is not None:
        unpriced = settings.budget.allow_unpriced
        caps.append(Cap(prefix="--max-", limits=limits, allow_unpriced=unpriced, period=Period.RUN))
    return tuple(cap for cap in caps if cap.limits != SpendingLimits())


def _budget_caps(name: str, budget: Budget, *, provider: str = "", tag: str = "") -> Iterator[Cap]:
    parts = {
        (f"{name}.", Period.ALWAYS): budget,
        (f"{name}.per_day.", Period.DAY): budget.per_day,
        (f"{name}.per_run.", Period.RUN): budget.per_run,
    }
    for (prefix, period), limits in parts.items():
        yield Cap(
            prefix=prefix,
            limits=SpendingLimits(usd=limits.usd, clips=limits.clips, seconds=limits.seconds),
            budget=name,
            allow_unpriced=budget.allow_unpriced,
            period=period,
            provider=provider,
            tag=tag,
        )
