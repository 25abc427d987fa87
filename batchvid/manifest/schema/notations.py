"""Other notations of ratios, lengths and numbers, for the message that says what to write instead. Pure.

Nothing here is accepted: each function only finds what is probably meant, or nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata

_NAMED_RATIOS = {
    **dict.fromkeys(("landscape", "horizontal", "widescreen", "wide", "youtube", "16by9"), "16:9"),
    **dict.fromkeys(("portrait", "vertical", "story", "stories", "reel", "reels", "shorts", "tiktok"), "9:16"),
    "square": "1:1",
}
_COMMON_RATIOS = ((16, 9), (9, 16), (1, 1), (4, 3), (3, 4), (21, 9), (3, 2), (2, 3), (4, 5), (5, 4))
_BASE_60 = {width * 60 + height: f"{width}:{height}" for width, height in _COMMON_RATIOS}
"""How YAML 1.1 reads a ratio without quotes: 16:9 becomes 969."""
_TWO_NUMBERS = re.compile(r"(\d{1,5})\s*(?::|/|x|×|\*|-|by|to|zu|à)\s*(\d{1,5})", re.IGNORECASE)
_CLOCK_RATIO = re.compile(r"(\d{1,2}):(\d{2}):00(?:\.0+)?")
"""How a spreadsheet writes a ratio that it took for a time: 16:9 becomes 16:09:00."""
_DATED_RATIO = re.compile(r"(?:18|19)\d\d-\d\d-\d\d[ Tt](\d{1,2}):(\d{2})(?::00(?:\.0+)?)?")
_SECONDS = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:s|sec|secs|second|seconds|sek|sekunden|segundos|secondes|秒)\.?", re.I)
_MILLISECONDS = re.compile(r"(\d+)\s*ms", re.I)
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})(?:\.0+)?")
_ISO_SECONDS = re.compile(r"PT(\d+)S", re.I)
_COMMA_NUMBER = re.compile(r"\d+,\d{1,2}")
_GROUPED = re.compile(r"\d{1,3}(?:[,.'’_ \u00a0\u202f]\d{3})+")


def ratio_hint(written: str) -> str:
    """`; write 16:9` for another notation of a ratio; empty for anything else."""
    text = _plain(written)
    found = _NAMED_RATIOS.get(text.replace(" ", "").replace("-", ""))
    if found is None and (clock := _CLOCK_RATIO.fullmatch(text)):
        found = f"{int(clock[1])}:{int(clock[2])}"
        return f"; a spreadsheet took it for a time: format the column as text, and write {found}"
    if found is None and (clock := _DATED_RATIO.fullmatch(text)):
        found = f"{int(clock[1])}:{int(clock[2])}"
        return f"; a spreadsheet took it for a time: format the column as text, and write {found}"
    if found is None and text.isdigit() and int(text) in _BASE_60:
        found = _BASE_60[int(text)]
        return f'; a program read {found} as a number: write "{found}" in quotes'
    if found is None and (pair := _TWO_NUMBERS.match(text)):
        found = _reduced(int(pair[1]), int(pair[2]))
    if found is None:
        found = _of_quotient(text)
    return f"; write {found}" if found else ""


def seconds_hint(written: str) -> str:
    """`; write 8` for another notation of a length; empty for anything else."""
    text = _plain(written)
    if (match := _SECONDS.fullmatch(text)) or (match := _ISO_SECONDS.fullmatch(text)):
        return f"; write {match[1].replace(',', '.')}"
    if match := _MILLISECONDS.fullmatch(text):
        return f"; write {int(match[1]) / 1000:g}"
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        return f"; write {total}"
    return number_hint(written)


def number_hint(written: str) -> str:
    """`; write 8.5` for another notation of a number; empty for anything else."""
    text = _plain(written)
    if _COMMA_NUMBER.fullmatch(text):
        return f"; write {text.replace(',', '.')}"
    if _GROUPED.fullmatch(text):
        return f"; write {re.sub(r'[^0-9]', '', text)}"
    return ""


def plain_number(written: str) -> str:
    """The number of a text such as `$5`, `5 usd` or `5,00`, as YAML reads it; empty for anything else."""
    text = re.sub(r"^[$€£]\s*|\s*([$€£]|usd|eur|dollars?|euros?)$", "", _plain(written)).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return text
    return number_hint(text).removeprefix("; write ")


def _plain(written: str) -> str:
    return unicodedata.normalize("NFKC", written).strip().casefold()


def _reduced(width: int, height: int) -> str | None:
    if not width or not height:
        return None
    common = math.gcd(width, height) if max(width, height) > 32 else 1
    return f"{width // common}:{height // common}"


def _of_quotient(text: str) -> str | None:
    """The common ratio that a quotient such as 1.78 stands for."""
    try:
        quotient = float(text.replace(",", "."))
    except ValueError:
        return None
    if "." not in text and "," not in text:
        return None
    return next((f"{w}:{h}" for w, h in _COMMON_RATIOS if abs(quotient - w / h) < 0.006), None)
