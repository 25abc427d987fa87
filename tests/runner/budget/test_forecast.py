"""How many clips the caps allow, before anything is bought."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from batchvid.runner.budget.budget import Budget, Charge
from batchvid.runner.budget.caps import Cap, Period, SpendingLimits
from batchvid.runner.budget.forecast import count_allowed
from tests.builders import at


def charge(usd: str | None = "0.50", *, provider: str = "cometapi", tags: tuple[str, ...] = ()) -> Charge:
    """One attempt of 4 seconds."""
    return Charge(provider, tags, at(), None if usd is None else Decimal(usd), 4.0)


def cap(prefix: str = "budget.", *, provider: str = "", tag: str = "", **limits: Any) -> Cap:
    """One cap."""
    return Cap(prefix=prefix, limits=SpendingLimits(**limits), provider=provider, tag=tag)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ({"usd": Decimal("2")}, 4),
        ({"usd": Decimal("1.99")}, 3),
        ({"usd": Decimal("100")}, 6),
        ({"clips": 2}, 2),
        ({"seconds": 9.0}, 2),
    ],
)
def test_each_limit_alone(limits: dict[str, Any], allowed: int) -> None:
    budget = Budget([cap(**limits)])
    (use,) = budget.uses([charge()] * 6)
    assert (use.key, use.planned, use.allowed) == (f"budget.{next(iter(limits))}", 6, allowed)
    assert count_allowed(budget, [charge()] * 6) == allowed


def test_what_earlier_runs_committed_counts_for_lasting_caps_only() -> None:
    caps = [cap(clips=5), Cap(prefix="--max-", limits=SpendingLimits(clips=3), period=Period.RUN)]
    budget = Budget(caps, [charge()] * 4)
    assert [(use.key, use.used, use.allowed) for use in budget.uses([charge()] * 6)] == [
        ("budget.clips", "4", 1),
        ("--max-clips", "0", 3),
    ]
    assert count_allowed(budget, [charge()] * 6) == 1


def test_a_cap_of_a_provider_stops_only_that_provider() -> None:
    budget = Budget([cap("providers.office.budget.", provider="office", clips=1)])
    charges = [charge(provider="office"), charge(provider="office"), charge(), charge()]
    (use,) = budget.uses(charges)
    assert (use.planned, use.allowed) == (2, 1)
    assert count_allowed(budget, charges) == 3


def test_a_reached_cap_ends_the_purchases_also_of_a_cheaper_clip() -> None:
    """As the run does it: what comes after the clip that does not fit is not bought; a tag's cap skips only its own."""
    charges = [charge("0.60"), charge("0.60"), charge("0.10")]
    assert count_allowed(Budget([cap(usd=Decimal("1"))]), charges) == 1
    tagged = [charge("0.60", tags=("hero",)), charge("0.60", tags=("hero",)), charge("0.10", tags=("hero",))]
    assert count_allowed(Budget([cap("budget.tags.hero.", tag="hero", usd=Decimal("1"))]), tagged) == 2


def test_an_attempt_that_no_cap_can_count_is_not_allowed() -> None:
    budget = Budget([cap(usd=Decimal("5"))])
    assert [use.allowed for use in budget.uses([charge(None), charge()])] == [1]
    assert count_allowed(budget, [charge(None), charge()]) == 1
