"""Checks of a clip's fields: functions from a written value to a valid one. Each raises ValueError.

The schema checks literals with them, the expansion checks rendered templates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from batchvid.domain.clip_request import STORED_LINKS
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.reading.yaml_mistakes import quote
from batchvid.manifest.schema.cell_values import truth
from batchvid.manifest.schema.notations import number_hint, ratio_hint, seconds_hint
from batchvid.manifest.schema.templates import MAX_CHARS
from batchvid.quoting import shortened

MAX_DURATION_S = 3600  # new-api's upper bound (relay/common/relay_utils.go); no vendor sells more
MAX_SEED = 2**63 - 1_000  # fits a signed 64-bit field with the takes added
MAX_TAKES = 100
FITS = ("cover", "contain", "stretch")
ACTIONS = ("extend", "edit", "remix", "lip-sync")
_YES_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_RATIO = re.compile(r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}")


def text(value: Any) -> str:
    """A text without space around it; a number is taken as its digits."""
    if not isinstance(value, str | int | float):
        raise ValueError(f"must be a text, not a {_kind(value)}{_text_hint(value)}")
    result = text_of(value).strip()
    if not result.isascii() and any("\ud800" <= character <= "\udfff" for character in result):
        raise ValueError("contains bytes that are not UTF-8")
    if len(result) > MAX_CHARS:
        raise ValueError(f"is longer than {MAX_CHARS:,} characters")
    return result


def word(value: Any) -> str:
    """A text of one line without control characters: the name of a model, a mode, a path."""
    result = text(value)
    if not result.isprintable():
        raise ValueError("must stand on one line, without tabs or other invisible characters")
    return result


def seconds(value: Any) -> float:
    """A duration in seconds."""
    number = _number(value, "a number of seconds such as 8", seconds_hint)
    if not 0 < number <= MAX_DURATION_S:
        raise ValueError(f"must be more than 0 and at most {MAX_DURATION_S} seconds, not {shortened(text_of(value))}")
    return number


def seed(value: Any) -> int:
    """A seed: a whole number from 0; leave it out for a random one."""
    number = _number(value, "a whole number such as 7")
    whole = int(str(value).strip()) if _is_digits(value) else int(number)
    if whole != number and not _is_digits(value):
        raise ValueError(f"must be a whole number, not {shortened(text_of(value))}")
    if not 0 <= whole <= MAX_SEED:
        raise ValueError("must be a whole number from 0 to 9e18; leave it out for a random one")
    return whole


def takes(value: Any) -> int:
    """How many variants of a clip are made."""
    try:
        number = _number(value, "")
    except ValueError:
        raise ValueError("must be a whole number such as 2") from None
    if not number.is_integer():
        raise ValueError("must be a whole number such as 2")
    if number < 1:
        raise ValueError("must be at least 1")
    if number > MAX_TAKES:
        raise ValueError(f"must be at most {MAX_TAKES}")
    return int(number)


def switch(value: Any) -> bool:
    """A yes or no in any of the words people use for it."""
    answer = _YES_NO.get(text_of(value).strip().lower()) if isinstance(value, str | bool) else None
    if answer is None and isinstance(value, str) and value.strip():
        answer = truth(value)
    if answer is None:
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return answer


def ratio(value: Any) -> str:
    """A ratio of width to height, such as 16:9."""
    written = text(value)
    result = written.replace(" ", "")
    if not _RATIO.fullmatch(result):
        raise ValueError(f"must be width:height such as 16:9 or 9:16, not {_shown(value)}{ratio_hint(written)}")
    return result


def fit(value: Any) -> str:
    """How a frame gets the clip's shape: cover fills it, contain shows all of the image, stretch distorts it."""
    return _one_of(value, FITS)


def background(value: Any) -> str:
    """A colour, as `#rrggbb`; written so, or as a CSS name such as `white`."""
    from PIL import ImageColor  # late: few manifests set it

    written = word(value)
    try:
        red, green, blue, *_ = ImageColor.getrgb(written)
    except ValueError:
        raise ValueError(f"must be a colour such as white or '#f0f0f0', not {_shown(value)}") from None
    return f"#{red:02x}{green:02x}{blue:02x}" if written else ""


def action(value: Any) -> str:
    """What is done to another clip."""
    return _one_of(value, ACTIONS)


def video(value: Any) -> str:
    """The address of a clip that the vendor can fetch; it is never uploaded."""
    result = word(value)
    if not _is_link(result):
        raise ValueError("must be an https:// address that the vendor can fetch; a file cannot be sent")
    return result


def audio(value: Any) -> str:
    """The address of a sound, or the sound itself as a data URI."""
    result = word(value)
    if not _is_link(result) and not (result.startswith("data:audio/") and "," in result[:100]):
        answer = _YES_NO.get(result.lower())
        hint = f"; to switch the sound of a clip, write sound: {str(answer).lower()}" if answer is not None else ""
        raise ValueError(f"must be an https:// address, or the sound itself as data:audio/...;base64,...{hint}")
    return result


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    result = word(value)
    if result not in allowed:
        raise ValueError(f"must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {_shown(value)}")
    return result


def _is_link(address: str) -> bool:
    if address.startswith(STORED_LINKS):
        return " " not in address
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and bool(parts.hostname) and " " not in address
    except ValueError:
        return False


def _number(value: Any, wanted: str, hint: Callable[[str], str] = number_hint) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        found = hint(value) if isinstance(value, str) else ""
        raise ValueError(f"must be {wanted}, not {_shown(value)}{found}") from None
    if not math.isfinite(number):
        raise ValueError(f"must be {wanted}, not {_shown(value)}")
    return number


def _is_digits(value: Any) -> bool:
    return re.fullmatch(r"[0-9]+", str(value).strip()) is not None


def _text_hint(value: Any) -> str:
    """What to write instead of a list or a mapping that is meant as a text."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"; a text in brackets must be in quotes: {quote(f'[{value[0]}]')}"
    if isinstance(value, dict) and len(value) == 1:
        key, inner = next(iter(value.items()))
        written = f"{{{key}}}" if inner is None else f"{key}: {inner}"
        return f"; write {quote(written)}" if isinstance(inner, str | int | float | None) else ""
    return ""


def _kind(value: Any) -> str:
    return {"dict": "mapping", "Map": "mapping", "list": "list", "Seq": "list"}.get(type(value).__name__, "nothing")


def _shown(value: Any) -> str:
    return repr(text_of(value)[:60]) if isinstance(value, str | int | float) else f"a {_kind(value)}"
