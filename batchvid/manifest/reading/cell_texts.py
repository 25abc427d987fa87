"""Cells with a type (of spreadsheets, JSON, YAML) as the texts that a CSV of the same table has. Pure."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGITS = 15  # significant digits that spreadsheets show; more are noise of binary fractions


def cell_text(value: Any) -> str:
    """The text of a cell, without space around it, and with line ends of one kind.

    `4` for 4.0, never an exponent; `TRUE` and `FALSE`; dates and times in ISO form, a date alone without a time;
    durations as `30:05:00`; the items of a list on lines of their own; nothing for None. Raises ValueError for a value
    that no cell can have.
    """
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise ValueError("contains half of a surrogate pair, which is no character")
        return with_plain_line_ends(value).strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return _list_text(value)
    if isinstance(value, dict):
        raise ValueError("is an object; a cell holds a text, a number, true, false, or a list of those")
    return _time_text(value)


def with_plain_line_ends(text: str) -> str:
    """Line ends as most programs write them inside a cell: one table must not make two requests."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def number_text(value: float) -> str:
    """A number with at most 15 significant digits, without an exponent and without zeros at its end."""
    if not math.isfinite(value):
        return str(value)
    if value.is_integer():
        return str(int(value))
    return f"{float(f'{value:.{_DIGITS}g}'):.{_decimals(value)}f}".rstrip("0").rstrip(".")


def _decimals(value: float) -> int:
    return max(1, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def _list_text(values: list[Any]) -> str:
    if any(isinstance(value, list | dict) for value in values):
        raise ValueError("is a list with lists or objects in it; a cell holds plain values")
    return "\n".join(text for text in map(cell_text, values) if text)


def _time_text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        moment = _rounded(value)
        return (moment.date() if moment.time() == datetime.time() else moment).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return _rounded(datetime.datetime.combine(datetime.date(2000, 1, 1), value)).strftime("%H:%M:%S")
    if isinstance(value, datetime.timedelta):
        return duration_text(value.total_seconds())
    raise ValueError(f"is a {type(value).__name__}, which no cell can have")


def _rounded(moment: datetime.datetime) -> datetime.datetime:
    """To whole seconds: a spreadsheet's time is a fraction of a day and misses by microseconds."""
    try:
        return (moment + datetime.timedelta(microseconds=500_000)).replace(microsecond=0)
    except OverflowError:
        return moment.replace(microsecond=0)


def duration_text(seconds: float) -> str:
    """`30:05:00` for 30 hours and 5 minutes."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    return f"{sign}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
