"""Reads a vendor's error in any envelope: its code, message and trace id.

Sources: the Runway OpenAPI; new-api's relay_task.go. What ends a submit stands in outcome_rules.py.
The tags X1-X7 of the envelopes are those of tests/exchanges/README.md. It knows nothing of task ids and links.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchvid.dialects.common.json_values import beginning, dig, first_text, parse, retry_after_s, text
from batchvid.dialects.common.outcome_rules import RELAYED, Table, classify_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Response

_UNSEEN = re.compile(r"\b(task|video)[_ ](does[_ ])?not[_ ](exist|found)", re.I)
_REQUEST_ID = re.compile(r"\s*\(request id: ([^)]{1,100})\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorError:
    """A vendor's error; all fields are empty when the reply holds none."""

    code: str = ""
    message: str = ""
    request_id: str = ""


def find_error(document: Mapping[str, Any] | None, *, depth: int = 2) -> VendorError:
    """Find the error in a reply, also where a gateway put the upstream's whole body into its message (X2).

    `depth` is how many such bodies inside messages are opened; below that a message is only a message.
    """
    if document is None:
        return VendorError()
    error = document.get("error")
    inner = error if isinstance(error, dict) else {}
    code = first_text((inner.get("code"), document.get("code"), inner.get("type")))
    request_id = first_text((document.get("request_id"), inner.get("request_id")))
    places = (inner.get("message"), error, *map(document.get, ("message", "detail", "msg")))
    message = next((place for place in places if isinstance(place, str) and place.strip()), "")
    if tail := _REQUEST_ID.search(message, max(0, len(message) - 200)):
        request_id = request_id or text(tail.group(1))
        message = message[: tail.start()]
    if depth and message.lstrip().startswith("{") and (embedded := parse(message)) is not None:
        upstream = find_error(embedded, depth=depth - 1)
        code, message = upstream.code or code, upstream.message or message
        request_id = upstream.request_id or request_id
    issues = document.get("issues")  # Runway's X4 lists what is wrong field by field
    details = [text(dig(issue, ("message",))) for issue in issues[:5]] if isinstance(issues, list) else []
    return VendorError(code=code, message=text("; ".join(filter(None, [message, *details]))), request_id=request_id)


def is_error(document: Mapping[str, Any]) -> bool:
    """Whether a reply without any task in it is an error envelope, whatever its HTTP status."""
    error = document.get("error")
    has_error = any(error.values()) if isinstance(error, dict) else bool(error)
    fine = text(document.get("code")).casefold() in ("", "0", "success")
    return has_error or (not fine and not document.get("data"))


def is_unseen(response: Response, vendor_error: VendorError) -> bool:
    """Whether a poll was answered by "no such task": an HTTP 404, or one of its many spellings."""
    if response.status == 404:
        return not is_web_page(response)
    believable = 200 <= response.status < 300 or response.status in (400, 410)
    is_named = vendor_error.code == "1203" or _UNSEEN.search(f"{vendor_error.code} {vendor_error.message}") is not None
    return believable and is_named


def read_refusal(response: Response, document: Mapping[str, Any] | None, table: Table = RELAYED) -> Rejected | None:
    """Read a refusal by a dialect's table; None where the reply is not a verdict."""
    vendor_error = find_error(document)
    if 300 <= response.status < 400 or (response.status in (404, 405) and is_web_page(response)):
        misplaced = build_rejection(response, vendor_error, FailureKind.INVALID)
        return replace(misplaced, message=text(f"wrong base_url or path: {misplaced.message}"))
    kind = classify_reply(response.status, vendor_error.code, vendor_error.message, table)
    return build_rejection(response, vendor_error, kind) if kind else None


def build_rejection(response: Response, vendor_error: VendorError, kind: FailureKind) -> Rejected:
    """Make a rejection of this kind."""
    return Rejected(
        kind=kind,
        message=vendor_error.message or describe(response),
        code=vendor_error.code,
        http_status=response.status,
        retry_after_s=retry_after_s(response.headers),
        request_id=request_id(response, vendor_error),
    )


def is_web_page(response: Response) -> bool:
    """Whether the reply is HTML instead of JSON (X7)."""
    return "html" in response.headers.get("content-type", "").casefold() or response.body[:64].lstrip()[:1] == b"<"


def describe(response: Response) -> str:
    """Describe a reply that has no message."""
    if is_web_page(response):
        return f"HTTP {response.status} with a web page instead of an answer"
    return text(f"HTTP {response.status}: {beginning(response.body) or 'an empty body'}")


def request_id(response: Response, vendor_error: VendorError) -> str:
    """Return the vendor's trace id, for its support: from the headers of the new-api family, else from the body."""
    return first_text((response.headers.get("x-oneapi-request-id"), response.headers.get("x-request-id"))) or (
        vendor_error.request_id
    )
