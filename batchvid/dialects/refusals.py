"""What a vendor's no means: out of any of its error envelopes, one cause of ours.

Sources: kling.ai error codes; the Runway OpenAPI; apidoc.cometapi.com/errors; new-api's relay_task.go.
The tags X1-X7 of the envelopes are those of tests/exchanges/README.md. It knows nothing of task ids and links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchvid.dialects.values import beginning, dig, first_text, parse, retry_after_s, text
from batchvid.dialects.words import kind_of
from batchvid.failures import FailureKind
from batchvid.wire import Refused, Response

_CODES_BY_KIND: dict[FailureKind, str] = {
    FailureKind.AUTH: "1000 1001 1002 1003 1004 1304 invalid_api_key AuthenticationError",
    FailureKind.BALANCE: (
        "1100 1101 1102 insufficient_quota insufficient_user_quota AccountOverdueError QuotaExceeded"
    ),
    FailureKind.RATE: (
        "1302 rate_limit_exceeded slow_down"
        " RateLimitExceeded.EndpointRPMExceeded RateLimitExceeded.EndpointTPMExceeded"
        " ModelAccountRpmRateLimitExceeded ModelAccountTpmRateLimitExceeded"
    ),
    FailureKind.CONCURRENCY: "1303",
    FailureKind.INVALID: (
        "1103 1200 1201 1202 1203 missing_model invalid_request invalid_json invalid_multipart_form invalid_seconds"
        " invalid_size model_price_error task_channel_disable read_request_body_failed not_implemented"
        " invalid_argument MissingParameter InvalidParameter AccessDenied InvalidEndpoint.NotFound"
    ),
    FailureKind.MODERATION_INPUT: (
        "1300 1301 moderation_blocked sentinel_block sensitive_words_detected prompt_blocked"
        " DataInspectionFailed IPInfringementSuspect violation_fee.grok.csam"
    ),
}
CODES: dict[str, FailureKind] = {
    code.casefold(): kind for kind, codes in _CODES_BY_KIND.items() for code in codes.split()
}
"""Error codes that are a clear no, whatever the HTTP status: Kling's numbers, others' words."""

TASK_CODES: tuple[tuple[str, FailureKind], ...] = (
    ("SAFETY.INPUT", FailureKind.MODERATION_INPUT),
    ("SAFETY.", FailureKind.MODERATION_OUTPUT),
    ("INPUT_PREPROCESSING.SAFETY", FailureKind.MODERATION_INPUT),
    ("INPUT_PREPROCESSING.", FailureKind.UNAVAILABLE),
    ("INTERNAL", FailureKind.UNAVAILABLE),
    ("THIRD_PARTY.", FailureKind.UNAVAILABLE),
    ("ASSET.INVALID", FailureKind.INVALID),
)
"""How the failure codes of Runway's tasks begin; the first that fits counts."""

_MODERATION = re.compile(
    r"moderat|\bsafety\b|\bsensitive\b|\bpolic(y|ies)\b|guideline|risk control|prohibited|inappropriate|敏感|违规",
    re.I,
)
_MODERATION_IN_A_5XX = re.compile(r"community guidelines|CM_EXT|moderation", re.I)  # Kling through a relay
_CONCURRENCY = re.compile(r"parallel task|over resource pack limit|concurren", re.I)
_BALANCE = re.compile(
    # xAI: "used all available credits" under 403 or 429 (continuedev/continue issue 10373); Runway: "not have enough"
    r"(insufficient|not (have )?enough|used all|out of).{0,20}(quota|balance|credit|fund|point)|arrears|overdue"
    r"|\bbalance\b|\bbilling\b|(quota|credits?|token)\b.{0,20}(exhausted|used up)"
    r"|余额|额度",
    re.I,
)
_KEY = re.compile(
    r"(invalid|expired|disabled).{0,20}\b(token|key)\b|\b(token|key)\b.{0,20}(invalid|expired|disabled)"
    r"|\bip\b.{0,40}(allow|white)|令牌",
    re.I,
)
_TROUBLE = re.compile(r"time.?out|timed out|internal|upstream|unavailable|overload|server|_failed\b|^50\d\d\b", re.I)
_NO_CHANNEL = re.compile(r"\bmodel_not_found\b")  # new-api's 503: no task was made, waiting may or may not help
_UNSEEN = re.compile(r"\b(task|video)[_ ](does[_ ])?not[_ ](exist|found)", re.I)
_OUTPUT_SIDE = re.compile(r"\b(output|generated|result)\b", re.I)
_INPUT_SIDE = re.compile(r"\b(input|prompt|image)\b", re.I)

