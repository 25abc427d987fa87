"""Caps of a manifest: each key that limits something is one cap, named as the user wrote it."""

from __future__ import annotations

from decimal import Decimal

from batchvid import manifest
from batchvid.commands.caps import build_caps
from batchvid.runner.budget.caps import MEASURES, Cap, Period, SpendingLimits

CLIPS = [{"id": "kite", "prompt": "a kite"}]


def caps(budget: object, limits: SpendingLimits | None = None, **providers: object) -> dict[str, Cap]:
    """The caps of a manifest, by what stands before their measures."""
    settings = manifest.ManifestModel.model_validate({"clips": CLIPS, "budget": budget, "providers": providers})
    return {cap.prefix: cap for cap in build_caps(settings, limits)}


def test_no_budget_is_no_cap() -> None:
    """Nor is an empty one, or a run without an option."""
    assert caps({}) == {}
    assert (
        caps({"per_day": {}, "tags": {"hero": {}}, "allow_unpriced": True}, SpendingLimits(), cometapi={"budget": {}})
        == {}
    )


def test_every_part_of_a_budget_is_a_cap() -> None:
    """In all, a day, a run, a tag's and a provider's own, and the option of a run: whom and what each counts."""
    budget = {
        "usd": 40,
        "per_day": {"usd": "10.50"},
        "per_run": {"clips": 50},
        "tags": {"hero": {"seconds": 30, "per_day": {"clips": 2}}},
    }
    found = caps(budget, SpendingLimits(clips=3), cometapi={"budget": {"usd": 5, "allow_unpriced": True}})
    hero, office = "budget.tags.hero", "providers.cometapi.budget"
    five = SpendingLimits(usd=Decimal(5))
    assert found == {
        cap.prefix: cap
        for cap in (
            Cap(prefix="budget.", limits=SpendingLimits(usd=Decimal(40))),
            Cap(prefix="budget.per_day.", limits=SpendingLimits(usd=Decimal("10.50")), period=Period.DAY),
            Cap(prefix="budget.per_run.", limits=SpendingLimits(clips=50), period=Period.RUN),
            Cap(prefix=f"{hero}.", limits=SpendingLimits(seconds=30), budget=hero, tag="hero"),
            Cap(prefix=f"{hero}.per_day.", limits=SpendingLimits(clips=2), period=Period.DAY, budget=hero, tag="hero"),
            Cap(prefix=f"{office}.", limits=five, budget=office, provider="cometapi", allow_unpriced=True),
            Cap(prefix="--max-", limits=SpendingLimits(clips=3), period=Period.RUN),
        )
    }  # fmt: skip


def test_the_word_for_unknown_prices_counts_within_its_budget() -> None:
    """For all its periods and for --max-usd; neither for a tag nor for a provider, which say it themselves."""
    budget = {"allow_unpriced": True, "per_day": {"usd": 1}, "tags": {"hero": {"usd": 1}}}
    found = caps(budget, SpendingLimits(usd=Decimal(1)), cometapi={"budget": {"usd": 1}})
    assert {prefix for prefix, cap in found.items() if cap.allow_unpriced} == {"budget.per_day.", "--max-"}


def test_the_manifest_and_the_caps_have_the_same_measures() -> None:
    """A limit that a manifest can name is one that is held."""
    assert set(MEASURES) == set(manifest.BudgetLimits.model_fields)
