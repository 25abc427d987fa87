"""Values of a vendor's list, read tolerantly: what is odd is left out, and no price is ever invented."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from batchvid.catalog.model import MAX_STEP_S

MAX_NAME_CHARS = 128
MAX_VALUES = 1_000  # of one list in a row
_RATIO = re.compile(r"[1-9][0-9]{0,2}:[1-9][0-9]{0,2}")
_RESOLUTION = re.compile(r"[1-9][0-9]{2,3}p|[1-9]k")


def name_of(row: Mapping[str, Any], key: str = "id") -> str:
    """The name of a row's model; empty if it has none that can be used."""
    name = row.get(key)
    is_valid = isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME_CHARS and " " not in name
    return str(name) if is_valid else ""


def amount(value: Any, most: Decimal) -> Decimal | None:
    """An amount of money above zero and up to `most`. None for everything else: 0 in a list is no gift."""
    try:
        found = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal(-1)
    except ArithmeticError:
        return None
    return found if found.is_finite() and 0 < found <= most else None


def durations(value: Any) -> tuple[float, ...]:
    """Seconds, ascending."""
    found = {float(one) for one in _items(value) if isinstance(one, int) and not isinstance(one, bool)}
    return tuple(sorted(one for one in found if 0 < one <= MAX_STEP_S))


def ratios(value: Any) -> tuple[str, ...]:
    """Aspect ratios such as `16:9`, in the order of the list."""
    return tuple(dict.fromkeys(one for one in _items(value) if isinstance(one, str) and _RATIO.fullmatch(one)))


def resolutions(value: Any) -> tuple[str, ...]:
    """Resolutions such as `720p` and `4k`, in the order of the list."""
    words = (one.casefold() for one in _items(value) if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in words if _RESOLUTION.fullmatch(one)))


def _items(value: Any) -> list[Any]:
    return value[:MAX_VALUES] if isinstance(value, list) else []