_TEXTS: tuple[tuple[re.Pattern[str], FailureKind, frozenset[int]], ...] = (
    (_CONCURRENCY, FailureKind.CONCURRENCY, frozenset({200, 400, 429})),
    (_BALANCE, FailureKind.BALANCE, frozenset({200, 400, 403, 429})),
    (_KEY, FailureKind.AUTH, frozenset({200, 403})),
    (_MODERATION, FailureKind.MODERATION_INPUT, frozenset({200, 400, 403, 422})),
    (_NO_CHANNEL, FailureKind.UNAVAILABLE, frozenset({500})),
    (_MODERATION_IN_A_5XX, FailureKind.MODERATION_INPUT, frozenset({500})),
)
"""Words to look for where the code says nothing, and the HTTP statuses under which they may be believed."""

_STATUSES: dict[int, FailureKind] = {
    401: FailureKind.AUTH,
    402: FailureKind.BALANCE,
    429: FailureKind.RATE,
}
"""HTTP statuses that speak for themselves; every other 4xx blames the request."""

_REQUEST_ID = re.compile(r"\s*\(request id: ([^)]{1,100})\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """The vendor's words in an error envelope; all empty when the reply holds none."""

    code: str = ""
    message: str = ""
    request_id: str = ""


def complaint_in(document: Mapping[str, Any] | None, *, depth: int = 2) -> Complaint:
    """Find the error in a reply, also where a gateway put the upstream's whole body into its message (X2).

    `depth` is how many such bodies inside messages are opened; below that a message is only a message.
    """
    if document is None:
        return Complaint()
    error = document.get("error")
    inner = error if isinstance(error, dict) else {}
    code = first_text((inner.get("code"), document.get("code"), inner.get("type")))
    request_id = first_text((document.get("request_id"), inner.get("request_id")))
    places = (inner.get("message"), error, *map(document.get, ("message", "detail", "msg")))
    message = next((said for said in places if isinstance(said, str) and said.strip()), "")
    if tail := _REQUEST_ID.search(message, max(0, len(message) - 200)):
        request_id = request_id or text(tail.group(1))
        message = message[: tail.start()]
    if depth and message.lstrip().startswith("{") and (embedded := parse(message)) is not None:
        upstream = complaint_in(embedded, depth=depth - 1)
        code, message = upstream.code or code, upstream.message or message
        request_id = upstream.request_id or request_id
    issues = document.get("issues")  # Runway's X4 lists what is wrong field by field
    details = [text(dig(issue, ("message",))) for issue in issues[:5]] if isinstance(issues, list) else []
    return Complaint(code=code, message=text("; ".join(filter(None, [message, *details]))), request_id=request_id)


def is_error(document: Mapping[str, Any]) -> bool:
    """Whether a reply without any task in it is an error envelope, whatever its HTTP status."""
    error = document.get("error")
    said = any(error.values()) if isinstance(error, dict) else bool(error)
    fine = text(document.get("code")).casefold() in ("", "0", "success")
    return said or (not fine and not document.get("data"))


def is_unseen(response: Response, complaint: Complaint) -> bool:
    """Whether a poll was answered by "no such task": an HTTP 404, or one of its many spellings."""
    if response.status == 404:
        return not is_web_page(response)
    believable = 200 <= response.status < 300 or response.status in (400, 410)
    said = complaint.code == "1203" or _UNSEEN.search(f"{complaint.code} {complaint.message}") is not None
    return believable and said


def refusal(response: Response, document: Mapping[str, Any] | None) -> Refused | None:
    """Read a no. None where the reply is no verdict: a 408, a 5xx without a documented code, trouble in a 200."""
    complaint = complaint_in(document)
    if 300 <= response.status < 400 or (response.status in (404, 405) and is_web_page(response)):
        misplaced = refused(response, complaint, FailureKind.INVALID)
        return replace(misplaced, message=text(f"wrong base_url or path: {misplaced.message}"))
    kind = _kind(response.status, complaint)
    return refused(response, complaint, kind) if kind else None


def refused(response: Response, complaint: Complaint, kind: FailureKind) -> Refused:
    """Put a reply's complaint into a refusal of this kind."""
    return Refused(
        kind=kind,
        message=complaint.message or describe(response),
        code=complaint.code,
        http_status=response.status,
        retry_after_s=retry_after_s(response.headers),
        request_id=request_id(response, complaint),
    )


def _kind(http_status: int, complaint: Complaint) -> FailureKind | None:
    """Classify by code, then by words, then by HTTP status; None for no verdict."""
    if known := CODES.get(complaint.code.casefold()):
        return known
    said = f"{complaint.code} {complaint.message}"
    family = {2: 200, 5: 500}.get(http_status // 100, http_status)
    for pattern, kind, statuses in _TEXTS:
        if family in statuses and pattern.search(said):
            return kind
    if family == 200:
        return None if _TROUBLE.search(said) else FailureKind.INVALID
    if http_status == 408 or not 400 <= http_status < 500:
        return None
    return _STATUSES.get(http_status, FailureKind.INVALID)


def failure_kind(words: Iterable[str], code: str, message: str, *, withheld: bool = False) -> FailureKind:
    """Say why an accepted task failed: its status words, its code and its message; `withheld` by the output filter.

    A code may be such a word, too: a gateway says `failed` with the code `expired`.

    The gateway's own key, balance and rate are never blamed on the user's account. No reason at all is suspected
    moderation, as CometAPI's tutorial says; a reason that nobody documented is the vendor's trouble.
    """
    if said_by_word := next(filter(None, map(kind_of, (*words, code))), None):
        return said_by_word
    if withheld:
        return FailureKind.MODERATION_OUTPUT
    for start, kind in TASK_CODES:
        if code.upper().startswith(start):
            return kind
    if _CONCURRENCY.search(message):
        return FailureKind.CONCURRENCY
    known = CODES.get(code.casefold())
    if known is FailureKind.MODERATION_INPUT or _MODERATION.search(message):
        input_side = _INPUT_SIDE.search(message) and not _OUTPUT_SIDE.search(message)
        return FailureKind.MODERATION_INPUT if input_side else FailureKind.MODERATION_OUTPUT
    if known is FailureKind.INVALID:
        return FailureKind.INVALID
    return FailureKind.UNAVAILABLE if code or message else FailureKind.MODERATION_SUSPECTED


def is_web_page(response: Response) -> bool:
    """Whether HTML came where JSON was due (X7)."""
    return "html" in response.headers.get("content-type", "").casefold() or response.body[:64].lstrip()[:1] == b"<"


def describe(response: Response) -> str:
    """Say what came, for a reply that says nothing itself."""
    if is_web_page(response):
        return f"HTTP {response.status} with a web page instead of an answer"
    return text(f"HTTP {response.status}: {beginning(response.body) or 'an empty body'}")


def request_id(response: Response, complaint: Complaint) -> str:
    """Return the vendor's trace id, for its support: from the headers of the new-api family, else from the body."""
    return first_text((response.headers.get("x-oneapi-request-id"), response.headers.get("x-request-id"))) or (
        complaint.request_id
    )
