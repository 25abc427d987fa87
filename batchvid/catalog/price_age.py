"""How old a price is. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

MAX_PRICE_AGE_DAYS = 365  # vendors change their price lists a few times a year
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def age_days(as_of: str, today: date) -> int | None:
    """Days since a price was seen, at least: `2026-05` is the last day of May. None if the date is unknown.

    >>> age_days("2026-05", date(2026, 6, 10)), age_days("2026", date(2026, 6, 10)), age_days("May", date(2026, 6, 10))
    (10, 0, None)
    """
    found = _DATE.fullmatch(as_of)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    try:
        seen = date(year, month, int(found[3] or monthrange(year, month)[1]))
    except ValueError:
        return None
    return max(0, (today - seen).days)
