"""Find how long a reply requests to wait: in the headers of all vendors, in the error's fields, or in its words.

Sources: RFC 9110 10.2.3 (Retry-After), the SDKs of OpenAI and Alibaba (`retry-after-ms`), GitHub's and OpenAI's
`x-ratelimit-reset*`, the IETF draft ratelimit-headers, google.rpc.RetryInfo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

from batchvid.dialects.common.json_bodies import values
from batchvid.domain.wire import Response

EPOCH_FROM = 10**8  # as a wait this is three years, as Unix seconds 1973
EPOCH_MS_FROM = 10**11
MAX_WAIT_S = 400 * 86_400.0  # beyond a year it is no wait

_NUMBER = re.compile(r"\d{1,16}(\.\d{1,9})?|\.\d{1,9}")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+")
_TERM = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|[dhms])")
_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_LONG_UNITS = (
    ("milli", 1e-3),
    ("sec", 1.0),
    ("min", 60.0),
    ("hour", 3600.0),
    ("hr", 3600.0),
    ("day", 86_400.0),
    ("秒", 1.0),
    ("分", 60.0),
    ("小时", 3600.0),
    ("天", 86_400.0),
)
_AMOUNT = (
    r"~?\s*(\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|days?|秒|分钟|小时|天)"
)
_SENTENCE = re.compile(
    r"(?:try again|retry|retrying|retry_after|resets?|available(?: again)?|wait(?: for)?|reset)\s*(?:your request\s*)?"
    rf"(?:in|after|for|at least)?[\s:=]*(?:about|approximately|another|at least)?\s*{_AMOUNT}\b",
    re.I,
)
_CHINESE = re.compile(rf"{_AMOUNT}\s*(?:之?后|以后)(?:再|重)?试")
_COMPOUND = re.compile(r"(?:try again|retry|resets?) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|[dhms]))+)", re.I)

RETRY_HEADERS = ("retry-after", "x-retry-after", "x-ms-retry-after")
MS_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")
RESET_HEADERS = (
    *("x-ratelimit-reset-after", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-ratelimit-reset"),
    *("x-rate-limit-reset", "ratelimit-reset", "ratelimit"),
)
"""Consulted only for a refused rate: a success carries them as well."""
FIELDS_S = ("retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds", "retry_after_s", "retryDelay")
FIELDS_MS = ("retry_after_ms", "retryAfterMs", "retry_after_milliseconds")
RESET_FIELDS = ("reset_at", "resetAt", "resets_at", "reset_time", "X-RateLimit-Reset", "x-ratelimit-reset")


def requested_wait_s(response: Response, document: object, message: str, *, is_limited: bool = True) -> float | None:
    """Return the wait that a refusal requests, in seconds; None if it requests none.

    Resets count only if a limit is the reason (`is_limited`): they accompany every reply.
    A date is counted from the reply's own `Date`, else from when it was received: the user's clock may be wrong.
    """
    now = _date(response.headers.get("date", "")) or response.received_at
    headers = response.headers
    for name in MS_HEADERS:
        if (wait_s := _number(headers.get(name, ""))) is not None:
            return _bounded(wait_s / 1000)
    for name in RETRY_HEADERS:
        if (wait_s := _moment_or_wait(headers.get(name, ""), now)) is not None:
            return wait_s
    found = _wait_in_body(document, now) or wait_in_words(message)
    return found or (_wait_until_reset(headers, now) if is_limited else None)


def wait_in_words(message: str) -> float | None:
    """Read a delay that a sentence names, such as "Please try again in 20s" or "请 30 秒后重试"."""
    if compound := _COMPOUND.search(message):
        return _bounded(_duration(compound[1]))
    found = _SENTENCE.search(message) or _CHINESE.search(message)
    if not found:
        return None
    unit = found[2].casefold()
    scale = _UNIT_S.get(unit) or next(size for start, size in _LONG_UNITS if unit.startswith(start))
    return _bounded(float(found[1]) * scale)


def _wait_in_body(document: object, now: datetime | None) -> float | None:
    for key, value in _leaves(document, 0):
        if key in FIELDS_MS and (wait_s := _number(value)) is not None:
            return _bounded(wait_s / 1000)
        if key in (*FIELDS_S, *RESET_FIELDS) and (wait_s := _moment_or_wait(value, now)) is not None:
            return wait_s
    return None


def _wait_until_reset(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Return the longest of the reset times of exhausted limits; of all where no header counts what remains."""
    waits = []
    for name in RESET_HEADERS:
        value = headers.get(name, "")
        if name == "ratelimit":  # draft 7: `limit=5, remaining=0, reset=30`; draft 8: `"default";r=0;t=30`
            draft = re.search(r"\b(?:reset|t)=(\d{1,9})", value)
            value = draft[1] if draft else ""
        remaining = headers.get(name.replace("reset-after", "remaining").replace("reset", "remaining"), "0")
        if (wait_s := _moment_or_wait(value, now)) is not None and _number(remaining) in (0.0, None):
            waits.append(wait_s)
    return max(waits, default=None)


def _moment_or_wait(value: object, now: datetime | None) -> float | None:
    """Read seconds, Unix seconds or milliseconds, a Go duration, an HTTP date or an ISO date as a wait."""
    text = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    number = _number(text)
    if number is not None:
        if number < EPOCH_FROM:
            return _bounded(number)
        epoch_s = number / 1000 if number >= EPOCH_MS_FROM else number
        return _until(_from_epoch(epoch_s), now)
    if _DURATION.fullmatch(text):
        return _bounded(_duration(text))
    return _until(_date(text), now)


def _number(value: object) -> float | None:
    text = str(value).strip() if not isinstance(value, bool) else ""
    return float(text) if text.isascii() and _NUMBER.fullmatch(text) else None


def _duration(text: str) -> float:
    return sum(float(amount) * _UNIT_S[unit] for amount, unit in _TERM.findall(text))


def _from_epoch(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _date(text: str) -> datetime | None:
    """Read an HTTP date or an ISO date; one without a zone is UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text[:60])
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _until(moment: datetime | None, now: datetime | None) -> float | None:
    return None if moment is None or now is None else _bounded((moment - now).total_seconds())


def _bounded(seconds: float) -> float | None:
    return max(0.0, seconds) if isfinite(seconds) and seconds <= MAX_WAIT_S else None


def _leaves(value: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield the keys and plain values of an error, at most six objects deep."""
    if isinstance(value, list):
        for item in value[:50]:
            yield from _leaves(item, depth + 1)
    elif isinstance(value, dict) and depth <= 6:
        for key, child in values(value):
            yield key, child
            yield from _leaves(child, depth + 1)
