"""Costs that a reply names in US dollars, sensible or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.dialects.common.costs import actual_usd
from batchvid.domain.costs import cost_of


@pytest.mark.parametrize(
    ("layer", "usd", "counts"),
    [
        ({"usage": {"cost_in_usd_ticks": 3_100_000_000}}, "0.31", "0.31"),
        ({"usage": {"cost_in_usd_ticks": "3100000000"}}, "0.31", "0.31"),
        ({"usage": {"cost_in_usd_ticks": 10**30}}, "100000000000000000000", "1000000000"),
        ({"usage": {"cost_in_usd_ticks": -(10**9)}}, "-0.1", None),
        ({"usage": {"cost": 1000}}, "1000", "1000"),
        ({"usage": {"cost": -0.5}}, "-0.5", None),
        ({"cost_usd": "0.25"}, "0.25", "0.25"),
        ({"cost_usd": float("inf")}, "Infinity", "1000000000"),
        ({"cost_usd": "1e999"}, "1E+999", "1000000000"),
        ({"cost_usd": "nan"}, "NaN", None),
        ({"cost_usd": True}, "", None),
        ({"cost_usd": "much"}, "", None),
        ({"usage": {"cost": 5, "currency": "CNY"}}, "", None),
    ],
)
def test_a_cost_in_dollars_is_read_as_it_is(layer: dict[str, Any], usd: str, counts: str | None) -> None:
    """Also one that cannot be true: what counts is decided in one place, which reports it."""
    found = actual_usd([layer])
    assert found == usd
    cost = cost_of(found)
    assert (None if cost is None else f"{cost:f}") == counts


@given(st.floats() | st.integers() | st.text() | st.decimals(allow_nan=True).map(str))
def test_any_cost_is_a_short_text(value: Any) -> None:
    """Whatever the reply holds, nothing raises, and no text has a million digits."""
    found = actual_usd([{"usage": {"cost_in_usd_ticks": value, "cost": value}}])
    assert len(found) < 100
    cost_of(found)
