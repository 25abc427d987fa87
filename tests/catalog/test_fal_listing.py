"""fal's base prices: they count for clips with the default resolution, and never lower a built-in price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from batchvid.catalog import Model, ModelPrice, Tier
from batchvid.catalog.fal_listing import price_paths, tiers_of
from batchvid.catalog.provider_models import as_model


def model(**fields: Any) -> Model:
    """A model of fal."""
    return as_model("m", {"name": "m", "dialect": "kling", **fields})


def row(unit_price: Any = 0.4, unit: Any = "seconds", **fields: Any) -> dict[str, Any]:
    """A row of the price API; floats are text by then."""
    price = str(unit_price) if isinstance(unit_price, float) else unit_price
    return {"endpoint_id": "m", "unit_price": price, "unit": unit, "currency": "USD", **fields}


@pytest.mark.parametrize(
    ("given", "usd"),
    [
        (row(), "2.0"),
        (row(0.49, "videos"), "0.49"),
        (row(0.014, "units"), None),
        (row(0.00016, "compute seconds"), None),
        (row(currency="EUR"), None),
        (row(currency=None), "2.0"),
        (row(0), None),
        (row(-1), None),
        (row(10**9), None),
        (row(None), None),
        (row("free"), None),
        (row(True), None),
        (row(unit=None), None),
        (row(unit=["seconds"]), None),
        ({}, None),
    ],
)
def test_only_a_clear_price_counts(given: dict[str, Any], usd: str | None) -> None:
    """In seconds or clips, in dollars, above zero; with another resolution or an action it is unknown."""
    tiers = tiers_of(given, model())
    assert bool(tiers) == bool(usd)
    found = model(price={"tiers": tiers}) if tiers else model()
    assert found.price_of(5).usd == (Decimal(usd) if usd else None)
    assert found.price_of(5, resolution="4k").usd is None
    assert found.price_of(5, given="video").usd is None


def test_the_default_resolution_is_that_of_the_model() -> None:
    """Where one is always sent, the price is for that one."""
    found = model(price={"tiers": tiers_of(row(), model(default_resolution="720p"))})
    assert (found.price_of(5, resolution="720p").usd, found.price_of(5).usd) == (Decimal(2), None)


@pytest.mark.parametrize(("rate", "usd"), [("0.3", None), ("0.4", None), ("0.5", "0.5")])
def test_a_built_in_price_is_never_lowered(rate: str, usd: str | None) -> None:
    """The base price does not say for which sound it counts: a higher one replaces the general line alone."""
    tiers = (Tier(resolution="4k", usd_per_s=Decimal("0.6")), Tier(usd_per_s=Decimal("0.4")))
    known = model(price=ModelPrice(as_of="2026-11", source="a page", tiers=tiers))
    found = tiers_of(row(rate), known)
    assert found == ([tiers[0], {"usd_per_s": Decimal(usd)}] if usd else [])


def test_ids_are_asked_in_batches() -> None:
    """50 in a call at most, each once, and nothing in an id can change the call."""
    paths = list(price_paths([*(f"a/{number}" for number in range(51)), "a/1", "b&c=,d"]))
    assert [path.count(",") for path in paths] == [49, 1]
    assert paths[1].endswith("endpoint_id=a%2F50,b%26c%3D%2Cd")
