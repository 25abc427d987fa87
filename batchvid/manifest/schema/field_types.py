"""The checks of a clip's fields: functions from a written value to a checked one. Each raises ValueError.

The schema checks literals with them, the expansion checks the results of templates.
"""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import urlsplit

from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema.templates import MAX_CHARS

MAX_DURATION_S = 3600  # new-api's upper bound (relay/common/relay_utils.go); no vendor sells more
MAX_SEED = 2**63 - 1_000  # fits a signed 64-bit field with the takes added
FITS = ("cover", "contain", "stretch")
ACTIONS = ("extend", "edit", "remix", "lip-sync")
_YES_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_RATIO = re.compile(r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}")


def text(value: Any) -> str:
    """A text without space around it; a number is taken as its digits."""
    if not isinstance(value, str | int | float):
        raise ValueError(f"must be a text, not a {_kind(value)}")
    written = text_of(value).strip()
    if not written.isascii() and any("\ud800" <= character <= "\udfff" for character in written):
        raise ValueError("holds bytes that are no text (it is not UTF-8)")
    if len(written) > MAX_CHARS:
        raise ValueError(f"is longer than {MAX_CHARS:,} characters")
    return written


def word(value: Any) -> str:
    """A text of one line without control characters: the name of a model, a mode, a path."""
    written = text(value)
    if not written.isprintable():
        raise ValueError("must stand on one line, without tabs or other invisible characters")
    return written


def seconds(value: Any) -> float:
    """A duration in seconds."""
    number = _number(value, "a number of seconds such as 8")
    if not 0 < number <= MAX_DURATION_S:
        raise ValueError(f"must be more than 0 and at most {MAX_DURATION_S} seconds, not {text_of(value)}")
    return number


def seed(value: Any) -> int:
    """A seed: a whole number from 0; leave it out for a random one."""
    number = _number(value, "a whole number such as 7")
    whole = int(str(value).strip()) if _is_digits(value) else int(number)
    if whole != number and not _is_digits(value):
        raise ValueError(f"must be a whole number, not {text_of(value)}")
    if not 0 <= whole <= MAX_SEED:
        raise ValueError("must be a whole number from 0 to 9e18; leave it out for a random one")
    return whole


def switch(value: Any) -> bool:
    """A yes or no in any of the words people use for it."""
    answer = _YES_NO.get(text_of(value).strip().lower()) if isinstance(value, str | bool) else None
    if answer is None:
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return answer


def ratio(value: Any) -> str:
    """A ratio of width to height, such as 16:9."""
    written = text(value).replace(" ", "")
    if not _RATIO.fullmatch(written):
        raise ValueError(f"must be width:height such as 16:9 or 9:16, not {_shown(value)}")
    return written


def fit(value: Any) -> str:
    """How a frame gets the clip's shape: cover fills it, contain shows all of the image, stretch distorts it."""
    return _one_of(value, FITS)


def action(value: Any) -> str:
    """What is done to another clip."""
    return _one_of(value, ACTIONS)


def video(value: Any) -> str:
    """The address of a clip that the vendor can fetch; it is never uploaded."""
    written = word(value)
    if not _is_link(written):
        raise ValueError("must be an https:// address that the vendor can fetch; a file cannot be sent")
    return written


def audio(value: Any) -> str:
    """The address of a sound, or the sound itself as a data URI."""
    written = word(value)
    if not _is_link(written) and not (written.startswith("data:audio/") and "," in written[:100]):
        raise ValueError("must be an https:// address, or the sound itself as data:audio/...;base64,...")
    return written


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    written = word(value)
    if written not in allowed:
        raise ValueError(f"must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {_shown(value)}")
    return written


def _is_link(written: str) -> bool:
    try:
        parts = urlsplit(written)
        return parts.scheme == "https" and bool(parts.hostname) and " " not in written
    except ValueError:
        return False


def _number(value: Any, wanted: str) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be {wanted}, not {_shown(value)}") from None
    if not math.isfinite(number):
        raise ValueError(f"must be {wanted}, not {_shown(value)}")
    return number


def _is_digits(value: Any) -> bool:
    return re.fullmatch(r"[0-9]+", str(value).strip()) is not None


def _kind(value: Any) -> str:
    return {"dict": "mapping", "Map": "mapping", "list": "list", "Seq": "list"}.get(type(value).__name__, "nothing")


def _shown(value: Any) -> str:
    return repr(text_of(value)[:60]) if isinstance(value, str | int | float) else f"a {_kind(value)}"
