"""What a task cost, in US dollars, where a definition says where it stands and in which unit."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from batchvid.dialects.json_task.definition import Definition
from batchvid.dialects.json_task.pointers import as_word, find

MAX_DIGITS = 20


def cost_usd(definition: Definition, document: object) -> str:
    """Return the cost in a reply as decimal text; empty where there is none, or no number."""
    word = as_word(find(document, definition.cost)) if definition.cost else None
    if not word or word in ("true", "false"):
        return ""
    try:
        amount = Decimal(word) * Decimal(str(1 if definition.usd_per_unit is None else definition.usd_per_unit))
    except InvalidOperation:
        return ""
    if not amount.is_finite() or abs(amount.adjusted()) > MAX_DIGITS:
        return ""
    return format(amount.normalize(), "f")
