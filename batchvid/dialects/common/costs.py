"""What a reply says that a task cost: in US dollars where the unit is documented, and whether a failure was charged.

Sources: X-proto (ticks), OpenRouter's video API (`usage.cost` in USD), fields that name their unit. A number without a
documented unit is never taken for money.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from batchvid.dialects.common.json_values import Path, dig
from batchvid.domain.failures import Charged

USD_TICKS = 10**10  # xAI counts 1 USD as 10^10 ticks
MAX_USD = 10**8
"""More than this is no price of a clip."""
MAX_DIGITS = 20

USD_PLACES: tuple[Path, ...] = (
    ("usage", "cost_usd"),
    ("usage", "total_cost_usd"),
    ("cost_usd",),
    ("total_cost_usd",),
    ("price_usd",),
    ("charged_usd",),
    ("cost", "usd"),
    ("usage", "cost"),  # OpenRouter
)
"""Where a price in US dollars stands in a layer, in order."""

AMOUNT_KEYS = ("cost", "total_cost", "price", "total_price", "amount", "charge")
"""A price whose currency stands beside it or inside it."""

_TOLD_FREE = ("charged", "billed", "is_charged", "is_billed", "billable")
_TOLD_REFUNDED = ("refunded", "is_refunded", "refund_issued", "credits_refunded")

_WAS = r"(?:has|have|had|was|were|is|are|will|be|been|fully|automatically)"
_NOT_CHARGED = re.compile(
    "|".join(
        (
            r"\b(?:not|never|won't|wasn't|weren't|isn't)\s+(?:be(?:en)?\s+)?(?:charged|billed|deducted|debited)\b",
            r"\bno\s+(?:charges?|cost|credits?\s+(?:were|was|have\s+been)\s+\w+)\b",
            r"\b(?:free\s+of\s+charge|without\s+charge|not\s+billable|unbilled)\b",
            rf"\b(?:credits?|points?|quota|balance|cost|charge|amount|payment|units?|tokens?|you)\s+(?:{_WAS}\s+)+"
            r"(?:refunded|returned|restored|reimbursed)\b",
            r"\b(?:credits?|fully|automatically)\s+refunded\b",
            r"\brefund\s+(?:has\s+been\s+|was\s+)?(?:issued|processed|completed)\b",
            r"(?:不会|未|不|没有|并未|不會)(?:被)?(?:扣费|扣費|计费|計費|收费|收費|扣款|扣除|扣点)",
            r"(?:已|会|自动|全额)(?:自动|全额)?(?:退款|退还|退回|返还|退費|退费)",
        )
    ),
    re.I,
)
_NO_REFUND = re.compile(r"\b(?:no|not|non|never|cannot)\b[\s-]*(?:be\s+)?refund|不予?退|无法退", re.I)


def actual_usd(layers: Iterable[Mapping[str, Any]]) -> str:
    """Read the price really paid, as decimal text; empty where the vendor does not say it in US dollars.

    A price that cannot be true is returned as well: domain/costs.py decides what counts, and it is reported.
    """
    for layer in layers:
        ticks = dig(layer, ("usage", "cost_in_usd_ticks"))
        is_written = isinstance(ticks, str) and ticks.isascii() and ticks.isdecimal()  # JSON of a protocol buffer
        if (is_written or isinstance(ticks, int | float)) and (amount := _number(ticks)) is not None:
            return _plain(amount / USD_TICKS)
        for place in USD_PLACES:
            if (amount := _number(dig(layer, place))) is not None and not _other_currency(dig(layer, place[:-1])):
                return _plain(amount)
        for where in (layer, layer.get("usage"), layer.get("billing")):
            if (amount := _with_currency(where)) is not None:
                return _plain(amount)
        if (amount := _sum_of(layer.get("billing"))) is not None:
            return _plain(amount)
    return ""


def was_charged(layers: Iterable[Mapping[str, Any]], units: str, usd: str, sentence: str) -> Charged:
    """Read whether a failed task was charged: by a field, the units or dollars that it cost, then by words.

    `units` is what the vendor counts, empty where it names none; `sentence` is the vendor's own words.
    """
    for layer in layers:
        for where in (layer, layer.get("billing"), layer.get("usage")):
            if isinstance(where, dict):
                if any(where.get(key) is False for key in _TOLD_FREE) or any(
                    where.get(key) is True for key in _TOLD_REFUNDED
                ):
                    return Charged.NO
                if any(where.get(key) is True for key in _TOLD_FREE):
                    return Charged.YES
    amount = _amount(units) if units else _amount(usd)
    if amount is not None:
        return Charged.YES if amount > 0 else Charged.NO
    return Charged.NO if _NOT_CHARGED.search(sentence) and not _NO_REFUND.search(sentence) else Charged.UNKNOWN


def _sum_of(bills: object) -> Decimal | None:
    """Add up a list of charges, Kling's `billing`; None unless each is in US dollars."""
    amounts = [_with_currency(bill) for bill in bills] if isinstance(bills, list) else []
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _with_currency(where: object) -> Decimal | None:
    """Read an amount that names US dollars, beside its currency or as an object that holds both."""
    if not isinstance(where, dict):
        return None
    for key in AMOUNT_KEYS:
        value = where.get(key)
        if isinstance(value, dict):
            if (amount := _with_currency(value)) is not None:
                return amount
        elif _is_usd(where) and (amount := _usd(value)) is not None:
            return amount
    if _is_usd(where):
        return _usd(where.get("value"))
    return None


def _is_usd(where: Mapping[str, Any]) -> bool:
    return any(unit.strip().casefold() in ("usd", "$", "us$", "dollars", "us dollars") for unit in _units(where))


def _other_currency(where: object) -> bool:
    """Whether an amount stands beside a currency or a unit other than US dollars."""
    return isinstance(where, dict) and bool(_units(where)) and not _is_usd(where)


def _units(where: Mapping[str, Any]) -> list[str]:
    return [value for key in ("currency", "unit", "currency_code") if isinstance(value := where.get(key), str)]


def _usd(value: object) -> Decimal | None:
    """Return a price in a sensible range, None for anything else."""
    amount = _amount(value)
    return amount if amount is not None and amount < MAX_USD else None


def _amount(value: object) -> Decimal | None:
    """Return a number of 0 or more, None for anything else."""
    amount = _number(value)
    return amount if amount is not None and amount.is_finite() and amount >= 0 else None


def _number(value: object) -> Decimal | None:
    """Return any number, also a negative or infinite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return Decimal(str(value)[:64])
    except (ArithmeticError, ValueError):  # ValueError: more digits than Python turns into text
        return None


def _plain(amount: Decimal) -> str:
    """Return the number without an exponent, unless it is no price anyhow."""
    if not amount.is_finite() or abs(amount.adjusted()) > MAX_DIGITS:
        return str(amount)
    return format(amount.normalize(), "f")
