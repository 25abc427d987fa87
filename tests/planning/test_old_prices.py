"""A price that was seen long ago is named once, with its date."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from batchvid.catalog.price_age import age_days
from batchvid.cli.plan_output import describe_basis
from batchvid.domain.job_spec import Price
from batchvid.planning.old_prices import old_prices
from batchvid.planning.plan_types import JobPlan, PlanAction
from tests.builders import spec

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("as_of", "days"),
    [
        ("2026-11-29", 1),
        ("2026-11", 0),
        ("2026-10", 30),
        ("2025", 334),
        ("2026", 0),
        ("2027-01", 0),
        ("", None),
        ("soon", None),
        ("2026-13", None),
        ("2026-02-30", None),
        ("2026-01-01-01", None),
    ],
)
def test_the_age_of_a_price(as_of: str, days: int | None) -> None:
    """It is never more than what the date proves; what is no date has no age."""
    assert age_days(as_of, TODAY) == days


def job(model: str, as_of: str) -> JobPlan:
    """A job with a price of that date."""
    price = Price(usd=Decimal(1), basis="estimate: a list")
    return JobPlan(spec(model=model), PlanAction.NEW, "", price, price_as_of=as_of)


def test_only_old_prices_are_named() -> None:
    """One line however many jobs there are, and none without an old price."""
    fresh = [job("veo3-fast", "2026-05"), job("veo3.1", ""), job("sora-2", "2025-12")]
    assert list(old_prices(fresh, TODAY)) == []
    (line,) = old_prices([*fresh, *[job("gen3a_turbo", "2025-03")] * 3], TODAY)
    assert line.startswith("old prices: gen3a_turbo at cometapi (2025-03); batchvid models --refresh ")
    (line,) = old_prices([job(f"m{number}", "2024") for number in range(5)], TODAY)
    assert "m2 at cometapi (2024) and 2 more; " in line


@pytest.mark.parametrize(
    ("as_of", "shown"),
    [
        ("2026-05", "estimate: a list (6 months ago)"),
        ("2026-10-30", "estimate: a list (1 month ago)"),
        ("2026-11", "estimate: a list"),
        ("", "estimate: a list"),
    ],
)
def test_the_plan_shows_the_age(as_of: str, shown: str) -> None:
    """In whole months, beside the source and the date."""
    assert describe_basis(job("veo3-fast", as_of), TODAY) == shown
