"""Find a vendor's error in any envelope: its code, message and trace id.

Sources: the Runway OpenAPI; new-api's relay_task.go; the error pages of the vendors in vendor_codes.py; RFC 9457.
What an error means for a submit stands in refusals.py. The tags X1-X7 of the envelopes are those of
tests/exchanges/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchvid.dialects.common.json_bodies import embedded
from batchvid.dialects.common.json_values import dig, first_text, text

BASE_RESP = "base_resp:"
CODE_KEYS = (
    *("code", "Code", "error_code", "errorCode", "err_code", "errCode", "errcode", "errorcode", "ErrCode"),
    *("status_code",),
    *(
        "statusCode",
        "http_code",
        "http_status",
        "status",
        "reason",
        "error_type",
        "errorType",
        "failureCode",
        "failCode",
        "error",
    ),
    "type",
)
"""Where a code stands in an object, the most telling first."""
MESSAGE_KEYS = (
    "raw_message",  # PiAPI: the upstream's words
    *("message", "Message", "error", "detail", "msg", "error_message", "errorMessage", "error_msg", "errorMsg"),
    *("err_msg", "ErrMsg", "status_msg", "faultstring", "error_description", "description", "failure", "fail_reason"),
    *("failReason", "failMsg", "task_status_msg", "task_result", "reason", "title"),
)
"""Where a sentence stands in an object, the most telling first."""
ERROR_KEYS = ("error", "Error", "errors", "base_resp", "fault", "ResponseMetadata")
"""Keys of objects that hold an error."""
PART_KEYS = ("detail", "details", "issues", "fieldViolations", "metadata", "data", "output", "task_result")
"""Keys of objects that may hold a part of one."""
UPSTREAM_KEYS = ("raw", "body", "response", "upstream_error", "upstream", "provider_error")
"""Where a gateway puts the upstream's reply, apart from its message."""
FINE = frozenset({"", "0", "200", "201", "202", "success", "succeed", "succeeded", "ok", "submitted"})
"""Codes and greetings of a success."""
MAX_HOLDERS = 30
MAX_SENTENCES = 6
MAX_DEEP = 4
READ_CHARS = 4000

