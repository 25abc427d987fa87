"""Read JSON out of a reply's body: compressed, in another encoding, not strict, behind other text, or cut off.

A body that only a strict parser refuses must not hide a task id: the task is paid for.
"""

from __future__ import annotations

import ast
import codecs
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic_core import from_json

MAX_BYTES = 64 * 1024 * 1024  # of a compressed body, once it is inflated
MAX_DOCUMENTS = 20  # in one body, such as NDJSON
MAX_EMBEDDED_CHARS = 200_000  # of a JSON document in a string, such as a gateway's message
MAX_ENDS = 5  # closing braces that are tried as the end of a dictionary inside a sentence

_LONG_INTEGER = re.compile(rb"[:\[,\s]\d{20,}")  # beyond 64 bits orjson would round it to a float
_ENCODINGS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HTML = re.compile(r"<!doctype\s+html|<(html|head|body)\b", re.I)
_OPENING = re.compile(r"\{\s*\\?[\"'}]|\[\s*(\{|\\?\")")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.S)
_CUT_SCALAR = re.compile(r"[\w.+-]+$")
_TAG = re.compile(r"<(?:\w+:)?(\w{1,60})(?:\s[^<>]{0,200})?>([^<>]{1,2000})</")


@dataclass(frozen=True, slots=True)
class JsonBody:
    """The JSON documents of a body, in order.

    `is_whole` is false where the body breaks off inside one; `is_behind_text` where other text stands before the first.
    """

    documents: tuple[object, ...] = ()
    is_whole: bool = True
    is_behind_text: bool = False


class Pairs(dict[str, Any]):
    """A JSON object. `repeated` holds the earlier values of keys that occur more than once."""

    repeated: tuple[tuple[str, Any], ...] = ()


def parse(body: bytes | str) -> dict[str, Any] | None:
    """Read a JSON object; None for anything else. Integers stay exact; the last of equal keys wins."""
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else body
    try:
        document = orjson.loads(raw)
        if _LONG_INTEGER.search(raw):
            document = json.loads(raw)
    except (ValueError, RecursionError):
        read = read_json(body)
        document = read.documents[0] if read.documents and read.is_whole and not read.is_behind_text else None
    return document if isinstance(document, dict) else None


def parse_value(value: str) -> object:
    """Read the object or list that a string holds, as kie's `resultJson` does; None where it holds none."""
    if value.lstrip()[:1] not in ("{", "[") or len(value) > MAX_EMBEDDED_CHARS:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def read_json(body: bytes | str) -> JsonBody:
    """Read every JSON document in a body, also one that breaks off; none in a web page. Raises nothing."""
    text = (body if isinstance(body, str) else decode_body(body)).lstrip("\ufeff \t\r\n")
    if text.startswith('"'):
        text = _unquoted(text)
    if is_html(text):
        return JsonBody()
    documents: list[object] = []
    behind, position, whole = text[:1] not in ("{", "["), 0, True
    while whole and len(documents) < MAX_DOCUMENTS and (opening := _next_opening(text, position)) is not None:
        try:
            document, position = _DECODER.raw_decode(text, opening)
        except (ValueError, RecursionError):
            document, whole = _read_cut(text[opening:]), False
        documents += [document] if document or whole else []
    if not documents and (fields := _xml_fields(text)):
        return JsonBody((fields,))
    return JsonBody(tuple(documents), is_whole=whole, is_behind_text=behind)


def is_html(text: str) -> bool:
    """Whether a text is a web page."""
    return _HTML.search(text[:2000]) is not None


def embedded(value: str) -> tuple[str, object] | None:
    """Find a JSON document inside a string: the text before it, and the document; None where there is none.

    Also one that is escaped once more, and a dictionary as Python writes it, which relays in Python pass on.
    """
    opening = _OPENING.search(value) if len(value) <= MAX_EMBEDDED_CHARS else None
    if opening is None:
        return None
    rest = value[opening.start() :]
    for text in (rest, rest.replace('\\"', '"')):
        try:
            document, _ = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            continue
        return value[: opening.start()], document
    document = _python_literal(rest) or _read_cut(rest)
    return (value[: opening.start()], document) if document else None


