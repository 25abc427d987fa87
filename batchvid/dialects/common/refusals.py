"""Judge a vendor's error: which kind of refusal it is, or none. Shared by submits, polls and look-ups.

outcome_rules.py and vendor_codes.py hold the rules, error_parsing.py finds the error, not_reached.py knows what stands
in front of an API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from batchvid.dialects.common.error_parsing import VendorError, find_error
from batchvid.dialects.common.json_bodies import decode_body, read_json
from batchvid.dialects.common.json_values import first_text, text
from batchvid.dialects.common.not_reached import describe_obstacle, is_web_page, names_no_route
from batchvid.dialects.common.outcome_rules import (
    ACCOUNT_WORDS,
    CODE_WORDS,
    DUPLICATES,
    HTTP,
    REQUEST_WORDS,
    VAGUE_CODES,
    OutcomeRule,
    Table,
)
from batchvid.dialects.common.user_words import without_user_words
from batchvid.dialects.common.vendor_codes import RELAYED
from batchvid.dialects.common.waits import requested_wait_s
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Response

LIMITS = frozenset({FailureKind.RATE, FailureKind.CONCURRENCY, FailureKind.UNAVAILABLE})
"""Kinds that time heals."""
INNER_STATUSES = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""HTTP statuses that are believed inside the body of another one."""

_UNSEEN = re.compile(r"\b(task|video)[_ ](does[_ ])?not[_ ](exist|found)", re.I)


def read_refusal(
    response: Response, document: object, table: Table = RELAYED, *, own: Iterable[str] = ()
) -> Rejected | None:
    """Read a refusal by a dialect's table; None where the reply is not a verdict.

    `own` are the user's texts in the request: no word of a message that repeats them decides anything.
    """
    vendor_error = find_error(document)
    body = read_json(response.body)
    own_shape = not vendor_error.is_empty and body.is_whole and not body.is_behind_text
    if obstacle := describe_obstacle(response, vendor_error, own_shape=own_shape):
        return build_rejection(response, vendor_error, FailureKind.INVALID, message=obstacle, provider_wide=True)
    message = vendor_error.full_message or _plain_text(response)
    spoken = without_user_words(message, own)
    wait_s = requested_wait_s(response, document, spoken, is_limited=response.status == 429)
    has_wait = wait_s is not None
    kind = classify_reply(response.status, vendor_error, spoken, table, own_shape=own_shape, has_wait=has_wait)
    if kind is None:
        return None
    return build_rejection(response, vendor_error, kind, provider_wide=kind is FailureKind.AUTH, document=document)


def classify_reply(
    status: int, vendor_error: VendorError, spoken: str, table: Table, *, own_shape: bool, has_wait: bool = False
) -> FailureKind | None:
    """Why a submit with such a reply was refused, None where it is no verdict.

    In this order: an equal call, the codes, the words in a code, the words about the request, those about the account,
    the HTTP status. `spoken` is the message without the user's words. A number that no table lists is no reason.
    """
    at = _status_of_codes(status, vendor_error)
    if _first(DUPLICATES, at, vendor_error.codes, spoken):
        return None
    listed = _first(table, at, vendor_error.codes, spoken) or _first(CODE_WORDS, at, vendor_error.codes, spoken)
    if listed and listed.kind is not FailureKind.INVALID:
        return listed.kind
    meant = _status_meant(status, vendor_error)
    if row := _first(REQUEST_WORDS, meant, (), spoken):
        return row.kind
    if listed:
        return listed.kind
    reasons = [code for code in vendor_error.codes if code.casefold() not in VAGUE_CODES and not code.isdecimal()]
    if not (reasons or vendor_error.field or has_wait) and (row := _first(ACCOUNT_WORDS, meant, (), spoken)):
        return row.kind
    row = _first(HTTP, meant, (), spoken, own_shape=own_shape)
    return row.kind if row else None


def _first(
    table: Table, status: int, codes: Iterable[str], spoken: str, *, own_shape: bool = True
) -> OutcomeRule | None:
    """Return the first row that fits: by the innermost code that any row knows; without codes by words or status."""
    for code in codes:
        for row in table:
            if (row.codes or row.in_code) and row.fits(status, code, spoken):
                return row
    plain = (row for row in table if not row.codes and not row.in_code)
    return next((row for row in plain if row.fits(status, "", spoken, own_shape=own_shape)), None)


def _status_of_codes(status: int, vendor_error: VendorError) -> int:
    """Return the status under which to read the codes: an upstream's own one, where a gateway passes its error on."""
    if not vendor_error.is_embedded:
        return status
    inner = vendor_error.http_status
    if inner:
        return inner
    return 400 if status >= 500 else status


def _status_meant(status: int, vendor_error: VendorError) -> int:
    """Return the status that the reply means: one in the body counts in a 200, in a 400, and out of a gateway."""
    inner = vendor_error.http_status
    is_upstreams = status >= 500 and vendor_error.is_embedded
    if inner in INNER_STATUSES and (status < 300 or status in (400, 403) or is_upstreams):
        return inner
    if inner >= 500 and status in (200, 400):
        return inner
    return status


def build_rejection(
    response: Response,
    vendor_error: VendorError,
    kind: FailureKind,
    *,
    message: str = "",
    provider_wide: bool = False,
    document: object = None,
) -> Rejected:
    """Make a rejection of this kind."""
    reason = message or vendor_error.message or describe(response)
    return Rejected(
        kind=kind,
        message=text(reason),
        code=vendor_error.code,
        http_status=response.status,
        retry_after_s=requested_wait_s(response, document, vendor_error.full_message, is_limited=kind in LIMITS),
        request_id=request_id(response, vendor_error),
        provider_wide=provider_wide,
    )


def is_unseen(response: Response, vendor_error: VendorError) -> bool:
    """Whether a poll was answered by "no such task": an HTTP 404, or one of its many spellings.

    A 404 that is not the API's own, such as a wrong path, is none.
    """
    if response.status == 404:
        is_vendors = not vendor_error.is_empty or not response.body.strip()
        return is_vendors and not is_web_page(response) and not names_no_route(vendor_error.message)
    believable = 200 <= response.status < 300 or response.status in (400, 410)
    named = " ".join((*vendor_error.codes, vendor_error.message))
    return believable and ("1203" in vendor_error.codes or _UNSEEN.search(named) is not None)


def describe(response: Response) -> str:
    """Describe a reply that has no message."""
    if is_web_page(response):
        return f"HTTP {response.status} with a web page instead of an answer"
    shown = _plain_text(response)
    return text(f"HTTP {response.status}: {shown or 'an empty body'}")


def request_id(response: Response, vendor_error: VendorError) -> str:
    """Return the vendor's trace id, for its support: from the headers of the new-api family, else from the body."""
    return first_text((response.headers.get("x-oneapi-request-id"), response.headers.get("x-request-id"))) or (
        vendor_error.request_id
    )


def _plain_text(response: Response) -> str:
    """Return the first characters of a body, fit for a log line."""
    return text(decode_body(response.body[:4000]))
