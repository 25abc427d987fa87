"""What the text of a cell means: a number as people write it, a yes or no, a text in any case and width. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Number = int | float

_MAX_NUMBER_CHARS = 64


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff"))
_TRUE = _words(
    "true t yes y on 1 x checked ✓ ✔ ☑ ✅ wahr ja j vrai oui verdadero sí si verdadeiro sim vero sì waar sand sant "
    "tosi kyllä prawda tak pravda ano igaz igen adevărat da doğru evet истина да правда так 真 是 はい 예 참"
)
_FALSE = _words(
    "false f no n off 0 unchecked ✗ ✘ ❌ ☐ falsch nein faux non falso não onwaar nee falsk usann nej nei epätosi ei "
    "fałsz nie nepravda ne hamis nem fals nu yanlış hayır ложь нет хибність ні 假 否 いいえ 아니요 거짓"
)
_SYMBOLS = "$¢£¤¥֏؋৳฿₠-₿﷼"
_CODES = (
    "aed ars aud brl cad chf clp cny cop czk dkk egp eur gbp hkd huf idr ils inr isk jpy krw kwd mad mxn myr ngn nok "
    "nzd pen php pkr pln qar rmb ron rsd rub sar sek sgd thb try twd uah usd vnd zar euros? dollars? kr zł kč ft lei "
    "s?fr tl rs руб грн р 元 円 원"
).replace(" ", "|")
_UNIT = rf"(?:[a-z]{{0,3}}[{_SYMBOLS}]|(?:{_CODES})\.?)"
_WRITTEN = re.compile(
    rf"(?P<bracket>\()?\s?(?P<sign>[-+])?\s?(?:{_UNIT})?\s?(?P<inner>[-+])?\s?"
    rf"(?P<digits>[.,]?\d(?:[\d .,']*\d)?)(?P<round>[.,]-{{0,2}})?"
    rf"\s?(?P<after>-)?\s?(?:{_UNIT}|%|‰)?\s?(?P<closed>\))?",
    re.IGNORECASE,
)
_EXPONENT = re.compile(r"[-+]?\d+(?:[.,]\d+)?e[-+]?\d{1,3}", re.IGNORECASE)
_GROUPED = re.compile(r"(?P<whole>\d{1,3}([ '])\d{3}(?:\2\d{3})*)(?:(?P<mark>[.,])(?P<rest>\d+))?")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_BLANKS = re.compile(r"\s+")
_CHARACTERS = str.maketrans("\u2212\u2013\u2014\u2019\u2018\u02bc\u2032\u00b4`\u066b", "---'''''',")


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """The text without regard to case, width, kinds and numbers of blanks, and invisible characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE))
        text = unicodedata.normalize("NFKC", text.casefold())
    return _BLANKS.sub(" ", text.casefold())


def comparable(text: str) -> str:
    """The text as it is compared: folded, without blanks around it."""
    return folded(text).strip()


@lru_cache(maxsize=65_536)
def truth(text: str) -> bool | None:
    """The yes or no that a spreadsheet writes in some language; an empty cell is no. None for any other text."""
    word = comparable(text)
    if not word or word in _FALSE:
        return False
    if word in _TRUE:
        return True
    number = read_number(text, ".")
    return (
        {0: False, 1: True, -1: True}.get(int(number)) if number is not None and number in (0, 1, -1) else None
    )  # -1: of databases


@lru_cache(maxsize=65_536)
def read_number(text: str, decimal: str) -> Number | None:
    """The number that is written, None if there is none: `12,50`, `1.234,56`, `€ 12.-`, `CHF 1'234.50`, `12 %` (12).

    `decimal` decides what `1,234` is, where one separator stands before exactly three digits: see `is_ambiguous`.
    """
    parts = _parts(text)
    if parts is None:
        return None
    sign, whole, mark, rest = parts
    if mark and _is_open(whole, rest) and mark != decimal:
        whole, rest = whole + rest, ""
    try:
        value: Number = float(f"{whole or 0}.{rest}") if rest else int(whole)
    except ValueError:
        return _exponent(whole)
    return sign * value


@lru_cache(maxsize=65_536)
def is_ambiguous(text: str) -> bool:
    """Whether the text may be two numbers: `1,234` is 1234 or 1.234."""
    parts = _parts(text)
    return parts is not None and bool(parts[2]) and _is_open(parts[1], parts[3])


@lru_cache(maxsize=65_536)
def decimal_mark(text: str) -> str:
    """The decimal separator that the text shows, `,` or `.`; empty where it shows none: `12`, `1,234`, `abc`."""
    parts = _parts(text)
    if parts is None or (parts[2] and _is_open(parts[1], parts[3])):
        return ""
    if parts[2]:
        return parts[2]
    written = _digits(text)[1]
    mark = next((mark for mark in ",." if mark in written), "")
    if mark and not _EXPONENT.fullmatch(written):
        mark = "." if mark == "," else ","  # 1.234.567: thousands
    return mark


def _is_open(whole: str, rest: str) -> bool:
    """Whether the separator between these digits may be either. It is a decimal one in `0,125` and `1234,567`."""
    return whole.isdigit() and len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")


def _parts(text: str) -> tuple[int, str, str, str] | None:
    """(sign, digits, decimal separator, digits after it); the digits have no separators between thousands.

    An exponent stays in the digits: `1e5`. Thousands in a number with both separators, or with two of them, are clear;
    then the whole has `0` before it, so that nothing takes it for an open one.
    """
    sign, digits = _digits(text)
    if not digits:
        return None
    if _EXPONENT.fullmatch(digits):
        return sign, digits, "", ""
    if " " in digits or "'" in digits:
        match = _GROUPED.fullmatch(digits)
        if match is None:
            return None
        return sign, "0" + re.sub(r"\D", "", match["whole"]), match["mark"] or "", match["rest"] or ""
    marks = [character for character in digits if character in ".,"]
    if not marks:
        return sign, digits, "", ""
    last = marks[-1]
    if len(set(marks)) == 1 and len(marks) > 1:
        return (sign, re.sub(r"\D", "", digits), "", "") if _THOUSANDS.fullmatch(digits) else None
    whole, _, rest = digits.rpartition(last)
    if len(marks) == 1:
        return sign, whole, last, rest
    if last in marks[:-1] or not _THOUSANDS.fullmatch(whole):
        return None
    return sign, "0" + re.sub(r"\D", "", whole), last, rest


@lru_cache(maxsize=65_536)
def _digits(text: str) -> tuple[int, str]:
    """(sign, digits with their separators) without a currency or percent sign; no digits if it is no number."""
    text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_CHARACTERS)
    text = " ".join(text.split())
    if len(text) > _MAX_NUMBER_CHARS:
        return 1, ""
    if _EXPONENT.fullmatch(text):
        return 1, text
    match = _WRITTEN.fullmatch(text)
    if match is None or bool(match["bracket"]) is not bool(match["closed"]):
        return 1, ""
    signs = [match["sign"], match["inner"], match["after"]]
    if sum(map(bool, (*signs, match["bracket"]))) > 1:
        return 1, ""
    return -1 if "-" in signs or match["bracket"] else 1, match["digits"]


def _exponent(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) != float("inf") else None
