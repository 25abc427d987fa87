"""Decompresses a reply by its bytes. Content-Encoding is a hint: relays pass it on, or leave it out. Pure."""

from __future__ import annotations

import zlib

ACCEPTED = {"Accept-Encoding": "gzip, deflate"}

_GZIP = b"\x1f\x8b"
_ANY_HEADER = 32  # zlib: gzip or zlib, by the first bytes
_RAW_NAMES = frozenset({"deflate", "x-deflate"})


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The decompressed body, at most `max_bytes`; the body itself if it is not compressed, or not by a known method.

    Some servers send raw deflate data as `deflate`, without the header of RFC 9110, section 8.4.1.2.
    """
    names = {name.strip().lower() for name in encoding.split(",")}
    if body.startswith(_GZIP) or (names & _RAW_NAMES and _has_zlib_header(body)):
        return _decompress(body, zlib.MAX_WBITS | _ANY_HEADER, max_bytes) or body
    if names & _RAW_NAMES:
        return _decompress(body, -zlib.MAX_WBITS, max_bytes) or body
    return body


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0


def _decompress(body: bytes, window_bits: int, max_bytes: int) -> bytes:
    """The data as far as it goes; empty if it does not begin with compressed data."""
    inflater = zlib.decompressobj(window_bits)
    inflated = b""
    try:
        for start in range(0, len(body), 4096):  # in pieces: what comes before a damaged one is kept
            inflated += inflater.decompress(body[start : start + 4096], max_bytes - len(inflated))
            if len(inflated) >= max_bytes:
                break
    except zlib.error:
        pass
    return inflated
