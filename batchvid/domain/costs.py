"""What an attempt counts as once the vendor's reply names its cost. Pure.

The price of an attempt is an estimate. A cost in a reply replaces it, above or below. Only a cost that cannot be true
leaves the estimate in force: no number, below zero, or zero for a call that has a price (a relay that passes the bill
to the user's own upstream account reports 0; so does a reply that is written before the task is billed).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from batchvid.domain.failures import Charged
from batchvid.domain.job_spec import Price

MAX_COST_USD = Decimal(10**9)  # a higher cost counts as this: it exceeds every cap
SMALLEST_COST_USD = Decimal("1e-10")  # one tick of xAI's
IMPLAUSIBLE_FACTOR = 1000  # a cost of so many times the estimate is reported as implausible, and counts


def usd_of_units(units: Mapping[str, str], worth: Mapping[str, Decimal]) -> str:
    """The cost that a reply names in the vendor's own units, in US dollars; empty where none of them has a worth.

    >>> usd_of_units({"credits": "60"}, {"credits": Decimal("0.01")})
    '0.60'
    """
    for name, usd in worth.items():
        try:
            amount = Decimal(units.get(name, ""))
        except ArithmeticError:
            continue
        if amount.is_finite():
            return f"{amount * usd:f}"
    return ""


def cost_of(actual_usd: str) -> Decimal | None:
    """What an attempt with this cost in its reply counts as; None where its price stays in force."""
    if not actual_usd:
        return None
    try:
        amount = Decimal(actual_usd)
    except ArithmeticError:
        return None
    if amount.is_nan() or amount <= 0:
        return None
    exact = min(amount, MAX_COST_USD).quantize(SMALLEST_COST_USD, rounding=ROUND_CEILING)
    return Decimal(f"{exact.normalize():f}")


def cost_above(price: Price, actual_usd: str) -> Decimal | None:
    """What an attempt counts as from now on if the reply of its submit names more than its price; None otherwise.

    A lower cost may be a part of it, or one that is not final: the price stays in force until the task has ended.
    """
    cost = cost_of(actual_usd)
    return cost if cost is not None and (price.usd is None or cost > price.usd) else None


def charged_with(charged: Charged, actual_usd: str) -> Charged:
    """Whether a failed attempt was charged, given the cost in its reply.

    A cost means that it was. Beside a clear "not charged" it is a contradiction: the attempt counts until it is clear.
    """
    if cost_of(actual_usd) is None:
        return charged
    return Charged.UNKNOWN if charged is Charged.NO else Charged.YES


def describe_cost(price: Price, actual_usd: str, *, is_final: bool = True) -> str:
    """What a person should know about the cost in a reply; empty where the price covers it.

    `is_final` is false before the task has ended.
    """
    if not actual_usd:
        return ""
    cost, shown = cost_of(actual_usd), actual_usd[:40]
    if cost is None:
        if price.usd is None or not price.usd or _is_zero(actual_usd):
            return ""
        return f"the reply names a cost of {shown} USD, which cannot be: the estimate of ${price.usd:f} counts"
    if price.usd is None or cost <= price.usd:
        return ""
    much = f", more than {IMPLAUSIBLE_FACTOR} times as much" if cost > price.usd * IMPLAUSIBLE_FACTOR > 0 else ""
    charged = "charged" if is_final else "may charge"
    return f"the vendor {charged} ${cost:f}, the estimate was ${price.usd:f}{much}: ${cost:f} counts under every cap"


def _is_zero(actual_usd: str) -> bool:
    try:
        return Decimal(actual_usd) == 0
    except ArithmeticError:
        return False
