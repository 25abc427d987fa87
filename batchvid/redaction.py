"""The filter that every writer of text uses: state, log, reports, sidecars, displays and screen. Pure.

It hides the API keys of the process (known_keys.py), authorization headers, the user name and password of an address,
and what signs a link: anyone can use a signed link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchvid.known_keys import MASK, known_keys

MAX_MESSAGE_CHARS = 600
MAX_CHECKED_CHARS = 200_000

_QUERY = re.compile(r"([a-z][a-z0-9+.-]{1,20}:(?:\\?/){2}[^\s?#\"'<>]+)[?#][^\s\"'<>]+", re.IGNORECASE)
_USER = re.compile(r"([a-z][a-z0-9+.-]{1,20}:(?:\\?/){2})[^\s/?#@\"'<>\\]+@", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer(?:\s|%20|\+)+)(?:[\w.~+/=-]{20,}|(?=[a-z.~+/=-]*\d)[\w.~+/=-]{8,})", re.IGNORECASE)
_NAMES = (
    r"x-(?:amz|goog|oss|tos|cos|obs|ms)-[\w-]+|[\w-]*signature|sig|sign|key-pair-id|policy|hdnts|hmac"
    r"|(?:aws|oss)?accesskeyid|googleaccessid|(?:[\w-]+[_-])?token|(?:[\w-]+[_-])?api[_-]?key|apikey"
    r"|(?:[\w-]+[_-])?secret(?:[_-]key)?|passw(?:or)?d|auth_key|authorization"
)
_PARAMETER = re.compile(rf"(?:\b|(?<=%3f)|(?<=%26))({_NAMES})(=|%3d)[^\s&\"'<>,;]{{4,}}", re.IGNORECASE)
_HEADER = re.compile(
    r"\b(authorization|(?:x-)?(?:goog-)?api[_-]?key|(?:access|auth)[_-]?token|(?:client[_-])?secret|password)"
    r"(\\?[\"']?\s*:\s*\\?[\"']?)((?:basic|key|token)\s+)?(?(3)|(?=[^\s\"',;}]*\d))[^\s\"',;}\\]{6,}",
    re.IGNORECASE,
)
_HINTS = re.compile(r"[?#@=]|%3d|bearer|authorization|api.?key|token|secret|password", re.IGNORECASE)
_OPTION = re.compile(
    r"(?:x_)?(?:(?:api|access|secret|private|auth|client|account|session)_?)?key(?:_id)?"
    r"|(?:.+_)?(?:secret|password|passwd|authorization|credentials?|bearer)"
    r"|(?:(?:access|auth|api|bearer|refresh|session|security|webhook|callback|x_auth)_?)?token"
)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def redact(text: str) -> str:
    """A vendor's text without secrets, on one line of bounded length; links lose their queries."""
    plain = "".join(c if c.isprintable() else " " for c in hide_secrets(strip_queries(text))).strip()
    return plain if len(plain) <= MAX_MESSAGE_CHARS else plain[: MAX_MESSAGE_CHARS - 3] + "..."


def strip_queries(text: str) -> str:
    """The text with the query of each link replaced by `?...`."""
    return _QUERY.sub(r"\1?...", text) if "?" in text or "#" in text else text


def may_hold_secrets(text: str) -> bool:
    """Whether `hide_secrets` may change the text, also when it is JSON or CSV. Cheap; False is certain."""
    return _HINTS.search(text) is not None or known_keys.may_occur(text)


def holds_secrets(text: str) -> bool:
    """Whether the text, also as JSON, holds a secret or a link with a query, which may be signed."""
    if len(text) > MAX_CHECKED_CHARS:  # it holds a file as a data: URI
        return True
    return _HINTS.search(text) is not None and hide_secrets(strip_queries(text)) != text


def hide_secrets(text: str) -> str:
    """The text without keys, authorization headers, passwords in addresses, and signatures of links."""
    text = known_keys.hide(text)
    if not _HINTS.search(text):
        return text
    text = _USER.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _PARAMETER.sub(rf"\1\2{MASK}", text)
    return _HEADER.sub(lambda match: f"{match[1]}{match[2]}{match[3] or ''}{MASK}", text)


def hide_all(value: Any) -> Any:
    """A plain value (of JSON) with `hide_secrets` applied to every text in it, names included."""
    if isinstance(value, str):
        return hide_secrets(value)
    if isinstance(value, Mapping):
        return {hide_secrets(str(name)): hide_all(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hide_all(inner) for inner in value]
    return value


def secret_option(options: Mapping[str, Any]) -> str:
    """The path of the first option, at any depth, that is named like a credential; empty if there is none.

    >>> secret_option({"max_tokens": 5, "auth": [{"apiKey": "x"}]})
    'auth.0.apiKey'
    """
    for name, value in options.items():
        word = _WORD_START.sub("_", str(name)).casefold().replace("-", "_")
        if _OPTION.fullmatch(word) and isinstance(value, str):
            return str(name)
        items = enumerate(value) if isinstance(value, list | tuple) else ((None, value),)
        for number, inner in items:
            if isinstance(inner, Mapping) and (found := secret_option(inner)):
                return ".".join(str(part) for part in (name, number, found) if part is not None)
    return ""
