"""What spreadsheets make of cells that nobody edited: numbers, dates, truth values, lost letters. Pure.

Excel and LibreOffice convert a cell of a CSV that looks like one of these when they open the file, and write what they
show when they save it: `1E5` comes back as `1.00E+05`, `3-4` as `03. Apr`, `00123` as `123`, `TRUE` as `WAHR`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_TRUE = frozenset(
    "true wahr vrai verdadero vero waar sant sand prawda истина ИСТИНА doğru 真 真值 참".casefold().split()
)
_FALSE = frozenset("false falsch faux falso onwaar falskt falsk fałsz ложь yanlış 假 假值 거짓".casefold().split())
_NUMBER = re.compile(r"[+-]?[\d.,'’ \u00a0\u202f]*\d[\d.,'’ \u00a0\u202f]*([eE][+-]?\d{1,3})?\s?%?")
_MONTHS = (
    "jan", "feb", "mar", "mär", "mrz", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov", "dec",
    "dez", "janv", "fév", "fev", "avr", "juin", "juil", "août", "déc", "ene", "abr", "ago", "dic", "set", "out",
)  # fmt: skip
_DIGIT_DATE = re.compile(r"\d{1,4}(?P<mark>[-/. ])\d{1,4}((?P=mark)\d{1,4})?\.?")
_MONTH_DATE = re.compile(r"(\d{1,4}[-./ ]{0,2})?([^\W\d_]{3,10})\.?([-./ ]{0,2}\d{1,4})?([-,./ ]{1,2}\d{1,4})?")
_TIME = re.compile(r"\d{1,4}:\d{1,2}(:\d{1,2}([.,]\d+)?)?( ?[ap]\.?m\.?)?", re.IGNORECASE)
_DATE_TIME = re.compile(r"(?P<date>\S.*\S)[ T]\d{1,2}:\d{2}(:\d{2})?")
_LOOSE_DATE = re.compile(
    r"\d{1,4}([-/. \u00a0年月日년월일]{1,3}|[-/. ]*[^\W\d_]{2,10}[-/. ]*)(\d{1,4}([-/. ]{0,2}\d{1,4})?)?[. 日일]*"
    r"([ T]\d{1,2}:\d{2}(:\d{2})?)?|[^\W\d_]{3,10}[-/. ]{0,2}\d{1,4}"
)
_INT = re.compile(r"\d+")
_FIRST_DAY = date(1899, 12, 30)
_NOON = 12
_MIN_YEAR = 1900
_DATE_PARTS = 3
_SHOWN_DIGITS = 5e-3  # of a number in scientific notation, which Excel shows with two decimals
_DOUBLE_DIGITS = 1e-14  # a spreadsheet keeps 15 digits
_MAX_CHARS = 40  # of a number or a date


def is_rewritten(before: str, after: str) -> bool:
    """Whether a spreadsheet may have made the second text from the first one, without an edit."""
    before, after = before.strip(), after.strip()
    if before == after:
        return True
    if is_lossy(before, after):
        return True
    if not before or not after or max(len(before), len(after)) > _MAX_CHARS:
        return False
    kinds = (kind_of(before), kind_of(after))
    if _NUMBER.fullmatch(before) and _NUMBER.fullmatch(after) and _is_same_number(before, after):
        return True
    if kinds == ("a truth value", "a truth value"):
        return (before.casefold() in _TRUE) == (after.casefold() in _TRUE)
    return kinds[0] in ("a date", "a time") and _is_same_date(before, after)


def kind_of(text: str) -> str:
    """`a number`, `a date`, `a time` or `a truth value`, as a spreadsheet reads it; else empty."""
    text = text.strip()
    if text.casefold() in _TRUE | _FALSE:
        return "a truth value"
    if len(text) > _MAX_CHARS:
        return ""
    if _TIME.fullmatch(text):
        return "a time"
    if _is_date(text):
        return "a date"
    return "a number" if _NUMBER.fullmatch(text) else ""


def is_lossy(before: str, after: str) -> bool:
    """Whether only letters outside of ASCII were lost, as when a file is saved in an encoding without them."""
    return len(before) == len(after) and all(
        old == new or (new in "?_\ufffd" and not old.isascii()) for old, new in zip(before, after, strict=True)
    )


def lost_letters(before: str, after: str) -> str:
    """The letters that an edited text seems to have lost with the file's encoding; empty if none."""
    if "\ufffd" in after and "\ufffd" not in before:
        return "\ufffd"
    gone = "".join(dict.fromkeys(letter for letter in before if not letter.isascii() and letter not in after))
    marks = re.search(r"\?\?+|\w\?\w|(?<!\S)\?\w", after)
    return gone if gone and marks and not re.search(r"\?\?+|\w\?\w|(?<!\S)\?\w", before) else ""


def _is_date(text: str) -> bool:
    if with_time := _DATE_TIME.fullmatch(text):
        text = with_time["date"]
    if _DIGIT_DATE.fullmatch(text):
        return True
    found = _MONTH_DATE.fullmatch(text)
    return bool(found and found[2].casefold().startswith(_MONTHS) and any(map(str.isdigit, text)))


def _is_same_date(before: str, after: str) -> bool:
    """Whether the numbers of a date or a time are those of the other text; months may be words of any language."""
    if after.isdecimal() and len(after) == len("46082"):
        day = _FIRST_DAY + timedelta(days=int(after))
        return _ints(before) <= {day.year, day.year % 100, day.month, day.day}
    if not (_LOOSE_DATE.fullmatch(after) or _TIME.fullmatch(after)):
        return False
    old, new = _ints(before), _ints(after) - {0}
    known = old | {number % 100 for number in old} | {number + _NOON for number in old if kind_of(before) == "a time"}
    years = {number for number in new - known if number >= _MIN_YEAR or len(_INT.findall(before)) < _DATE_PARTS}
    return bool(new & known) and len(years) <= 1 and new - known <= years


def _ints(text: str) -> set[int]:
    return {int(digits) for digits in _INT.findall(text)}


def _is_same_number(before: str, after: str) -> bool:
    near = _SHOWN_DIGITS if "e" in after.casefold() else _DOUBLE_DIGITS
    return any(abs(old - new) <= near * max(abs(old), abs(new)) for old in _numbers(before) for new in _numbers(after))


def _numbers(text: str) -> set[float]:
    """What a number may mean: countries differ in which of comma and point is the decimal mark."""
    digits = re.sub(r"[' ’\u00a0\u202f]", "", text)
    scale = 0.01 if digits.endswith("%") else 1.0
    digits = digits.rstrip("%")
    found = set[float]()
    for decimal, thousands in ((".", ","), (",", ".")):
        plain = digits.replace(thousands, "").replace(decimal, ".")
        try:
            found |= {float(plain) * scale}
        except ValueError:
            continue
    return found