def _python_literal(text: str) -> object:
    """Read a dictionary as `repr` writes it; None where it is none."""
    end = len(text)
    for _ in range(MAX_ENDS):
        if (end := text.rfind("}", 0, end)) < 0:
            return None
        try:
            document: object = ast.literal_eval(text[: end + 1])
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return document
    return None


def decode_body(body: bytes) -> str:
    """Decode a body to text: inflated where it is compressed, by its byte order mark, or by its zero bytes."""
    raw = inflate(body)
    for mark, encoding in _ENCODINGS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    if b"\x00" in raw[:4]:  # ASCII characters in two or four bytes, without a mark (RFC 4627, section 3)
        width = "utf-32" if raw[:4].count(0) == 3 else "utf-16"
        order = "be" if raw[:1] == b"\x00" else "le"
        return raw.decode(f"{width}-{order}", "replace")
    return raw.decode("utf-8", "replace")


def _unquoted(text: str) -> str:
    """Read a JSON string that holds the document; the text itself where it is no such string."""
    try:
        inner = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return inner.strip() if isinstance(inner, str) else text


def inflate(body: bytes, max_bytes: int = MAX_BYTES) -> bytes:
    """Decompress a gzip or zlib body, whatever its headers name; any other body is returned as it is."""
    if body[:2] == b"\x1f\x8b":
        return _decompress(body, 16 + zlib.MAX_WBITS, max_bytes)
    if body[:1] == b"\x78" and len(body) > 1 and (body[0] * 256 + body[1]) % 31 == 0:
        return _decompress(body, zlib.MAX_WBITS, max_bytes)
    return body


def _decompress(body: bytes, window: int, max_bytes: int) -> bytes:
    """Decompress as much as there is: a stream that breaks off still shows its beginning."""
    try:
        found = zlib.decompressobj(window).decompress(body, max_bytes)
    except zlib.error:
        return body
    return found or body


def _next_opening(text: str, position: int) -> int | None:
    """Find where the next document begins. The first may stand behind other text, such as a warning of PHP."""
    if not position and text[:1] in ("{", "["):
        return 0
    found = _OPENING.search(text, position)
    return found.start() if found else None


def _read_cut(text: str) -> object:
    """Read the beginning of a document that breaks off; None where nothing can be read.

    The last value counts only if it is closed: half an id would name another task.
    """
    whole = _ESCAPE.sub(_without_surrogate, text.rstrip())
    if not whole.endswith(('"', "}", "]")):
        whole = _CUT_SCALAR.sub("", whole)
    try:
        document: object = from_json(whole, allow_partial=True)
    except ValueError:
        return None
    return document


def _without_surrogate(escape: re.Match[str]) -> str:
    """Replace the escape of half a surrogate pair, which the partial parser refuses."""
    return "\\ufffd" if escape[1] and escape[1][:1] in "dD" and escape[1][1] in "89abcdefABCDEF" else escape[0]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = Pairs(pairs)
    if len(document) < len(pairs):
        document.repeated = tuple(pairs)
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, strict=False)


def _xml_fields(text: str) -> dict[str, Any] | None:
    """Read the leaves of an XML error, such as `<Code>` and `<Message>` of an object store."""
    if not text.startswith("<"):
        return None
    fields: dict[str, Any] = {}
    for name, value in _TAG.findall(text[:MAX_EMBEDDED_CHARS]):
        fields.setdefault(name, value.strip())
    return fields or None


def values(document: object) -> Iterator[tuple[str, object]]:
    """Yield the pairs of a JSON object, repeated keys included."""
    if isinstance(document, dict):
        yield from (document.repeated if isinstance(document, Pairs) and document.repeated else document.items())
