"""Turns what stands in a reply's link field into a fetchable address. A sentence is no link.

Links are percent-encoded as browsers do (WHATWG URL: only what may not stand there), so that valid escapes and the
signature stay byte for byte.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from batchvid.domain.wire import Asset

_KEPT = "!$%&'()*+,-./:;=?@[]^_|~#"
"""What stays as it is beside letters and digits; a `%` belongs to an escape."""

_ENTITY = re.compile(r"&(?:amp|#38|#x26);|\\u0026", re.I)
_WRAPPED = re.compile(r"<([^<>]+)>|\"([^\"]+)\"|'([^']+)'|`([^`]+)`")
_HOST = re.compile(
    r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]|(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,24})(?::\d{1,5})?",
    re.I,
)
_FILE = re.compile(r"\.(?:mp4|m4v|mov|webm|mkv|avi|gif|mp3|wav|png|jpe?g|webp|json|html?)", re.I)
_RELATIVE = re.compile(
    r"[\w.~%-]+(?:/[\w.~%@+=,:-]+)*/(?:content|download|[\w.~%@+=,() -]+\.(?:mp4|m4v|mov|webm))(?:\?\S*)?", re.I
)
"""A path without its first slash: only where it ends like a clip or a content route."""
_WORD_OF_LINK = re.compile(r"[.=&%]\w")


def link(value: object) -> str:
    """Return a fetchable `http(s)://` link or `data:` URI; empty for anything else, like a sentence or a path."""
    asset = asset_of(value)
    return asset.location if asset and not asset.location.startswith("/") else ""


def asset_of(value: object) -> Asset | None:
    """Read a link field: an absolute link, a `data:` URI, or one relative to the provider; None for anything else.

    A path like `/v1/videos/ID/content` belongs to the provider and is fetched with the key. A link without a scheme
    (`//cdn.example/a.mp4`) is returned so: it takes the provider's scheme.
    """
    if not isinstance(value, str):
        return None
    found = value.strip()
    if found[:5].casefold() == "data:":
        return Asset(location=found) if "," in found[:200] else None
    found = _clean(found)
    scheme, separator, rest = found.partition("://")
    if separator and scheme.casefold() in ("http", "https"):
        return Asset(location=_encoded(found)) if _is_address(rest) else None
    if found.startswith("//"):
        return Asset(location=_encoded(found)) if _is_address(found[2:]) else None
    if found.startswith("/"):
        whole = len(found) > 1 and not found.startswith("/ ") and _is_one_link(found)
        return Asset(location=_encoded(found), keyed=True, from_origin=True) if whole else None
    first, slash, path = found.partition("/")
    if slash and path and _HOST.fullmatch(first) and not _FILE.search(first) and _is_one_link(found):
        return Asset(location=_encoded(f"//{found}"))
    return Asset(location=_encoded(f"/{found}"), keyed=True, from_origin=True) if _RELATIVE.fullmatch(found) else None


def _clean(found: str) -> str:
    """Undo what relays do to a link: wrapping signs, HTML entities, JSON escapes, line breaks (WHATWG drops them)."""
    if wrapped := _WRAPPED.fullmatch(found):
        found = next(filter(None, wrapped.groups())).strip()
    found = re.sub(r"[\t\r\n]", "", found).replace("\\/", "/")
    for _ in range(2):  # also where it was escaped twice
        found = _ENTITY.sub("&", found)
    return found


def _is_address(rest: str) -> bool:
    """Whether what follows the two slashes begins with a host, and is one link."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return bool(host) and host.isprintable() and " " not in host and _is_one_link(rest)


def _is_one_link(found: str) -> bool:
    """Whether a text with spaces is a link whose file name has them, and not a sentence that begins with a link."""
    if not found.isprintable():
        return False
    head, space, tail = found.rpartition(" ")
    return not space or (_WORD_OF_LINK.search(tail) is not None and not re.search(r"\.\w{2,4}[,.;:]? ", head))


def _encoded(found: str) -> str:
    """Percent-encode what may not stand in a URL, and write a host in other scripts as its IDNA name."""
    parts = re.match(r"((?:\w+:)?//)([^/?#]*)(.*)", found, re.S)
    if not parts:
        return quote(found, safe=_KEPT)
    start, host, rest = parts.groups()
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:  # then the socket reports that there is no such host
            host = quote(host, safe=_KEPT)
    return start + host + quote(rest, safe=_KEPT)