_REQUEST_ID = re.compile(r"\s*\(request id: ([^)]{1,100})\)\s*$")
_HTTP_STATUS = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_ERROR_CLASS = re.compile(r"(?:litellm|openai)\.(?:exceptions\.)?(\w+Error|Timeout)\b|^(?:Error code: )?(\w+Error)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorError:
    """A vendor's error; all fields are empty when the reply holds none.

    `full_message` is the message at length, for reading. `codes` are all codes found, the finest first.
    `http_status` is a status that the body names, 0 without one. `field` is the request's field that the vendor names.
    `is_embedded` is true where a gateway passes on an upstream's whole error.
    """

    code: str = ""
    message: str = ""
    full_message: str = ""
    request_id: str = ""
    codes: tuple[str, ...] = ()
    http_status: int = 0
    field: str = ""
    is_embedded: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing speaks of an error."""
        return not (self.code or self.message or self.codes or self.http_status)


@dataclass(frozen=True, slots=True)
class _Holder:
    """An object that may hold the error, with the key that it stands under; `is_item` if it stands in a list."""

    name: str
    values: Mapping[str, Any]
    is_item: bool = False


def find_error(document: object, *, depth: int = 3) -> VendorError:
    """Find the error in a reply, also where a gateway put the upstream's whole body into its message (X2).

    `depth` is how many such bodies inside messages are opened; below that a message is only a message.
    """
    holders = _holders(document)
    codes, statuses = _codes(holders)
    sentences = _sentences(holders)
    message = next(iter(sentences), "")
    request_id = first_text(
        holder.values.get(key) for holder in holders for key in ("request_id", "requestId", "RequestId")
    )
    if tail := _REQUEST_ID.search(message, max(0, len(message) - 200)):
        request_id = request_id or text(tail.group(1))
        message = message[: tail.start()]
    own = VendorError(
        code=next(iter(codes or map(str, statuses)), "").removeprefix(BASE_RESP),
        message=text("; ".join([message, *sentences[1:]])),
        full_message=text("; ".join([message, *sentences[1:]]), READ_CHARS),
        request_id=request_id,
        codes=codes,
        http_status=next(iter(statuses), 0),
        field=next(filter(None, map(_field, holders)), ""),
    )
    upstreams = (holder.values.get(key) for holder in holders for key in UPSTREAM_KEYS)
    for sentence in (message, *sentences[1:], *(value for value in upstreams if isinstance(value, str))):
        if depth and (found := embedded(sentence)) is not None:
            upstream = find_error(found[1], depth=depth - 1)
            if not upstream.is_empty:
                return _around(own, upstream, found[0])
    return own


def is_error(document: Mapping[str, Any]) -> bool:
    """Whether a reply without any task in it is an error envelope, whatever its HTTP status."""
    error = document.get("error") or document.get("Error") or document.get("errors")
    has_error = any(error.values()) if isinstance(error, dict) else bool(error)
    base_code = text(dig(document, ("base_resp", "status_code")))  # MiniMax
    pixverse_code = text(document.get("ErrCode"))
    fine = text(document.get("code")).casefold() in FINE
    return (
        has_error
        or base_code not in ("", "0")
        or pixverse_code not in ("", "0")
        or bool(dig(document, ("ResponseMetadata", "Error")))  # Volcengine's gateway
        or document.get("success") is False
        or (not fine and not document.get("data"))
    )


def _around(own: VendorError, upstream: VendorError, prefix: str) -> VendorError:
    """Put a gateway's error around the upstream's. `prefix` is the gateway's text before it."""
    named = _ERROR_CLASS.search(prefix)
    classes = [named[1] or named[2]] if named else []
    statuses = [int(found) for found in _HTTP_STATUS.findall(prefix[-100:])]
    return VendorError(
        code=upstream.code or own.code,
        message=upstream.message or own.message,
        full_message=upstream.full_message or own.full_message,
        request_id=upstream.request_id or own.request_id,
        codes=tuple(dict.fromkeys((*upstream.codes, *classes))) or own.codes,  # the outer ones only wrap
        http_status=upstream.http_status or next(reversed(statuses), 0),
        field=upstream.field or own.field,
        is_embedded=True,
    )


def _holders(document: object) -> list[_Holder]:
    """List the objects that may hold the error: those named so, then the reply itself, then the parts of either."""
    found: list[_Holder] = []
    waiting: list[tuple[str, object, int, bool]] = [("", document, 0, False)]
    while waiting and len(found) < MAX_HOLDERS:
        name, value, deep, is_item = waiting.pop(0)
        if isinstance(value, list):
            waiting.extend((name, item, deep, bool(name)) for item in value[:MAX_SENTENCES] if isinstance(item, dict))
        elif isinstance(value, dict):
            found.append(_Holder(name, value, is_item))
            if deep < MAX_DEEP:
                waiting.extend((key, value.get(key), deep + 1, is_item) for key in (*ERROR_KEYS, *PART_KEYS))
    return sorted(found, key=lambda holder: 0 if holder.name in ERROR_KEYS else 2 if holder.name else 1)


def _codes(holders: Iterable[_Holder]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Collect the codes, and the HTTP statuses that stand in their place."""
    codes: list[str] = []
    statuses: list[int] = []
    for holder in sorted(holders, key=lambda holder: holder.name != "details"):  # Google's reasons are the finest
        for key in CODE_KEYS:
            value = text(holder.values.get(key), 200)
            if value.casefold() in FINE or " " in value or not _may_be_code(holder, key):
                continue
            if value.isascii() and value.isdecimal() and 400 <= int(value) < 600:
                statuses.append(int(value))
            elif key in ("status_code", "statusCode", "http_code", "http_status", "status") and value.isdecimal():
                codes += [f"{BASE_RESP}{value}"] if "status_msg" in holder.values else []
            else:
                codes.append(value.rstrip("/").rpartition("/")[2] if "://" in value else value)
    return tuple(dict.fromkeys(codes)), tuple(statuses)


def _may_be_code(holder: _Holder, key: str) -> bool:
    """Whether the key means a code here: some mean other things in an object that is no error."""
    is_error_object = holder.name in ERROR_KEYS or any(name in holder.values for name in ("message", "msg", "detail"))
    if key == "status":  # Google's word for its code; a number in its place is an HTTP status
        value = holder.values.get(key)
        return isinstance(value, int) or (holder.name in ERROR_KEYS and "code" in holder.values)
    return is_error_object or holder.name == "details" or key not in ("type", "reason", "error")


def _sentences(holders: Iterable[_Holder]) -> list[str]:
    """Collect the vendor's sentences: the first that there is, then those of the items of lists."""
    first, items = "", []
    for holder in holders:
        for key in MESSAGE_KEYS:
            value = holder.values.get(key)
            lines = value if isinstance(value, list) else [value]
            sentences = [line for line in lines if isinstance(line, str) and line.strip() and not _is_greeting(line)]
            if key == "reason" and not any(" " in line.strip() for line in sentences):
                continue  # a code
            if sentences and holder.is_item:
                items.append(f"{_location(holder.values)}{sentences[0]}")
                break
            if sentences:
                first = first or sentences[0]
                items += sentences[1:] if first == sentences[0] else []
                break
    found = [first, *items] if first else items
    return list(dict.fromkeys(line.strip() for line in found))[:MAX_SENTENCES]


def _is_greeting(line: str) -> bool:
    return line.strip().casefold() in FINE or "://" in line[:8]


def _location(item: Mapping[str, Any]) -> str:
    """Return where FastAPI or Google found the fault, as a prefix of its sentence."""
    place = item.get("loc") or item.get("field")
    steps = [str(step) for step in place if step != "body"] if isinstance(place, list) else [text(place, 80)]
    return f"{'.'.join(steps)}: " if any(steps) else ""


def _field(holder: _Holder) -> str:
    """Return the field of the request that the vendor names; a key is none of the request's."""
    for key in ("param", "field", "loc", "path"):
        value = holder.values.get(key)
        named = ".".join(map(str, value)) if isinstance(value, list) else text(value, 100)
        if named and named.casefold() not in ("none", "null", "key", "api_key", "authorization") and "/" not in named:
            return named
    return ""
