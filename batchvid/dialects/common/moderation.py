"""Recognises a content filter's verdict on a task: by structure, codes, and then words (filter_words.py).

Sources: google-genai's types (rai*, finishReason, blockReason), X-proto (respect_moderation), Azure's content filter,
fal and Replicate (has_nsfw_concepts), and the vendors' error tables beside the codes. It knows no envelope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batchvid.dialects.common.filter_words import sides_named, tells_of_filter
from batchvid.dialects.common.json_values import text
from batchvid.domain.failures import FailureKind

_INPUT, _OUTPUT = FailureKind.MODERATION_INPUT, FailureKind.MODERATION_OUTPUT


@dataclass(frozen=True, slots=True)
class FilterVerdict:
    """A content filter's verdict: its kind, and its reason in the vendor's words."""

    kind: FailureKind
    reason: str


INPUT_CODES = frozenset(
    (
        *("sensitive_words_detected", "prompt_blocked", "violation_fee.grok.csam", "sentinel_block"),  # new-api, Sora
        *("taskpromptpolicyviolation", "auditsubmitillegal"),  # Vidu, before the task is made
        *("prompt_moderated", "request_moderated", "input_moderation", "input_moderated"),  # BFL, relays
        "1026",  # MiniMax: the prompt
        *("50411", "50412", "50413", "50518"),  # Jimeng
        "500063",  # PixVerse
    )
)
"""Codes of a filter that looked at the request, in lower case."""

CODES = frozenset(
    (
        *("1300", "1301"),  # Kling (K-err)
        *("moderation_blocked", "content_policy_violation", "content_policy", "content_filter"),  # OpenAI, fal, Azure
        "content_blocked",  # Gemini's Interactions
        *("content_filtered", "content_moderated", "moderated", "moderation", "nsfw", "policy_violation"),  # Luma, BFL
        *("responsibleaipolicyviolation", "content_safety_violation", "safety_violation", "output_moderation"),  # Azure
        *("creationpolicyviolation", "moderation_failed", "unsafe_content", "nsfw_content_detected"),  # Vidu, relays
        "unprocessable_entity_error",  # MiniMax v2: 422, safety
        "1027",  # MiniMax: the clip
        *("50511", "50519"),  # Jimeng
        "500054",  # PixVerse
    )
)
"""Codes of a filter that do not name the side that it looked at, in lower case: the sentence beside them may."""

_CODE_FORMS: tuple[tuple[re.Pattern[str], FailureKind | None], ...] = (
    (re.compile(r"(INPUT_PREPROCESSING\.)?SAFETY\.INPUT|INPUT_PREPROCESSING\.SAFETY", re.I), _INPUT),  # Runway (R-tr)
    (re.compile(r"SAFETY\.", re.I), _OUTPUT),
    (re.compile(r"(Input|Prompt)\w*Sensitive\w*Detected|InputTextRisk", re.I), _INPUT),  # Ark (C-seed)
    (re.compile(r"\w*Sensitive\w*Detected", re.I), _OUTPUT),
    (re.compile(r"\w*RiskDetection", re.I), None),
    (re.compile(r"(DataInspection|IPInfringement)\w*", re.I), None),  # DashScope
    (re.compile(r"CM_EXT\b", re.I), None),  # Kling through a relay (ARC)
    # relays' own names, such as "moderation_error"; not of a filter that is out of order
    (
        re.compile(
            r"(?!.*(unavailable|timeout|service))\w*(moderat|content_?(policy|filter|safety)|nsfw|safety)\w*", re.I
        ),
        None,
    ),
    (re.compile(r"\w*(prohibited_?content|sensitive_?(content|word))\w*", re.I), None),
)
"""How codes of a family begin, with the side that they name; the first that fits counts."""

_RAI = re.compile(r"rai_?(?:media_?)?filtered_?(?:count|reasons?)", re.I)
_FINISHED_BY_FILTER = re.compile(
    r"(?:image_|video_|input_|output_)?(?:safety|prohibited_content|recitation)|blocklist|spii|content_filter(?:ed)?",
    re.I,
)
_FINISH_KEYS = frozenset({"finishreason", "finish_reason", "stop_reason", "stopreason"})
_BLOCK_KEYS = frozenset({"blockreason", "block_reason"})
_TRUE_IS_BLOCKED = frozenset(
    (
        *(
            "nsfw",
            "is_nsfw",
            "isnsfw",
            "has_nsfw",
            "nsfw_content_detected",
            "has_nsfw_content",
            "flagged",
            "is_flagged",
        ),
        *("blocked", "is_blocked", "filtered", "is_filtered", "content_filtered", "moderated", "is_moderated"),
        *("censored", "moderation_blocked", "moderation_flagged", "content_blocked", "safety_blocked"),
    )
)
_FALSE_IS_BLOCKED = frozenset(("respect_moderation", "respectmoderation", "moderation_passed", "passed_moderation"))
_NSFW_LISTS = frozenset(("has_nsfw_concepts", "has_nsfw_content", "nsfw_content_detected"))
_REVIEW_KEYS = frozenset(
    ("moderation_status", "moderationstatus", "moderation_result", "safety_status", "audit_status")
)
_REVIEWED = re.compile(r"rejected|blocked|failed|flagged|denied|violation|moderated|filtered", re.I)
_ECHOED = frozenset(
    (
        *("prompt", "negative_prompt", "input", "inputs", "request", "params", "parameters", "payload"),
        *("properties", "options"),
    )
)
"""Keys under which vendors return the user's own request."""
_DEPTH = 8


def find_filter_verdict(document: object) -> FilterVerdict | None:
    """Find a content filter's verdict in the structure of a reply, whatever its envelope; None where there is none."""
    found = [verdict for key, value in _fields(document) if (verdict := _read_field(key, value))]
    return max(found, key=lambda verdict: bool(verdict.reason), default=None)  # the first with a reason, else the first


def kind_of_code(code: str, sentence: str = "") -> FailureKind | None:
    """Return the moderation kind that a vendor's code names, None for any other code.

    Where the code does not name the side that the filter looked at, the `sentence` decides.
    """
    named = code.strip()
    if named.casefold() in INPUT_CODES:
        return _side(sentence, _INPUT)
    if named.casefold() in CODES:
        return _side(sentence)
    return next((kind or _side(sentence) for form, kind in _CODE_FORMS if form.match(named)), None)


def kind_of_words(sentence: str) -> FailureKind | None:
    """Return the moderation kind that a sentence of the vendor tells, None where it tells of no content filter.

    Give it only the vendor's own words (`vendor_text.own_words`).
    """
    return _side(sentence) if tells_of_filter(sentence) else None


def _side(sentence: str, default: FailureKind = _OUTPUT) -> FailureKind:
    """Return which side a filter's sentence names; `default` where it names none or both."""
    return {(True, False): _INPUT, (False, True): _OUTPUT}.get(sides_named(sentence), default)


def _fields(value: object, depth: int = _DEPTH) -> Iterator[tuple[str, Any]]:
    """Yield each key with its value from the outside in, except below keys that echo the request."""
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield key.casefold(), inner
        for key, inner in value.items():
            if key.casefold() not in _ECHOED:
                yield from _fields(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value:
            yield from _fields(inner, depth - 1)


def _read_field(key: str, value: object) -> FilterVerdict | None:
    if _RAI.fullmatch(key):
        return _read_rai(value)
    if key in _FALSE_IS_BLOCKED and value is False:
        return FilterVerdict(_OUTPUT, f"the clip was made and withheld: {key} is false")
    if (key in _TRUE_IS_BLOCKED and value is True) or (
        key in _NSFW_LISTS and isinstance(value, list) and True in value
    ):
        return FilterVerdict(_OUTPUT, f"the content filter withheld the clip: {key} is true")
    if not isinstance(value, str):
        return None
    if key in _FINISH_KEYS and _FINISHED_BY_FILTER.fullmatch(value.strip()):
        return FilterVerdict(_OUTPUT, f"the content filter stopped the task: {key} is {text(value, 80)}")
    if key in _REVIEW_KEYS and _REVIEWED.fullmatch(value.strip()):
        return FilterVerdict(_OUTPUT, f"the content filter withheld the clip: {key} is {text(value, 80)}")
    if key in _BLOCK_KEYS and value.strip() and not value.strip().upper().endswith("UNSPECIFIED"):
        return FilterVerdict(_INPUT, f"the content filter refused the prompt: {key} is {text(value, 80)}")
    return None


def _read_rai(value: object) -> FilterVerdict | None:
    """Read Veo's count or list of filtered clips. A reason that speaks of the prompt means the input."""
    if isinstance(value, list):
        reasons = text(" ".join(filter(None, map(text, value))))
        return FilterVerdict(kind_of_words(reasons) or _OUTPUT, reasons) if reasons else None
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return FilterVerdict(_OUTPUT, "")
    return None
